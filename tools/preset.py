"""Merge a preset into params.yaml, its comments and layout kept.

    python tools/preset.py full
    python tools/preset.py photos data.path=/pictures split.test=0.2
    dvc exp run $(python tools/preset.py full --flags)

A preset is a file of overrides in presets/; `key=value` arguments come on top of it. The result is
checked as a whole before anything is written.
"""

import argparse
import io
import json
import re
import sys
from pathlib import Path

import yaml
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from srgan_ab.common.errors import UserError  # noqa: E402
from srgan_ab.common.files import atomic_file  # noqa: E402
from srgan_ab.common.params import parse, read_yaml  # noqa: E402


def overrides(name: str, assignments: list[str]) -> dict[str, object]:
    """Flatten a preset and `key=value` arguments: dotted key to value, the later one counts.

    Raises:
        UserError: there is no such preset, or an argument is no `key=value`.
    """
    known = {path.stem: path for path in sorted((ROOT / "presets").glob("*.yaml"))}
    if name not in known:
        raise UserError(f"there is no preset {name!r}: choose one of {', '.join(known)}")
    flat = dict(_leaves(read_yaml(known[name])))
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise UserError(f"{assignment!r} is no key=value, such as data.path=/pictures")
        try:
            flat[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            flat[key] = value
    return flat


def _leaves(section: dict, prefix: str = ""):
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def merge(text: str, values: dict[str, object]) -> str:
    """Set dotted keys in a YAML document; comments, order and layout stay.

    Raises:
        UserError: the result is not a valid params file.
    """
    document = YAML()
    document.width = 4096  # never fold a line
    document.representer.add_representer(
        type(None), lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    content = document.load(text)
    for key, value in values.items():
        *sections, leaf = key.split(".")
        node = content
        for section in sections:
            node = node.get(section)
            if not isinstance(node, dict):
                raise UserError(f"{key} is no key of params.yaml: mend its spelling")
        if isinstance(value, list) and isinstance(node.get(leaf), list):
            node[leaf][:] = value  # keeps the comment behind it
            node[leaf].fa.set_flow_style()  # as lines, none at all would not be YAML
        else:
            node[leaf] = value
    stream = io.StringIO()
    document.dump(content, stream)
    try:
        parse(yaml.safe_load(stream.getvalue()), "params.yaml as merged")
    except UserError as error:
        raise UserError(f"{error}; keys can be set by key=value behind the preset") from None
    return stream.getvalue()


def flags(values: dict[str, object]) -> str:
    """Write overrides as `-S key=value` for `dvc exp run`.

    Raises:
        UserError: a value holds what the shell or DVC would take apart.
    """
    return " ".join(f"-S {key}={_word(key, value)}" for key, value in values.items())


def _word(key: str, value: object) -> str:
    if isinstance(value, list):
        return f"[{','.join(_word(key, item) for item in value)}]"
    word = value if isinstance(value, str) else json.dumps(value)
    if not re.fullmatch(r"[\w./:@%+-]+", word):
        raise UserError(f"{key} = {word!r} cannot be a flag: merge it into params.yaml instead")
    return word


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", help="of the file in presets/, without .yaml")
    parser.add_argument("assignments", nargs="*", metavar="key=value", help="on top of the preset")
    parser.add_argument(
        "--flags", action="store_true", help="write nothing; print -S flags for `dvc exp run`"
    )
    arguments = parser.parse_intermixed_args()  # --flags may stand before key=value
    params = ROOT / "params.yaml"
    try:
        values = overrides(arguments.name, arguments.assignments)
        merged = merge(params.read_text(), values)
        if arguments.flags:
            print(flags(values))
            return
        with atomic_file(params) as temporary:
            temporary.write_text(merged)
    except UserError as error:
        sys.exit(f"preset: {error}")
    print(f"params.yaml holds the preset {arguments.name} now: run `dvc repro`")


if __name__ == "__main__":
    main()

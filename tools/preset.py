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
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, SequenceNode

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from srgan_ab.common.errors import UserError  # noqa: E402
from srgan_ab.common.files import atomic_file  # noqa: E402
from srgan_ab.common.params import (  # noqa: E402
    decode,
    near_key,
    parse,
    read_text,
    read_yaml,
    unknown_key,
)


def overrides(name: str, assignments: list[str]) -> dict[str, object]:
    """Flatten a preset and `key=value` arguments: dotted key to value, the later one counts.

    Raises:
        UserError: there is no such preset, it holds no mapping, or an argument is no `key=value`.
    """
    known = {path.stem: path for path in sorted((ROOT / "presets").glob("*.yaml"))}
    if name not in known:
        raise UserError(f"there is no preset {name!r}: choose one of {', '.join(known)}")
    preset = read_yaml(known[name])
    if not isinstance(preset, dict):
        raise UserError(f"{known[name]} must be a mapping of sections, as params.yaml is")
    flat = dict(_leaves(preset))
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise UserError(f"{assignment!r} is no key=value, such as data.path=/pictures")
        try:
            flat[key] = decode(value, assignment)
        except UserError:
            flat[key] = value
    return flat


def _leaves(section: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def merge(text: str, values: dict[str, object]) -> str:
    """Set dotted keys in a YAML document; comments, order and layout stay.

    Raises:
        UserError: the text is no valid params file, or the result is none.
    """
    content = decode(text, "params.yaml")
    if not isinstance(content, dict):
        parse(content)
    places = dict(_places(text, YAML().compose(text)))
    edits = []
    for key, value in values.items():
        if key not in places:
            raise UserError(
                f"params.yaml holds no value of {key}: add it, or name the keys of the section"
                if near_key(key) == key
                else f"params.yaml: {unknown_key(key)}"
            )
        edits += [(start, end, form.format(_written(value))) for start, end, form in places[key]]
        *sections, leaf = key.split(".")
        reduce(dict.__getitem__, sections, content)[leaf] = value
    try:
        parse(content, "params.yaml as merged")
    except UserError as error:
        raise UserError(f"{error}; keys can be set by key=value behind the preset") from None
    for start, end, word in sorted(edits, reverse=True):  # the last first: places stay true
        text = _replaced(text, start, end, word)
    try:
        as_meant = decode(text, "params.yaml as merged") == content
    except UserError:
        as_meant = False
    if not as_meant:
        raise UserError("params.yaml names values by anchors (&, *): write them out first")
    return text


def _places(text: str, node: MappingNode, prefix: str = "") -> Iterator[tuple[str, list]]:
    """Dotted key of each leaf, and what to put where: (from, to, pattern of the new text)."""
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        behind = text.index(":", key.end_mark.index) + 1
        start, end = value.start_mark.index, value.end_mark.index
        if isinstance(value, MappingNode):
            yield from _places(text, value, f"{name}.")
        elif isinstance(value, SequenceNode) and not value.flow_style:  # an item a line
            first = text.rindex("\n", 0, start)
            yield name, [(behind, behind, " {}"), (first, value.value[-1].end_mark.index, "")]
        elif start == end:  # nothing, which is null
            yield name, [(behind, behind, " {}")]
        else:
            yield name, [(start, start + len(text[start:end].rstrip()), "{}")]


def _written(value: object) -> str:
    """YAML of a value, on one line."""
    document, stream = YAML(typ="safe"), io.StringIO()
    document.default_flow_style, document.width = True, 2**20
    document.dump([value], stream)
    return stream.getvalue().strip()[1:-1]


def _replaced(text: str, start: int, end: int, word: str) -> str:
    """Put a word between two places; a comment behind it stays in its column if it can."""
    rest = text[end:]
    comment = rest.lstrip(" ")
    if comment.startswith("#"):
        spaces = len(rest) - len(comment) + (end - start) - len(word)
        rest = " " * max(spaces, 1) + comment
    return text[:start] + word + rest


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
    """Merge the preset that the command line names, or print its flags."""
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
        merged = merge(read_text(params), values)
        if arguments.flags:
            print(flags(values))
            return
        with atomic_file(params) as temporary:
            temporary.write_text(merged, encoding="utf-8")
    except UserError as error:
        sys.exit(f"preset: {error}")
    print(f"params.yaml holds the preset {arguments.name} now: run `dvc repro`")


if __name__ == "__main__":
    main()

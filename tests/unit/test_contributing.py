"""CONTRIBUTING.md sends nobody to a file, a name or a make target that is not there."""

import ast
import re
from pathlib import Path

import pytest
import yaml
from repository import ROOT, default_params

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PATH = re.compile(r"[\w./-]+/[\w./-]+|[\w.-]+\.(?:md|yaml|toml|txt|in)")


def quoted(text: str) -> list[str]:
    """What stands in backticks outside of blocks, line breaks in it as spaces."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return [" ".join(token.split()) for token in re.findall(r"`([^`]+)`", text)]


def paths(text: str) -> list[Path]:
    """Files and folders of the project that stand in backticks."""
    tokens = [word for token in quoted(text) for word in token.split() if PATH.fullmatch(word)]
    return [ROOT / token for token in tokens if not token.startswith(".venv")]


def names_in(file: Path) -> set[str]:
    """Names that a Python file defines, takes as keywords or has as texts; or a YAML file's."""
    if file.name == "params.yaml":  # not the user's own: the tests' has the same keys
        return names_in_yaml(default_params())
    if file.suffix == ".yaml":
        return names_in_yaml(yaml.safe_load(file.read_text(encoding="utf-8")))
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.ClassDef(name=name):
                names |= {name}
                names |= {f"{name}.{part.name}" for part in node.body if hasattr(part, "name")}
            case ast.FunctionDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.keyword(arg=str(name)):
                names.add(name)
            case ast.Constant(value=str(name)):
                names.add(name)
    return names


def names_in_yaml(tree: object) -> set[str]:
    """Keys, dotted as well, and scalars in lists."""
    if isinstance(tree, list):
        return {str(item) for item in tree}
    names = set()
    for key, value in tree.items() if isinstance(tree, dict) else ():
        below = names_in_yaml(value)
        names |= {str(key)} | below | {f"{key}.{name}" for name in below}
    return names


def claims() -> list:
    """Each name under "Where new things go", and the files among which it must be.

    Those are the files of its paragraph, or of its item of a list, and its section's first one.
    """
    found = []
    (part,) = re.findall(r"^## Where new things go\n(.*?)^## ", TEXT, re.M | re.S)
    for section in re.split(r"^### ", part, flags=re.M)[1:]:
        home = paths(section)[0]
        for block in re.split(r"\n\n|^\d\. ", section, flags=re.M):
            files = [file for file in [home, *paths(block)] if file.suffix in (".py", ".yaml")]
            names = [t for t in quoted(block) if re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?", t)]
            found += [pytest.param(n, files, id=n) for n in names if not PATH.fullmatch(n)]
    return found


@pytest.mark.parametrize(("name", "files"), claims())
def test_a_name_is_in_the_files_named_beside_it(name, files):
    assert any(name in names_in(file) for file in files), (
        f"CONTRIBUTING.md speaks of `{name}`, which is in none of "
        f"{', '.join(file.relative_to(ROOT).as_posix() for file in files)}"
    )


def test_every_kind_of_part_is_shown_by_an_example():
    assert re.findall(r"^### (.*)", TEXT, re.M) == [
        "A loss",
        "A backbone",
        "A source of images",
        "An arm",
        "A statistic",
    ]
    assert len(claims()) >= 25


def test_files_exist():
    assert len(paths(TEXT)) >= 30
    missing = [path.relative_to(ROOT).as_posix() for path in paths(TEXT) if not path.exists()]
    assert not missing


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", TEXT, re.M))
    assert {"setup", "test", "lint", "repro"} <= named <= targets

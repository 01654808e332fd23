"""Commands and Python that the documents tell a reader to type.

python tests/commands.py     # each command, the document that has it, the test that runs it
"""

import ast
import re
import shlex
import textwrap
from collections.abc import Callable, Iterator

import typer
from repository import ROOT

DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "benchmarks/README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
SHELLS = ("console", "shell", "sh", "bash", "zsh")


def blocks(*languages: str) -> Iterator[tuple[str, str]]:
    """Each block of a document that is marked as being in one of the languages, and the document.

    One that stands within a list comes without its indent.
    """
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for _, language, block in re.findall(r"^( *)```(\w*)\n(.*?)^\1```", text, re.M | re.S):
            if language in languages:
                yield document.relative_to(ROOT).as_posix(), textwrap.dedent(block)


def documented() -> dict[str, str]:
    """Each line of the shell's blocks, without its comment, and the document that has it."""
    commands = {}
    for document, block in blocks(*SHELLS):
        for line in block.splitlines():
            command = re.sub(r"(^|\s+)# .*", "", line.removeprefix("$ "))
            if command:
                commands[command] = document
    return commands


def typed() -> dict[str, str]:
    """Each command that a pipeline test gives to `shell`, word for word, and that test's file."""
    commands = {}
    for file in sorted((ROOT / "tests/pipeline").glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "shell":
                commands[ast.literal_eval(node.args[0])] = file.name
    return commands


def parse(main: Callable[..., None], command: str) -> None:
    """See that a script's `main` knows the options of a command; nothing is run."""
    app = typer.Typer()
    app.command()(main)
    _, script, *options = shlex.split(command)
    typer.main.get_command(app).make_context(script, options)


if __name__ == "__main__":
    tests = typed()
    for command, document in documented().items():
        test = tests.get(command, "in tests/unit/test_commands.py, with the reason why not")
        print(f"{document}: {command}\n    {test}")

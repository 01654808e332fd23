"""Docstrings as mkdocstrings wants them.

An entry of several arguments, `sr, hr: …`, becomes one for each of them, and lines that begin with
`>>>` a block of code.
"""

import re

import griffe  # pyright: ignore[reportMissingImports]  # of .venv-docs

SHARED = re.compile(r"^( +)(\w+(?:, \w+)+): (.*(?:\n\1 +.*)*)", re.M)
SESSION = re.compile(r"^>>> .*(?:\n.+)*", re.M)


def entry_each(text: str, known: set[str]) -> str:
    """The text with an entry for each name, where all are parameters."""

    def each(match: re.Match[str]) -> str:
        indent, names, meaning = match[1], match[2].split(", "), match[3]
        if not known.issuperset(names):
            return match[0]
        return "\n".join(f"{indent}{name}: {meaning}" for name in names)

    return SHARED.sub(each, text)


class Docstrings(griffe.Extension):
    """Shared arguments of functions, and of classes for their first method; sessions of all."""

    def on_object(self, *, obj, **_):
        """Rewrite the docstring of one of them."""
        if obj.docstring is None:
            return
        of = obj.members.get("__init__") if obj.is_class else obj
        known = {parameter.name for parameter in getattr(of, "parameters", ())}
        text = entry_each(obj.docstring.value, known)
        obj.docstring.value = SESSION.sub(lambda match: f"```pycon\n{match[0]}\n```", text)

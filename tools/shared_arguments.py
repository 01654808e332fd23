"""A docstring's `sr, hr: …` is read as one entry for each name, as mkdocstrings wants it."""

import re

import griffe  # pyright: ignore[reportMissingImports]  # of .venv-docs

SHARED = re.compile(r"^( +)(\w+(?:, \w+)+): (.*(?:\n\1 +.*)*)", re.M)


def entry_each(text: str, known: set[str]) -> str:
    """The text with an entry for each name, where all are parameters."""

    def each(match: re.Match[str]) -> str:
        indent, names, meaning = match[1], match[2].split(", "), match[3]
        if not known.issuperset(names):
            return match[0]
        return "\n".join(f"{indent}{name}: {meaning}" for name in names)

    return SHARED.sub(each, text)


class SharedArguments(griffe.Extension):
    """Of functions, and of classes for their first method."""

    def on_object(self, *, obj, **_):
        """Rewrite the docstring of one of them."""
        if obj.docstring and (obj.is_function or obj.is_class):
            of = obj if obj.is_function else obj.members.get("__init__")
            known = {parameter.name for parameter in getattr(of, "parameters", ())}
            obj.docstring.value = entry_each(obj.docstring.value, known)

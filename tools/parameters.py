"""Write the type, the range and the default of every parameter into docs/parameters.md.

They come from the typed model and from params.yaml: the first part of the page, what the keys
mean, is written by hand.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from srgan_ab.common.schema import Params

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/parameters.md"
BEGIN = "<!-- from here on by `python tools/parameters.py` -->\n"
NAMES = {"integer": "whole number", "number": "number", "string": "text"}


def _range(schema: dict[str, Any]) -> str:
    if {"minimum", "maximum"} <= set(schema):
        return f", {schema['minimum']:,} … {schema['maximum']:,}"
    ends = {"minimum": "from {}", "exclusiveMinimum": "above {}", "exclusiveMaximum": "below {}"}
    return "".join(f", {said.format(f'{schema[k]:,}')}" for k, said in ends.items() if k in schema)


def in_words(schema: dict[str, Any]) -> str:
    """A type of JSON Schema for a reader."""
    if "anyOf" in schema:
        return "; or ".join(in_words(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    match schema["type"]:
        case "boolean":
            return "`true`, `false`"
        case "null":
            return "`null`"
        case "array":
            fewest, most = schema.get("minItems", 0), schema.get("maxItems")
            count = f"{most}" if fewest == most else f"at most {most}" if most else "any number"
            if fewest and not most:
                count = f"at least {fewest}"
            return f"list, {count} of: {in_words(schema['items'])}"
        case kind:
            digits = ", 64 hex digits" if "pattern" in schema else ""
            return NAMES[kind] + _range(schema) + digits


def rows(values: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Each key, its type and its value, in the order of the model."""
    whole = Params.model_json_schema()

    def walk(schema: dict[str, Any], part: dict[str, Any], prefix: str):
        for name, found in schema["properties"].items():
            field = found
            while "$ref" in field:
                field = whole["$defs"][field["$ref"].rpartition("/")[2]]
            if "properties" in field:
                yield from walk(field, part[name], f"{prefix}{name}.")
            else:
                value = yaml.safe_dump(part[name], default_flow_style=True, width=10_000)
                yield prefix + name, in_words(field), value.removesuffix("...\n").strip()

    return walk(whole, values, "")


def written(page: str, values: dict[str, Any]) -> str:
    """The page with its second part made anew."""
    by_hand = page.partition(BEGIN)[0].rstrip("\n")
    table = "\n".join(f"| `{key}` | {kind} | `{value}` |" for key, kind, value in rows(values))
    return (
        f"{by_hand}\n\n{BEGIN}\n## Types and defaults\n\n"
        "As the program checks them, and as `params.yaml` comes; presets set others.\n\n"
        f"| key | type and range | default |\n|---|---|---|\n{table}\n"
    )


def main() -> None:
    """Write it."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(written(page, values), encoding="utf-8")


if __name__ == "__main__":
    main()

"""`params.yaml`, read and checked as a whole before any work."""

# pyright: reportUnknownMemberType=false
# ruamel.yaml gives not all of its methods types

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from srgan_ab.common.errors import UserError
from srgan_ab.common.schema import Params


def parse(values: object, origin: str = "params.yaml") -> Params:
    """Validate a decoded mapping.

    Raises:
        UserError: one sentence for the first mistake: the key's full path and what is allowed.
    """
    if not isinstance(values, dict):
        raise UserError(
            f"{origin} must be a mapping of sections: `git checkout -- params.yaml` brings back "
            "the committed one"
        )
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        first, *others = _mistakes(error)
        more = f" (and {len(others)} more)" if others else ""
        raise UserError(f"{origin}: {first}{more}") from None


def _mistakes(error: ValidationError) -> list[str]:
    """A sentence for each mistake: misspelt keys, then missing ones and values."""
    problems = [(".".join(map(str, p["loc"])), p) for p in error.errors(include_url=False)]
    sentences: list[str] = []
    meant: set[str | None] = set()
    for key, problem in problems:
        if problem["type"] == "extra_forbidden":
            meant.add(near_key(key))
            sentences.append(unknown_key(key))
    for key, problem in problems:
        match problem["type"]:
            case "extra_forbidden":
                continue
            case "missing":
                if key not in meant:  # else it is the misspelt one
                    sentences.append(f"{key} is missing: add it")
            case "value_error":  # of several keys, which it names
                sentences.append(problem["msg"].removeprefix("Value error, "))
            case _ if isinstance(problem["input"], dict):
                sentences.append(f"{key} {problem['msg']}")
            case _:
                sentences.append(f"{key} is {problem['input']!r}: {problem['msg']}")
    return sentences


def unknown_key(key: str) -> str:
    """Say that there is no such dotted key, and which one may be meant."""
    near = near_key(key)
    return f"{key} is no known key: " + (
        f"did you mean {near}?" if near else "remove it or mend its spelling"
    )


def near_key(key: str) -> str | None:
    """The section or dotted key whose spelling comes nearest, in its section if that exists."""
    keys = list(_keys(Params))
    section, dot, name = key.rpartition(".")
    if section and section not in keys:
        near = difflib.get_close_matches(key, keys, n=1, cutoff=0.8)
        return near[0] if near else None
    names = [k.removeprefix(section + dot) for k in keys if k.rpartition(".")[0] == section]
    near = difflib.get_close_matches(name, names, n=1)
    return section + dot + near[0] if near else None


def _keys(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _keys(field.annotation, f"{prefix}{name}.")


def load(path: Path) -> Params:
    """Read and validate a params file.

    Raises:
        UserError: the file cannot be read, is not YAML, or holds a wrong key or value.
    """
    return parse(read_yaml(path), str(path))


def read_yaml(path: Path) -> Any:
    """Decode one YAML file.

    Raises:
        UserError: the file cannot be read or is not YAML.
    """
    return decode(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Read UTF-8 text.

    Raises:
        UserError: the file is missing, cannot be read or holds other bytes.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run from a checkout of the project") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text: save it as that") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


def decode(text: str, origin: str) -> Any:
    """Decode YAML 1.2 as DVC does, by the same library: 1e-5 is a number, 010 is ten.

    Raises:
        UserError: it is not YAML, or names a key twice.
    """
    try:
        return YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        reason = f"line {error.problem_mark.line + 1}: {error.problem}"
    except (YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
    if any(line.startswith("<<<<<<<") for line in text.splitlines()):
        reason += "; it holds the marks of an unfinished merge"
    raise UserError(f"{origin} is not valid YAML: {reason}")


class Declared:
    """A view of the params that holds only the keys a stage declares in `dvc.yaml`.

    Reading another key is a mistake in the code: DVC would not rerun the stage when it changes.
    `runtime` is always readable: it says where a stage runs, not what it computes. To the checker
    of types it is the `Params` that stages call it.
    """

    def __init__(self, params: BaseModel, declared: list[str], prefix: str = ""):
        self._params, self._declared, self._prefix = params, [*declared, "runtime"], prefix

    def __getattr__(self, name: str) -> Any:
        key = f"{self._prefix}{name}"
        value = getattr(self._params, name)
        if any(key == d or key.startswith(d + ".") for d in self._declared):
            return value
        if any(d.startswith(key + ".") for d in self._declared):
            return Declared(value, self._declared, key + ".")
        raise AttributeError(f"this stage reads {key}, which dvc.yaml does not declare for it")

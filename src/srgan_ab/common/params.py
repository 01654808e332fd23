"""`params.yaml`, read and checked as a whole before any work."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError

from srgan_ab.common.errors import UserError
from srgan_ab.common.schema import Params


def parse(values: object, origin: str = "params.yaml") -> Params:
    """Validate a decoded mapping.

    Raises:
        UserError: one sentence for the first wrong key: its full path and what is allowed.
    """
    if not isinstance(values, dict):
        raise UserError(
            f"{origin} must be a mapping of sections, see params.yaml in the repository"
        )
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        problems = error.errors()
        first = problems[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole"
        allowed = {
            "extra_forbidden": "is no known key: remove it or mend its spelling",
            "missing": "is missing: add it",
        }.get(first["type"])
        if allowed is None:
            message = first["msg"].removeprefix("Value error, ")
            allowed = f"is {first['input']!r}: {message}" if first["loc"] else message
            if isinstance(first["input"], dict):
                allowed = message
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise UserError(f"{origin}: {key} {allowed}{more}") from None


def load(path: Path) -> Params:
    """Read and validate a params file.

    Raises:
        UserError: the file is missing, is not YAML, or holds a wrong key or value.
    """
    return parse(read_yaml(path), str(path))


def read_yaml(path: Path) -> object:
    """Decode one YAML file.

    Raises:
        UserError: the file is missing or is not YAML.
    """
    try:
        return yaml.safe_load(Path(path).read_text())
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run from a checkout of the project") from None
    except yaml.YAMLError as error:
        where = " ".join(str(error).split())
        raise UserError(f"{path} is not valid YAML: {where}") from None


class Declared:
    """A view of the params that holds only the keys a stage declares in `dvc.yaml`.

    Reading another key is a mistake in the code: DVC would not rerun the stage when it changes.
    `runtime` is always readable: it says where a stage runs, not what it computes.
    """

    def __init__(self, params: BaseModel, declared: list[str], prefix: str = ""):
        self._params, self._declared, self._prefix = params, [*declared, "runtime"], prefix

    def __getattr__(self, name: str):
        key = f"{self._prefix}{name}"
        value = getattr(self._params, name)
        if any(key == d or key.startswith(d + ".") for d in self._declared):
            return value
        if any(d.startswith(key + ".") for d in self._declared):
            return Declared(value, self._declared, key + ".")
        raise AttributeError(f"this stage reads {key}, which dvc.yaml does not declare for it")

"""Weights on disk: safetensors, with what is needed to rebuild the network in the metadata."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_file


def save_weights(path: Path, module: torch.nn.Module, architecture: dict) -> None:
    """Write a module's state in fp32 on the CPU, with its constructor's arguments beside it."""
    state = {k: v.detach().cpu().contiguous() for k, v in module.state_dict().items()}
    with atomic_file(path) as temporary:
        save_file(state, temporary, {"architecture": json.dumps(architecture, sort_keys=True)})


def read_weights(path: Path) -> tuple[dict[str, torch.Tensor], dict]:
    """Read tensors and the architecture (empty for files of other origin).

    Raises:
        UserError: the file is missing or is no safetensors file (pickles are refused: loading
            one runs whatever code it holds).
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise UserError(
            f"{path} is missing: check the path, or run the stage that makes it"
        ) from None
    except SafetensorError as error:
        raise UserError(
            f"{path} is no safetensors file ({error}): pickled weights are refused, convert them"
        ) from None
    return state, json.loads(metadata.get("architecture", "{}"))


def load_weights(module: torch.nn.Module, state: dict[str, torch.Tensor], origin: str) -> None:
    """Fill a module, all of it; BatchNorm's batch counters may be absent.

    Raises:
        UserError: keys or shapes do not fit the module.
    """
    expected = module.state_dict()
    missing = [k for k in expected if k not in state and not k.endswith("num_batches_tracked")]
    surplus = [k for k in state if k not in expected]
    shapes = [k for k in state if k in expected and state[k].shape != expected[k].shape]
    for problem, keys in (
        ("lacks", missing),
        ("has unknown", surplus),
        ("has other shapes in", shapes),
    ):
        if keys:
            raise UserError(
                f"{origin} does not fit {type(module).__name__}: it {problem} {', '.join(keys[:3])}"
                f"{' ...' if len(keys) > 3 else ''}; use weights of this architecture"
            )
    module.load_state_dict(state, strict=False)

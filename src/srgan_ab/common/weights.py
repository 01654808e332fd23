"""Weights on disk: safetensors, with what is needed to rebuild the network in the metadata."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# safetensors gives its reader no types

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from torch.overrides import TorchFunctionMode

from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_file

Network = TypeVar("Network", bound=torch.nn.Module)


class _Unfilled(TorchFunctionMode):
    """Leaves out the random draws of first weights, which take a VGG16 seconds.

    What is computed rather than drawn, as buffers that no file holds, is as ever. A network built
    on the device "meta" would not have those.
    """

    DRAWS = (
        *(torch.Tensor.normal_, torch.Tensor.uniform_),
        *(nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_),
    )

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func in self.DRAWS:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


def save_weights(
    path: Path, module: torch.nn.Module, architecture: dict[str, Any], kind: str | None = None
) -> None:
    """Write a module's state, in its own precision, with what it takes to load it.

    Args:
        path: of the file.
        module: whose state.
        architecture: arguments of its constructor.
        kind: what it is: `generator`, `discriminator` or `classifier`.
    """
    state = {k: v.detach().cpu().contiguous() for k, v in module.state_dict().items()}
    # one entry: safetensors writes several in an order of chance
    facts = architecture | ({"kind": kind} if kind else {})
    with atomic_file(path) as temporary:
        save_file(state, temporary, {"architecture": json.dumps(facts, sort_keys=True)})


def read_weights(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read tensors and the architecture (empty for files of other origin).

    Raises:
        UserError: the file is missing, damaged or no safetensors file (pickles are refused: loading
            one runs whatever code it holds).
    """
    state, architecture, _ = _read(path)
    return state, architecture


def read_network(path: Path, kind: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read tensors and the architecture of one kind of network.

    Raises:
        UserError: as `read_weights`; or the file holds another kind of network.
    """
    state, architecture, found = _read(path)
    if found not in (None, kind):
        raise UserError(f"{path} holds a {found}, not a {kind}: give the weights of a {kind}")
    return state, architecture


def load_network(path: Path, kind: str, build: Callable[..., Network]) -> Network:
    """Rebuild a network of this project from its file alone.

    Args:
        path: of the file.
        kind: what `save_weights` called it.
        build: makes a network of the architecture, which it gets as named arguments. Its random
            draws are left out, because the file holds all weights.

    Raises:
        UserError: as `read_network`; or the file does not hold what it says.
    """
    state, architecture = read_network(path, kind)
    try:
        with _Unfilled():
            network = build(**architecture)
    except TypeError:  # of a file that does not say its kind
        raise UserError(
            f"{path} does not say how to build a {kind}: give the weights of a {kind} that this "
            "project has trained"
        ) from None
    load_weights(network, state, str(path))
    return network


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any], str | None]:
    """Tensors, architecture and kind."""
    if path.is_dir():
        raise UserError(f"{path} is a folder: give the .safetensors file in it")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        architecture = _architecture(metadata)
        return state, architecture, architecture.pop("kind", None)
    except FileNotFoundError:
        raise UserError(
            f"{path} is missing: check the path, or run the stage that makes it"
        ) from None
    except (SafetensorError, ValueError) as error:
        with path.open("rb") as stream:
            start = stream.read(4)
        if start.startswith((b"PK", b"\x80")):  # torch's zip of pickles, and a bare pickle
            raise UserError(
                f"{path} is a pickle, and pickled weights are refused: convert it to safetensors"
            ) from None
        raise UserError(
            f"{path} is no safetensors file, or a damaged one ({error}): copy it anew, or delete "
            "it and run the stage that makes it"
        ) from None


def _architecture(metadata: dict[str, str]) -> dict[str, Any]:
    """What `save_weights` noted; nothing of a file of other origin, whatever it calls so."""
    try:
        found = json.loads(metadata.get("architecture", "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def load_weights(module: torch.nn.Module, state: dict[str, torch.Tensor], origin: str) -> None:
    """Fill a module, all of it; BatchNorm's batch counters may be absent.

    Raises:
        UserError: keys or shapes do not fit the module, or a weight is no finite number.
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
    broken = [k for k, v in state.items() if v.is_floating_point() and not v.isfinite().all()]
    if broken:
        raise UserError(
            f"{origin} holds weights that are infinite or NaN ({broken[0]}): its training failed, "
            "so train it anew, or use other weights"
        )
    module.load_state_dict(state, strict=False)

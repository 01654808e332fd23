"""A generator in forms that other programs load: a program of torch's, ONNX, safetensors."""

import importlib
import importlib.util
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from srgan_ab.common.errors import UserError

if TYPE_CHECKING:  # seconds of importing that --help does without
    from torch import Tensor, nn

LARGEST_DIFFERENCE = 1e-4  # of values in [0, 1]: a fortieth of a level of 8 bits
SIZES = ((2, 3, 17, 33), (1, 3, 96, 128))  # that a form is checked with: N, 3, h, w
AXES = ("batch", "height", "width")
INPUT, OUTPUT = "lr", "sr"


class Check(NamedTuple):
    """One size, computed by the network and by its new form.

    Attributes:
        size: (N, 3, h, w) of the input.
        difference: the largest one of any value.
        seconds: of the new form.
        of_torch: seconds of the network itself.
    """

    size: tuple[int, ...]
    difference: float
    seconds: float
    of_torch: float


def load_plain(weights: Path) -> "nn.Module":
    """The generator in torch's own layers, for inference; none of this project's faster ones.

    Raises:
        UserError: the file is missing, no safetensors, or of another network.
    """
    from srgan_ab.common.weights import load_network
    from srgan_ab.srgan.generator import Generator

    return load_network(weights, "generator", Generator).eval().requires_grad_(False)


def facts(name: str, licence: str, scale: int) -> dict[str, str]:
    """What a file says of itself, in its metadata."""
    return {
        "name": name,
        "scale": str(scale),
        "input": f"{INPUT}: float32 (N, 3, h, w), RGB, 0 to 1",
        "output": f"{OUTPUT}: float32 (N, 3, {scale}h, {scale}w), RGB, about 0 to 1, not clamped",
        "license": licence,
    }


def write_safetensors(weights: Path, target: Path) -> None:
    """Write the weights as they are stored, with what `load_network` needs to know.

    Raises:
        UserError: the file is missing, no safetensors, or of another network.
    """
    from safetensors.torch import save

    from srgan_ab.common.weights import read_network

    state, architecture = read_network(weights, "generator")
    # one entry: safetensors writes several in an order of chance
    made = json.dumps(architecture | {"kind": "generator"}, sort_keys=True)
    target.write_bytes(save(state, {"architecture": made}))


def _program(network: "nn.Module") -> Any:
    """What the network computes, for any number and size of pictures; needs no code of ours."""
    import torch

    sizes = {
        axis: torch.export.Dim(name, min=1) for axis, name in zip((0, 2, 3), AXES, strict=True)
    }
    program = torch.export.export(
        network,
        (torch.rand(2, 3, 24, 20),),
        dynamic_shapes=(sizes,),
        # interpolation rounds 4.0 · h down, and that this is 4 · h, a guard cannot show
        prefer_deferred_runtime_asserts_over_guards=True,
    )
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # paths of this machine
    return program


def write_torch(network: "nn.Module", target: Path, said: dict[str, str]) -> list[Check]:
    """Write a program for `torch.export.load`, with its facts in `srgan-ab.json`, and check it.

    Raises:
        UserError: it computes something else than the network does.
    """
    import torch

    extra = {"srgan-ab.json": json.dumps(said, indent=2)}
    torch.export.save(_program(network), target, extra_files=extra)
    loaded = torch.export.load(target).module()
    return list(_compared(network, loaded, "the program"))


def require_onnx() -> None:
    """See that what writes ONNX is installed.

    Raises:
        UserError: it is not.
    """
    missing = [name for name in ("onnx", "onnxscript") if not importlib.util.find_spec(name)]
    if missing:
        raise UserError(
            f"--to onnx needs {' and '.join(missing)}: run `pip install 'srgan-ab[onnx]'`"
        )


def write_onnx(network: "nn.Module", target: Path, said: dict[str, str]) -> list[Check]:
    """Write ONNX with its facts in the metadata, and check it where ONNX Runtime is installed.

    Returns:
        What the check found; nothing where there is no ONNX Runtime.

    Raises:
        UserError: it computes something else than the network does.
    """
    import torch

    exported: Any = torch.onnx.export(
        _program(network),
        dynamo=True,
        input_names=[INPUT],
        output_names=[OUTPUT],
        verbose=False,
    )
    model = exported.model_proto
    _name_axes(model.graph, said["scale"])
    _forget_origins(model)
    onnx: Any = importlib.import_module("onnx")
    onnx.helper.set_model_props(model, said)
    onnx.checker.check_model(model, full_check=True)
    onnx.save_model(model, target)
    if not importlib.util.find_spec("onnxruntime"):
        return []
    return list(_compared(network, _session(target), "the ONNX file"))


def _name_axes(graph: Any, scale: str) -> None:
    """Names a reader knows in place of the exporter's, `s75`."""
    for value, factor in ((graph.input[0], ""), (graph.output[0], f"{scale}*")):
        axes = value.type.tensor_type.shape.dim
        for axis, name in zip((0, 2, 3), AXES, strict=True):
            axes[axis].dim_param = name if axis == 0 else f"{factor}{name}"
    # shapes between them are in the exporter's names, and every reader infers them itself
    del graph.value_info[:]


def _forget_origins(model: Any) -> None:
    """Leave out which lines of which files a node came from: longer than the nodes."""
    graph = model.graph
    del graph.metadata_props[:]
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]


def _session(path: Path) -> "Callable[[Tensor], Tensor]":
    import torch

    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda lr: torch.from_numpy(session.run([OUTPUT], {INPUT: lr.numpy()})[0])


def _compared(
    network: "nn.Module", form: "Callable[[Tensor], Tensor]", called: str
) -> "Iterator[Check]":
    import torch

    generator = torch.Generator().manual_seed(0)
    for size in SIZES:
        lr = torch.rand(size, generator=generator)
        expected, of_torch = _timed(network, lr)
        found, seconds = _timed(form, lr)
        difference = float((found - expected).abs().max())
        if not difference <= LARGEST_DIFFERENCE:  # NaN is no match either
            raise UserError(
                f"{called} differs from PyTorch by {difference:.1e} at the size {size}, more than "
                f"{LARGEST_DIFFERENCE:g}, and was not written: take other versions of torch, onnx "
                "and onnxruntime, or --to safetensors"
            )
        yield Check(size, difference, seconds, of_torch)


def _timed(compute: "Callable[[Tensor], Tensor]", lr: "Tensor") -> "tuple[Tensor, float]":
    """The result, and seconds of the faster of two passes."""
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        result = compute(lr)
        seconds.append(time.perf_counter() - start)
    return result, min(seconds)

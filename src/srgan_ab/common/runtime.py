"""Device, precision, threads, processes and seeds: what a machine decides, not the experiment."""

# pyright: reportUnknownMemberType=false
# torch gives not all of its functions types

import os
import sys
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import torch
from torch import distributed, nn

from srgan_ab.common.distributed import ALONE, Processes
from srgan_ab.common.errors import UserError
from srgan_ab.common.internals import has_avx512_bf16
from srgan_ab.common.joining import join
from srgan_ab.common.portable import THREADS
from srgan_ab.common.schema import RuntimeParams

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Runtime:
    """Where and how precisely networks are computed."""

    device: torch.device
    precision: str  # "fp32" or "bf16"
    compile: str | None = None  # mode of torch.compile
    processes: Processes = ALONE  # that share the stage
    streaming: bool | Literal["auto"] = "auto"  # read training images from their files

    def autocast(self) -> AbstractContextManager[Any]:
        """bf16 where it pays, a no-op in fp32; never fp16, whose range GAN losses leave.

        Where several processes share a batch, BatchNorm and dropout see the whole of it.
        """
        precise = torch.autocast(
            self.device.type, dtype=torch.bfloat16, enabled=self.precision == "bf16"
        )
        return precise if self.processes.size == 1 else self._together(precise)

    @contextmanager
    def _together(self, precise: torch.autocast) -> Generator[None]:
        with precise, self.processes.whole_batch():
            yield

    def alone(self) -> "Runtime":
        """The same for what this process computes without the others."""
        return replace(self, processes=ALONE)

    def compiled(self, network: Network) -> Network:
        """The network itself, compiled if so wished; its parameters and state stay as they are."""
        if self.compile:
            # one graph per shape: validation's few must not make those of training general
            network.compile(mode=self.compile, dynamic=False)
        return network

    def has_room(self, size: int) -> bool:
        """Whether training images are to be kept in the device's memory.

        Args:
            size: of all of them, in bytes. By `streaming: auto` a GPU keeps what takes at most half
                of the memory that is free; a CPU has nothing to copy them to.
        """
        if self.streaming != "auto":
            return not self.streaming
        return self.device.type != "cuda" or 2 * size <= torch.cuda.mem_get_info(self.device)[0]

    def begin_update(self) -> None:
        """Let CUDA graphs write over what the last update computed."""
        if self.compile:
            torch.compiler.cudagraph_mark_step_begin()

    def facts(self) -> dict[str, str | int | None]:
        """What torch computed on, for the provenance."""
        facts: dict[str, str | int | None] = {
            "threads": torch.get_num_threads(),
            "instructions": torch.backends.cpu.get_cpu_capability(),
            "device": str(self.device),
            "precision": self.precision,
            "compile": self.compile,
            "processes": distributed.get_world_size() if distributed.is_initialized() else 1,
        }
        if self.device.type == "cuda":
            facts["device"] = torch.cuda.get_device_name()
            facts["peak_device_memory_mb"] = round(torch.cuda.max_memory_allocated() / 1024**2)
        return facts

    def generator(self, seed: int) -> torch.Generator:
        """A random generator of its own on the device, so that no other draw moves it."""
        return torch.Generator(self.device).manual_seed(seed)


def _has_fast_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and has_avx512_bf16()


def _say_if_not_portable() -> None:
    found = torch.backends.cpu.get_cpu_capability()
    if found != "AVX2":
        print(
            f"runtime.portable: torch computes by kernels for {found} here, not for AVX2: bits "
            "will differ from those of other processors",
            file=sys.stderr,
        )


def choose(settings: RuntimeParams) -> Runtime:
    """The device and precision that `params.runtime` means on this machine.

    Raises:
        UserError: `runtime.device` asks for an accelerator that is not there.
    """
    name = "cpu" if settings.portable else settings.device
    if name == "auto":
        name = (
            "cuda"
            if torch.cuda.is_available()
            else "mps"
            if torch.backends.mps.is_available()
            else "cpu"
        )
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("runtime.device is cuda, but torch sees no GPU here: set it to auto or cpu")
    if name == "mps" and not torch.backends.mps.is_available():
        raise UserError("runtime.device is mps, but torch sees none here: set it to auto or cpu")
    device, precision = torch.device(name), settings.precision
    if settings.portable:
        precision = "fp32"
    elif precision == "auto":
        precision = "bf16" if _has_fast_bf16(device) else "fp32"
    return Runtime(device, precision, settings.compile, streaming=settings.streaming)


def prepare(settings: RuntimeParams, seed: int, together: bool = False) -> Runtime:
    """`choose`, and make torch deterministic, seeded and of so many threads.

    Args:
        settings: `params.runtime`.
        seed: of torch.
        together: it is for a stage that several processes may share.

    Raises:
        UserError: as `choose`, or as `joining.join`.
    """
    runtime, threads = choose(settings), settings.threads
    if together:
        processes, device = join(settings, runtime.device.type)
        runtime = replace(runtime, processes=processes, device=device)
    if settings.portable:
        threads = threads or THREADS
        _say_if_not_portable()
    if threads:
        torch.set_num_threads(threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is not repeatable without
    torch.use_deterministic_algorithms(True, warn_only=runtime.device.type != "cpu")
    # deterministic mode would also fill every new tensor, to expose reads of what nobody wrote
    torch.utils.deterministic.fill_uninitialized_memory = False  # pyright: ignore[reportAttributeAccessIssue]
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = False
    torch.manual_seed(seed)
    return runtime

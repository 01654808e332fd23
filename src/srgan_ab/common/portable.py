"""The same bits on every x86-64 processor with AVX2: `runtime.portable` of params.yaml.

Libraries look at the processor when they are loaded and choose kernels for it. Kernels of another
width, or with other blocks, add up in another order, so that the last bits differ, and a training
makes large differences of them. Here every library is told to take the kernels for AVX2, which
processors of Intel and AMD have had since 2013 and 2015, and for matrix products those that Intel
promises to give the same bits on its own and on others' processors. What is left open is the number
of threads, which a sum is divided by: `THREADS`, whatever the machine has.

docs/portability.md says on what processors this was seen to hold, and what it costs.
"""

import os
import platform
from pathlib import Path

import yaml

THREADS = 2
PINNED = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own kernels
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # convolutions
    "MKL_CBWR": "COMPATIBLE",  # torch's matrix products
    "MKL_DYNAMIC": "FALSE",  # as many threads as were asked for, also on fewer cores
    "OMP_DYNAMIC": "FALSE",
    "OPENBLAS_CORETYPE": "Haswell",  # matrix products of NumPy and SciPy
    "OPENBLAS_NUM_THREADS": "1",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",  # NumPy's exp, log, sin ...
}


def is_asked_for(params: Path) -> bool:
    """Whether a params file sets `runtime.portable`; what is wrong with it is said elsewhere."""
    try:
        return yaml.safe_load(params.read_text(encoding="utf-8"))["runtime"]["portable"] is True
    except (OSError, UnicodeError, yaml.YAMLError, KeyError, TypeError):
        return False


def pin(params: Path) -> None:
    """Tell libraries that are loaded from now on which kernels to take, if params ask for it.

    To be called before NumPy or torch is imported. Processes that are started later inherit it.
    """
    if is_asked_for(params):
        os.environ.update(PINNED)


def processor() -> str:
    """The processor's name, with family and model, which tell generations apart where known."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    if "model name" not in facts:
        return platform.machine()
    return f"{facts['model name']}, family {facts['cpu family']}, model {facts['model']}"

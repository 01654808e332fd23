"""Puts this checkout's `src` first on the path, works from its root, and pins what kernels are run.

A Python that lacks what the project is installed with is refused in a sentence.

An editable install would import the workspace's package in a copy made by `dvc exp run --temp`.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
os.chdir(ROOT)
# Beside other work, threads that spin while they wait for each other slow a training up to tenfold.
# To spin for microseconds costs little there, and saves a tenth where there is no other work.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "2000")

_REMEDY = "is not the project's Python: `source .venv/bin/activate`, or use make, and run it again"
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(f"{sys.executable} is older than 3.11, so it {_REMEDY}")
try:
    from srgan_ab.common import paths, portable

    if Path(sys.argv[0]).resolve().parent == ROOT / "stages":  # it is run, not imported by a test
        portable.pin(paths.PARAMS)  # before anything loads NumPy or torch
    import srgan_ab.common.stage  # noqa: F401
except ModuleNotFoundError as error:
    if (error.name or "").startswith("srgan_ab"):
        raise
    sys.exit(f"{sys.executable} has no {error.name}, so it {_REMEDY}")

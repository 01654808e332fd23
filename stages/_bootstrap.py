"""Puts this checkout's `src` first on the path, works from its root, and pins what kernels are run.

An editable install would import the workspace's package in a copy made by `dvc exp run --temp`.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
os.chdir(ROOT)

from srgan_ab.common import paths, portable  # noqa: E402

# Beside other work, threads that spin while they wait for each other slow a training up to tenfold.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if Path(sys.argv[0]).resolve().parent == ROOT / "stages":  # it is run, not imported by a test
    portable.pin(paths.PARAMS)  # before anything loads NumPy or torch

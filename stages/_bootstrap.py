"""Puts this checkout's `src` first on the path and works from its root.

An editable install would import the workspace's package in a copy made by `dvc exp run --temp`.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
os.chdir(ROOT)

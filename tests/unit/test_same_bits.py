"""The embedded data set is the same to the bit on every processor, from `download` to `downscale`.

Processes that pretend to run on others: numpy's kernels, OpenBLAS's and the C library's functions
are chosen by what the processor can do, and can be told that it can do less.

After a deliberate change of what is rendered or how it is split, in the root of a checkout:
`PYTHONPATH=src:tests/unit python -m test_same_bits > tests/unit/data_md5.json`
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
DIGESTS = json.loads((ROOT / "tests/unit/data_md5.json").read_text())
STAGES = """
import json, sys
sys.path.insert(0, "stages")
import _bootstrap
import numpy as np
from download import download
from split import split
from downscale import downscale
from srgan_ab.common import params, paths

if __name__ == "__main__":
    values = params.load(paths.PARAMS)
    for stage in (download, split, downscale):
        stage(values)
    assert "torch" not in sys.modules, "no stage before training needs it"
    print(json.dumps(np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])))
"""

FOUND = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])  # beyond the baseline
AVX512 = [name for name in FOUND if name.startswith("AVX512") or name == "X86_V4"]
LEVELS = {
    "as it is": ([], {}),
    "without AVX-512": (AVX512, {"OPENBLAS_CORETYPE": "Haswell"}),
    "baseline": (
        FOUND,
        {
            "OPENBLAS_CORETYPE": "Prescott",
            "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX2_Usable,-FMA_Usable",
        },
    ),
}


def outputs(folder: Path, per_class: int, level: str) -> dict[str, str]:
    """Run the three stages in a checkout of its own; give the md5 of all that they write."""
    without, environment = LEVELS[level]
    for part in ("src", "stages"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    values = yaml.safe_load((ROOT / "tests/params.yaml").read_text(encoding="utf-8"))
    values["data"]["per_class"] = per_class
    values["runtime"]["portable"] = False  # it would pin the kernels that are to differ here
    (folder / "params.yaml").write_text(yaml.safe_dump(values))
    (folder / "run.py").write_text(STAGES)
    environment = {"NPY_DISABLE_CPU_FEATURES": " ".join(without), **environment}
    done = subprocess.run(
        [sys.executable, "run.py"],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)).isdisjoint(without)

    written = [p for top in ("data", "metrics", "models") for p in (folder / top).rglob("*")]
    digests = {
        path.relative_to(folder).as_posix(): hashlib.md5(path.read_bytes()).hexdigest()
        for path in sorted(written)
        if path.is_file()
    }
    with Image.open(folder / "plots/lr_hr.png") as sheet:  # compressed by the machine's own zlib
        digests["plots/lr_hr.png: pixels"] = hashlib.md5(sheet.tobytes()).hexdigest()
    return digests


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
def test_a_sample_of_the_data_set(tmp_path, level):
    assert outputs(tmp_path, 8, level) == DIGESTS["8 per class"]


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
def test_the_data_set_of_the_default_scale(tmp_path, level):
    assert outputs(tmp_path, 300, level) == DIGESTS["300 per class"]


if __name__ == "__main__":
    found = {}
    for count in (8, 300):
        with tempfile.TemporaryDirectory() as temporary:
            found[f"{count} per class"] = outputs(Path(temporary), count, "as it is")
    print(json.dumps(found, indent=2))

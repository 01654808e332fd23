"""Every block of Python in README and docs runs as it stands, in a folder that has a photo.jpg."""

import re
import subprocess
import sys

import pytest
from commands import blocks
from PIL import Image
from repository import ROOT

SNIPPETS = [*blocks("python", "py")]


def test_python_is_told_from_the_shell():
    assert "docs/commands.md" in dict(SNIPPETS)
    for document, block in SNIPPETS:
        compile(block, document, "exec")


@pytest.mark.slow
@pytest.mark.parametrize(("document", "block"), SNIPPETS)
def test_a_block_of_python_runs_and_leaves_what_it_says(document, block, tmp_path):
    """With this package alone on the path: what a reader types has to import all it uses."""
    Image.linear_gradient("L").resize((20, 12)).convert("RGB").save(tmp_path / "photo.jpg")
    environment = {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    made = subprocess.run(
        [sys.executable, "-c", block],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert made.returncode == 0, f"{document}:\n{made.stdout}"
    for name in re.findall(r'\.save\("([^"]+)"\)', block):
        with Image.open(tmp_path / name) as picture:
            assert min(picture.size) > 12, name

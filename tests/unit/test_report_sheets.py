"""Where the report takes the cells of a sheet to be is where they are drawn."""

import json
from pathlib import Path

import numpy as np
import pytest
import report_inputs
from PIL import Image
from report import report
from report_inputs import Reader

from srgan_ab.common.pictures import contact_sheet
from srgan_ab.reporting.sheets import layout

COLUMNS = ["LR", "bicubic", "HR"]


def drawn(side: int, rows: int = 3):
    """The images by row and column, and their sheet."""
    rng = np.random.default_rng(0)
    sides = (side // 4, side, side)
    images = [[rng.integers(0, 256, (s, s, 3), np.uint8) for s in sides] for _ in range(rows)]
    return images, contact_sheet(images, COLUMNS)


@pytest.mark.parametrize("side", [48, 128, 256])
def test_every_cell_is_found(side):
    images, sheet = drawn(side)
    found = layout(sheet.size, COLUMNS, side)
    assert found is not None and (found.columns, found.rows) == (COLUMNS, 3)
    pixels = np.asarray(sheet)
    for r, row in enumerate(images):
        for c, image in enumerate(row):
            x, y = found.left + c * found.step, found.top + r * found.step
            cell = pixels[y : y + found.cell, x : x + found.cell]
            factor = found.cell // len(image)
            assert np.array_equal(cell, image.repeat(factor, 0).repeat(factor, 1))
            frame = pixels[y - 1, x - 1 : x + found.cell + 1]
            assert (frame == 255).all()  # nothing of it lies above


@pytest.mark.parametrize("other", [(1, 0), (0, 1), (134, 0), (0, -3 * 134)])
def test_of_a_sheet_of_another_size_nothing_is_said(other):
    _, sheet = drawn(128)
    size = (sheet.width + other[0], sheet.height + other[1])
    assert layout(size, COLUMNS, 128) is None


@pytest.mark.slow
def test_the_page_names_the_versions_of_the_run_and_cuts_no_other_picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    params = report_inputs.prepare(tmp_path, arms=("a", "b"))

    def sheets() -> list[dict]:
        report(params)
        elements = Reader(Path("plots/report.html").read_text()).elements
        return [json.loads(a["data-sheet"]) for _, a in elements if "data-sheet" in a]

    (sheet,) = sheets()
    assert sheet["columns"] == ["LR", "bicubic", "SRResNet", "SRGAN", "HR"]
    assert sheet["rows"] == report_inputs.ROWS
    Image.new("RGB", (300, 200)).save("plots/sr_samples.png")
    assert sheets() == []

"""The areas that are shown are those that are dark and smooth, wherever they lie."""

import numpy as np
from PIL import Image
from repository import ROOT
from typer.testing import CliRunner


def module(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import smooth_areas

    return smooth_areas


def test_dark_and_smooth_areas_are_found(monkeypatch):
    areas = module(monkeypatch)
    side, size = areas.AREA, areas.SIZE
    random = np.random.default_rng(0)
    pictures = random.integers(0, 90, (7, size, size, 3)).astype(np.uint8)
    planted = {5: (0, 0), 1: (88, 30), 2: (40, 88), 4: (17, 33)}
    for n, (top, left) in planted.items():
        pictures[n, top : top + side, left : left + side] = 40
    pictures[3, 10 : 10 + side, 10 : 10 + side] = 200  # smooth, but bright
    assert {n: place for n, *place in areas.smooth_areas(pictures)} == {
        n: list(place) for n, place in planted.items()
    }


def test_a_sheet_has_a_column_for_each_name(monkeypatch, tmp_path):
    areas = module(monkeypatch)
    import typer

    app = typer.Typer()
    app.command()(areas.main)
    monkeypatch.setattr(areas, "PICTURES", 8)
    path = tmp_path / "areas.png"
    result = CliRunner().invoke(app, [str(path), "bicubic", "mine=faithful"])
    assert result.exit_code == 0, result.output
    with Image.open(path) as sheet:
        width, height = sheet.size
    assert width // areas.SHOWN == 3 and height // areas.SHOWN == areas.ROWS

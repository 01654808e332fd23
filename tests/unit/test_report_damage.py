"""Damaged files given to the stage `report`: one sentence that names the file, and no page."""

import shutil
from pathlib import Path

import pytest
import report_inputs
from report import report

from srgan_ab.common.errors import UserError
from srgan_ab.common.params import load

TABLES = ("srresnet", "srgan", "train_a", "train_b", "roc_a", "pr_b", "reliability_a")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("made")
        patch.chdir(root)
        report_inputs.prepare(root)
        return root


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def words(path: Path) -> None:
    head, _, *rest = path.read_text().splitlines(keepends=True)
    path.write_text("".join([head, ",".join(["high"] * (head.count(",") + 1)) + "\n", *rest]))


def without_first_column(path: Path) -> None:
    rows = path.read_text().splitlines()
    path.write_text("".join(row.partition(",")[2] + "\n" for row in rows))


def last_row_missing(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def latin_1(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\xe4")


def nothing(path: Path) -> None:
    path.write_text("{}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "damage"),
    [
        *[(f"plots/{n}.csv", d) for n in TABLES for d in (words, without_first_column)],
        *[(f"plots/{n}.csv", d) for n in TABLES[1:3] for d in (cut, empty, Path.unlink)],
        *[("plots/confusion_a.csv", d) for d in (cut, without_first_column, last_row_missing)],
        *[("plots/sr_samples.png", d) for d in (cut, empty, Path.unlink)],
        *[("metrics/verdict.md", d) for d in (latin_1, Path.unlink)],
        *[(f"metrics/{n}.json", nothing) for n in ("matrix", "comparison", "sr", "ledger")],
    ],
)
def test_a_damaged_file_is_named(here, path, damage):
    damage(Path(path))
    with pytest.raises(UserError) as caught:
        report(load(Path("params.yaml")))
    said = str(caught.value)
    assert said.startswith(f"{path} is ") and "dvc repro" in said and "\n" not in said
    assert not Path("plots/report.html").exists()


def test_lpips_may_be_absent_but_nothing_else(here):
    path = Path("plots/srgan.csv")
    rows = path.read_text().splitlines()
    assert rows[0].endswith(",val_lpips") and rows[1].endswith(",")
    report(load(Path("params.yaml")))
    column = rows[0].split(",").index("val_psnr_rgb")
    cells = rows[1].split(",")
    cells[column] = ""
    path.write_text("\n".join([rows[0], ",".join(cells), *rows[2:]]) + "\n")
    with pytest.raises(UserError, match=r"plots/srgan.csv is damaged"):
        report(load(Path("params.yaml")))

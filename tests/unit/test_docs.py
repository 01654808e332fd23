"""What README and docs say is what the repository holds."""

import json
import re

import pytest
from repository import ROOT, committed_run, default_params

from srgan_ab.common.balance import LOST, WON
from srgan_ab.data import manifest
from srgan_ab.statistics import predictions

README = (ROOT / "README.md").read_text(encoding="utf-8")
ARMS = ("a", "b", "b_plus", "c", "c_plus", "r", "p")


def leaves(section, prefix=""):
    for key, value in section.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def table_row(text, first):
    """Cells of the Markdown table row whose first cell starts with `first`, in backticks."""
    (row,) = re.findall(rf"^\| `{first}` .*$", text, re.MULTILINE)
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_every_parameter_is_documented():
    text = (ROOT / "docs/parameters.md").read_text(encoding="utf-8")
    documented = set()
    for line in text.splitlines():
        if line.startswith("| `"):
            names = re.findall(r"`([\w.]+)`", line.split("|")[1])
            stem = names[0].rsplit(".", 1)[0]
            documented |= {stem + name if name.startswith(".") else name for name in names}
    assert documented == set(leaves(default_params()))


def test_columns_of_tables_are_those_of_the_code():
    text = (ROOT / "docs/data.md").read_text(encoding="utf-8")
    columns = {
        "data/manifest.csv": manifest.COLUMNS,
        "data/predictions.csv": predictions.COLUMNS,
    }
    for file, expected in columns.items():
        assert table_row(text, file)[1] == f"`{' '.join(expected)}`"
    said = " ".join(text.split())
    assert f"`d_lost_epochs` are those below {LOST:.2f}" in said
    assert f"`d_won_epochs` those above {WON:.2f}" in said


@pytest.mark.parametrize("arm", ARMS)
def test_readme_table_is_the_committed_run(arm):
    matrix = json.loads(committed_run("metrics/matrix.json"))
    expected = [
        f"{100 * matrix[arm][domain]['accuracy']:.1f}" for domain in ("hr", "sr", "bicubic")
    ]
    expected.append(f"{matrix[arm]['hr']['roc_auc']:.3f}")
    row = table_row(README, arm)
    assert row[2:6] == expected
    of_photographs = re.sub(r"\*", "", README.split("## What `make repro` gives")[0])
    name = {"b_plus": "B+", "c_plus": "C+"}.get(arm, arm.upper())
    (same,) = re.findall(rf"^\| {re.escape(name)} \| .*$", of_photographs, re.M) or [""]
    assert row[6:] == ([cell.strip() for cell in same.split("|")[3:6]] or [""] * 3)


@pytest.mark.parametrize("method", ["bicubic", "srresnet", "perceptual", "srgan"])
def test_readme_image_quality_is_the_committed_run(method):
    quality = json.loads(committed_run("metrics/sr.json"))["test"][method]
    assert table_row(README, method)[1:] == [
        f"{quality['psnr_rgb']:.2f}",
        f"{quality['psnr_y']:.2f}",
        f"{quality['ssim_y']:.3f}",
        f"{quality['lite0_distance']:.2f}",
    ]


def test_local_links_lead_somewhere():
    pipeline = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            path = (document.parent / target).resolve()
            made = path.is_relative_to(ROOT) and path.relative_to(ROOT).as_posix() in pipeline
            assert made or path.exists(), f"{document.name}: {target}"


def test_make_targets_named_in_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"^(?:\$ )?make ([a-z-]+)", README, re.MULTILINE))
    assert named and named <= targets

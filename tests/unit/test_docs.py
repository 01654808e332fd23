"""What README and docs say is what the repository holds."""

import json
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
ARMS = ("a", "b", "b_plus", "c", "c_plus", "r")


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
    text = (ROOT / "docs/parameters.md").read_text()
    documented = set()
    for line in text.splitlines():
        if line.startswith("| `"):
            names = re.findall(r"`([\w.]+)`", line.split("|")[1])
            stem = names[0].rsplit(".", 1)[0]
            documented |= {stem + name if name.startswith(".") else name for name in names}
    assert documented == set(leaves(yaml.safe_load((ROOT / "params.yaml").read_text())))


@pytest.mark.parametrize("arm", ARMS)
def test_readme_table_is_the_committed_run(arm):
    matrix = json.loads((ROOT / "metrics/matrix.json").read_text())
    expected = [
        f"{100 * matrix[arm][domain]['accuracy']:.1f}" for domain in ("hr", "sr", "bicubic")
    ]
    expected.append(f"{matrix[arm]['hr']['roc_auc']:.3f}")
    assert table_row(README, arm)[2:] == expected


@pytest.mark.parametrize("method", ["bicubic", "srresnet", "srgan"])
def test_readme_image_quality_is_the_committed_run(method):
    quality = json.loads((ROOT / "metrics/sr.json").read_text())["test"][method]
    assert table_row(README, method)[1:] == [
        f"{quality['psnr_rgb']:.2f}",
        f"{quality['psnr_y']:.2f}",
        f"{quality['ssim_y']:.3f}",
    ]


def test_local_links_lead_somewhere():
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_make_targets_named_in_the_readme_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"^(?:\$ )?make ([a-z]+)", README, re.MULTILINE))
    assert named and named <= targets

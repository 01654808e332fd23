"""The ablations: each variant is valid and changes one thing, and the table says what was found."""

import json
import re
import shlex

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from commands import documented
from repository import ROOT, default_params
from scipy.ndimage import gaussian_filter
from typer.main import get_command
from typer.testing import CliRunner

from srgan_ab.common import paths
from srgan_ab.common.params import parse
from srgan_ab.common.weights import save_weights
from srgan_ab.srgan.generator import Generator

COMMANDS = [command for command in documented() if "benchmarks/ablations.py" in command]


@pytest.fixture
def ablations(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import ablations

    return ablations


@pytest.mark.parametrize("command", COMMANDS)
def test_documented_options_are_known(ablations, command):
    _, script, *options = shlex.split(command)
    app = get_command(ablations.app)
    with app.make_context(script, options) as context:
        name, verb, rest = app.resolve_command(context, options)
    verb.make_context(name, rest)  # parses, runs nothing


def set_by_flags(values: dict, changes: dict[str, str]) -> dict:
    for key, value in changes.items():
        *sections, leaf = key.split(".")
        node = values
        for section in sections:
            node = node[section]
        assert leaf in node, key
        node[leaf] = yaml.safe_load(value)
    return values


def test_every_variant_is_a_valid_experiment(ablations):
    for changes in (ablations.VARIANTS | ablations.LONG).values():
        values = default_params()
        values["pretrained"]["lpips"] = "imagenet"  # as the preset has it
        set_by_flags(values, ablations.REFERENCE | changes)
        assert parse(values).srgan != parse(default_params()).srgan


def test_an_unknown_variant_is_refused(ablations):
    result = CliRunner().invoke(ablations.app, ["run", "wgan"])
    assert result.exit_code and "there is no wgan" in str(result.exception)


def test_weights_lie_between_those_of_srresnet_and_srgan(ablations, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths.GENERATOR.parent.mkdir(parents=True)
    sizes = {"blocks": 1, "channels": 4, "normalization": "none"}
    nets = [Generator(**sizes), Generator(**sizes)]
    for path, net in zip((paths.SRRESNET, paths.GENERATOR), nets, strict=True):
        save_weights(path, net, sizes)
    device = torch.device("cpu")
    for share in (0.0, 0.25, 1.0):
        found = ablations.between(share, device).state_dict()
        for key, (first, last) in {
            k: (nets[0].state_dict()[k], nets[1].state_dict()[k]) for k in found
        }.items():
            torch.testing.assert_close(found[key], (1 - share) * first + share * last)


def test_qualities_are_compared_at_one_psnr(ablations):
    line = pd.DataFrame({"psnr_rgb": [27.0, 26.5, 25.0], "lpips": [0.2, 0.18, 0.15]})
    assert ablations.at_psnr(line, 26.75, "lpips") == pytest.approx(0.19)
    assert pd.isna(ablations.at_psnr(line, 24.0, "lpips"))
    assert pd.isna(ablations.at_psnr(line, 27.5, "lpips"))


def tables(ablations, *options):
    """Both tables as lists of rows, each a dict by column."""
    shown = CliRunner().invoke(ablations.app, ["table", *options], catch_exceptions=False).stdout
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", shown, re.MULTILINE):
        head, _, *rows = ([x.strip() for x in row.split("|")] for row in block.splitlines())
        found.append([dict(zip(head, row, strict=True)) for row in rows])
    return found


def write_result(ablations, name, lpips, worse=0.0):
    line = [
        {"share": s, "psnr_rgb": p - worse, "lpips": d, "vgg19_conv3_1": 1.5, "mobilenet_v2": 2.5}
        | {"lr_psnr": 40.0, "lattice": lattice, "realism": 0.9}
        for s, p, d, lattice in ((0, 27.0, 0.2, 0.0), (1, 26.0, lpips, 3.0))
    ]
    training = {"epoch": 3, "d_accuracy_val": 0.75}
    result = {"seconds": 120, "training": training, "history": {"epoch": [1]}, "line": line}
    ablations.RESULTS.mkdir(exist_ok=True)
    (ablations.RESULTS / f"{name}.json").write_text(json.dumps(result))


def test_the_tables_hold_what_was_measured(ablations, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_result(ablations, "relativistic", 0.16)
    (cells,), (at_one_psnr,) = tables(ablations, "--psnr", "26.5")
    assert cells["variant"] == at_one_psnr["variant"] == "`relativistic`"
    assert (cells["seeds"], cells["minutes"], cells["epoch"]) == ("1", "2.0", "3")
    assert (cells["SRResNet PSNR"], cells["PSNR"]) == ("27.00", "26.00")
    assert (cells["LPIPS"], at_one_psnr["LPIPS"]) == ("0.1600", "0.1800")
    assert (cells["lattice"], at_one_psnr["lattice"]) == ("3.0", "1.5")
    assert (cells["realism"], cells["D right"]) == ("0.900", "0.75")


def test_seeds_of_a_variant_share_a_row(ablations, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, lpips in (("crop_96", 0.16), ("crop_96.seed8", 0.15), ("crop_96.seed9", 0.17)):
        write_result(ablations, name, lpips)
    (cells,), _ = tables(ablations, "--psnr", "26.5")
    assert cells["variant"] == "`crop_96`" and cells["seeds"] == "3"
    assert cells["LPIPS"] == "0.1600 (0.1500 to 0.1700)"


def test_what_cannot_reach_a_psnr_is_not_compared_there(ablations, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_result(ablations, "reference", 0.16)
    write_result(ablations, "reference.seed8", 0.15, worse=2.0)
    write_result(ablations, "no_bicubic_skip", 0.16, worse=2.0)
    (first, second), (compared,) = tables(ablations, "--psnr", "26.5")
    assert (first["seeds"], second["variant"]) == ("2", "`no_bicubic_skip`")
    assert (compared["variant"], compared["seeds"]) == ("`reference`", "1")
    assert compared["LPIPS"] == "0.1800"


@pytest.mark.parametrize("seed", [None, 0, 8])
def test_a_seed_is_an_experiment_of_its_own(ablations, tmp_path, monkeypatch, seed):
    monkeypatch.chdir(tmp_path)
    paths.PARAMS.write_text("seed: 7\n")
    trained, changed = [], []
    monkeypatch.setattr(
        ablations, "train", lambda *args: (trained.append(args[0]), changed.append(args[1]))
    )
    monkeypatch.setattr(ablations, "load", lambda path: None)
    monkeypatch.setattr(ablations, "assess", lambda settings: {})
    ablations.RESULTS.mkdir()
    ablations.run(["crop_96"], seed)
    name = "crop_96" if seed is None else f"crop_96-seed{seed}"
    assert trained == [name]
    assert changed[0]["srgan.seed"] == ("null" if seed is None else str(seed))
    assert (ablations.RESULTS / f"{name.replace('-', '.')}.json").exists()


class TestLattice:
    @pytest.fixture
    def lattice(self, ablations):
        return ablations.lattice

    @staticmethod
    def pictures(amplitude, period=4, size=64):
        """Soft noise, with ripples."""
        random = np.random.default_rng(0)
        noise = gaussian_filter(random.normal(0, 200, (64, size, size)), (0, 3, 3)) + 128
        wave = np.cos(2 * np.pi * np.arange(size) / period)
        ripples = amplitude * (wave[:, None] + wave[None, :])
        grain = random.normal(0, 1, noise.shape)
        return (noise + ripples + grain).clip(0, 255).astype(np.uint8)[..., None].repeat(3, 3)

    def test_a_picture_without_one_has_none(self, lattice):
        assert lattice(self.pictures(0)) == pytest.approx(0, abs=1)

    def test_ten_times_the_amplitude_is_20_db_more(self, lattice):
        weak, strong = lattice(self.pictures(3)), lattice(self.pictures(30))
        assert weak > 10
        assert strong - weak == pytest.approx(20, abs=1)

    @pytest.mark.parametrize("period", [3, 5, 8])
    def test_ripples_of_another_period_are_none(self, lattice, period):
        assert lattice(self.pictures(10, period, size=120)) < 1

    def test_flat_pictures_have_none(self, lattice):
        assert lattice(np.full((2, 64, 64, 3), 9, np.uint8)) == pytest.approx(0, abs=0.01)

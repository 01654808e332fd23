"""The ablations: each variant is valid and changes one thing, and the table says what was found."""

import json
import shlex

import pandas as pd
import pytest
import torch
import yaml
from commands import ROOT, documented
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
        values = yaml.safe_load((ROOT / "params.yaml").read_text())
        set_by_flags(values, ablations.REFERENCE | changes)
        before = yaml.safe_load((ROOT / "params.yaml").read_text())
        assert parse(values).srgan != parse(before).srgan


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


def test_the_table_holds_what_was_measured(ablations, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ablations.RESULTS.mkdir()
    line = [
        {"share": s, "psnr_rgb": p, "lpips": d, "vgg19_conv3_1": 1.5, "mobilenet_v2": 2.5}
        | {"lr_psnr": 40.0}
        for s, p, d in ((0, 27.0, 0.2), (1, 26.0, 0.16))
    ]
    result = {"seconds": 120, "training": {"epoch": 3}, "history": {"epoch": [1]}, "line": line}
    (ablations.RESULTS / "relativistic.json").write_text(json.dumps(result))
    shown = CliRunner().invoke(ablations.app, ["table", "--psnr", "26.5"]).stdout
    head, _, row = shown.strip().splitlines()
    cells = dict(zip(*([x.strip() for x in y.split("|")] for y in (head, row)), strict=True))
    assert cells["variant"] == "`relativistic`"
    assert (cells["minutes"], cells["epoch"]) == ("2.0", "3")
    assert (cells["SRResNet PSNR"], cells["PSNR"]) == ("27.00", "26.00")
    assert (cells["LPIPS"], cells["LPIPS at 26.5 dB"]) == ("0.1600", "0.1800")

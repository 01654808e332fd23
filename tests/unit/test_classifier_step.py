"""The ways of a classifier's step that are timed are steps of the same networks."""

import pytest
import torch
from torch import nn

from srgan_ab.app.machine import runtime_of
from srgan_ab.classifier.backbones import build

pytestmark = pytest.mark.slow


@pytest.fixture
def steps(module, monkeypatch):
    found = module("classifier_step")
    monkeypatch.setattr(found, "SIDE", 64)
    return found


def test_several_networks_at_once_get_the_gradients_of_each(steps, monkeypatch):
    drawn = torch.rand(steps.TOGETHER, 4, 3, 64, 64)
    monkeypatch.setattr(steps.torch, "rand", lambda *size, **_: drawn)
    together = steps.step_at_once("resnet18", 4, runtime_of("cpu", "fp32"))()
    torch.manual_seed(0)
    for n in range(steps.TOGETHER):
        network = build("resnet18", None, "none").train()
        nn.functional.cross_entropy(network(drawn[n]), torch.tensor([0, 1, 0, 1])).backward()
        for name, parameter in network.named_parameters():
            torch.testing.assert_close(
                together[name][n], parameter.grad, rtol=1e-3, atol=1e-4, msg=name
            )


def test_every_way_is_timed(steps, capsys):
    steps.main("cpu", 2, 1, ["resnet18"])
    header, _, *rows = capsys.readouterr().out.splitlines()
    assert header.count("|") == 4
    assert len(rows) == 5
    assert all(float(row.split("|")[3]) > 0 for row in rows)

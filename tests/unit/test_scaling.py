"""What benchmarks/scaling.py computes, and that docs/scaling.md has it."""

import json
from dataclasses import replace

import pytest
from repository import PARAMS, ROOT

PAGE = ROOT / "docs/scaling.md"


@pytest.fixture
def scaling(module):
    return module("scaling")


@pytest.fixture
def model(module):
    return module("cost_model")


def test_the_page_has_the_table_that_the_model_prints(model):
    assert model.table() in PAGE.read_text()


def test_the_rates_are_those_of_the_other_pages(model):
    performance = (ROOT / "docs/performance.md").read_text()
    for rate in (model.INPUTS.srgan_ms, model.INPUTS.srresnet_ms):
        assert f"| {rate} |" in performance


@pytest.mark.parametrize("grown", [False, True])
def test_work_grows_with_the_photographs_and_shrinks_with_the_gpus(model, grown):
    small, large = (model.estimate(n, 8, grown)["hours"] for n in (10_000, 1_000_000))
    assert large == pytest.approx(100 * small)
    hours = [model.estimate(10_000, gpus, grown)["SRGAN"] for gpus in (1, 2, 4, 8)]
    assert hours == sorted(hours, reverse=True)


def test_an_update_alone_is_the_one_that_was_measured(model):
    """18,000 crops in batches of 64, 100 ms each: 28.125 s a pass."""
    given = replace(
        model.INPUTS, srgan_ms=100.0, srgan_passes=1, srresnet_passes=0, train=0.6, batch_size=64
    )
    assert model.estimate(30_000, 1, False, given)["SRGAN"] * 3600 == pytest.approx(28.125)


def test_what_never_shrinks_bounds_the_speed_up(model):
    """Half of an update is the host's: with the batch kept, no number of GPUs does it twice."""
    alone, many = (model.estimate(10_000, gpus, False)["SRGAN"] for gpus in (1, 512))
    assert 1 < alone / many < 2


def test_images_that_no_gpu_holds_are_streamed_and_wait_for_the_disk(model):
    """4,096 crops of 50 KB an update: 0.2 s of a disk of 1 GB a second, which hides the GPU's."""
    assert not model.estimate(1_000_000, 8, True)["streamed"]
    given = replace(model.INPUTS, image_kb=50.0, disk_gb_s=1.0, srgan_passes=1, srresnet_passes=0)
    found = model.estimate(100_000_000, 64, True, given)
    assert found["streamed"]
    updates = model.INPUTS.train * 100_000_000 / 4096
    assert found["SRGAN"] * 3600 == pytest.approx(updates * 4096 * 50e-6)


def test_what_is_generated_is_shared_until_the_disk_is_full_of_work(model):
    """A copy of an image has 49 KB, and there are four: 40 s for 400,000 at 2 GB a second."""
    one, eight, many = (model.estimate(400_000, n, True)["generation"] for n in (1, 8, 512))
    assert one == pytest.approx(8 * eight)
    assert many * 3600 == pytest.approx(400_000 * 4 * 49_152 / 2e9)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["step", "enlarge"])
def test_an_update_and_enlarging_are_timed(scaling, command, monkeypatch, capfd):
    for name, own in (("ROUNDS", 1), ("UPDATES", 1), ("PARAMS", PARAMS)):
        monkeypatch.setattr(scaling, name, own)
    getattr(scaling, command)(1, 2)
    found = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert found["cpu"] > 0 and found["wall"] > 0
    assert found["waits"] == found["exchanges"] == 0  # there is nobody to exchange with

"""`srgan-ab info`: what is at hand, in the words and numbers of its cards, files and metrics."""

import json
import shutil
from functools import partial

import pytest
from command_line import run_command, small_generator
from repository import ROOT

from srgan_ab.classifier.backbones import build
from srgan_ab.common import paths
from srgan_ab.common.files import write_metrics
from srgan_ab.common.weights import save_weights


@pytest.fixture
def info(monkeypatch, capsysbinary, tmp_path):
    monkeypatch.chdir(tmp_path)
    return partial(run_command, monkeypatch, capsysbinary, "info")


def test_shipped_generators_with_the_numbers_of_their_cards(info):
    found = json.loads(info("--format", "json").out)
    assert found["generators"] == found["classifiers"] == []
    shipped = {row["name"]: row for row in found["shipped"]}
    assert list(shipped) == ["photo", "faithful", "rough", "small"]
    for name in ("photo", "faithful", "small"):
        row, card = shipped[name], (ROOT / f"src/srgan_ab/generators/{name}.md").read_text()
        cells = [f"{row['set5_psnr_y']:.2f}", f"{row['set5_ssim_y']:.3f}"]
        cells += [f"{row['set5_lpips']:.3f}", f"{row['set14_psnr_y']:.2f}"]
        assert f"| `{name}` | {' | '.join(cells)} |" in card
        assert f"| {row['bsd_psnr_y']:.2f} | {row['bsd_ssim_y']:.3f} |" in card
    assert shipped["small"]["maps"] == 32 and shipped["photo"]["maps"] == 64
    assert shipped["rough"]["set5_psnr_y"] is None  # its card measures JPEG
    assert shipped["rough"]["good_for"] == "JPEG, a little blur and noise"
    text = info().out
    assert "clean photographs, sharp" in text and text.count("\n\nnone\n") == 2


def test_what_a_run_has_made_and_how_good_it_is(info, tmp_path):
    small_generator(paths.GENERATOR)
    measured = {"psnr_rgb": 28.5, "psnr_y": 29.75, "ssim_y": 0.8, "lpips": None}
    write_metrics(paths.METRICS / "sr.json", {"test": {"srgan": measured}})
    facts = {"backbone": "small_cnn", "classes": ["no", "yes"]}
    for replicate in range(2):
        path = paths.classifier("c") / f"replicate_{replicate}.safetensors"
        save_weights(path, build("small_cnn", None, "none"), facts, "classifier")
    write_metrics(paths.classifier("c") / "training.json", {"examples": 420})
    write_metrics(paths.METRICS / "c.json", {"accuracy": 0.75, "roc_auc": 0.8125})
    found = json.loads(info("--format", "json").out)
    (generator,) = found["generators"]
    assert generator["name"] == "srgan" and generator["blocks"] == 1
    assert measured.items() <= generator.items()
    (classifier,) = found["classifiers"]
    assert classifier["classes"] == "no, yes" and classifier["replicates"] == 2
    assert (classifier["trained_on"], classifier["examples"]) == ("bicubic", 420)
    assert (classifier["accuracy"], classifier["f1"]) == (0.75, None)
    text = info().out
    assert "models/srgan/generator.safetensors" in text and "28.500" in text and "0.750" in text


def test_a_run_without_metrics_is_shown_without_numbers(info):
    small_generator(paths.SRRESNET)
    (generator,) = json.loads(info("--format", "json").out)["generators"]
    assert generator["name"] == "srresnet" and generator["psnr_y"] is None


def test_b_is_trained_on_what_the_params_say(info, tmp_path):
    facts = {"backbone": "small_cnn", "classes": ["no", "yes"]}
    path = paths.classifier("b") / "replicate_0.safetensors"
    save_weights(path, build("small_cnn", None, "none"), facts, "classifier")
    shutil.copy(ROOT / "tests/params.yaml", paths.PARAMS)
    text = paths.PARAMS.read_text().replace("images: sr ", "images: hr+sr ")
    paths.PARAMS.write_text(text)
    (classifier,) = json.loads(info("--format", "json").out)["classifiers"]
    assert classifier["trained_on"] == "real HR + SRGAN"


def test_damaged_files_are_named_in_one_sentence(info):
    paths.GENERATOR.parent.mkdir(parents=True)
    paths.GENERATOR.write_bytes(b"no weights")
    result = info()
    assert "generator.safetensors is no safetensors file" in result.sentence
    assert "\n" not in result.sentence
    small_generator(paths.GENERATOR)
    paths.METRICS.mkdir()
    (paths.METRICS / "sr.json").write_text("{")
    assert "sr.json is damaged" in info().sentence

"""`srgan-ab export`: what other programs load computes what the generator does."""

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from functools import partial

import pytest
import torch
import yaml
from command_line import ARCHITECTURE, run_command
from repository import ROOT
from safetensors import safe_open

from srgan_ab.app import exporting
from srgan_ab.app.model_card import card
from srgan_ab.common import paths
from srgan_ab.common.files import write_metrics
from srgan_ab.common.shipped import SHIPPED, weights_of
from srgan_ab.common.weights import load_network, read_weights, save_weights
from srgan_ab.srgan.generator import Generator

ARCHITECTURES = (
    ARCHITECTURE,
    {"blocks": 1, "channels": 4, "upsampler": "nearest_conv", "output": "tanh"},
    {"blocks": 2, "channels": 3, "activation": "leaky_relu", "output": "sigmoid"},
)
BARE = """
import sys, torch
program = torch.export.load(sys.argv[1])
assert not [name for name in sys.modules if name.startswith("srgan_ab")]
pictures = torch.load(sys.argv[2], weights_only=True)
torch.save([program.module()(picture) for picture in pictures], sys.argv[3])
"""


def trained(path, architecture=ARCHITECTURE):
    """Weights of a generator whose layers all do something."""
    torch.manual_seed(0)
    generator = Generator(**architecture)
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    generator.train()(torch.rand(4, 3, 8, 8))  # moves BatchNorm's means
    save_weights(path, generator, architecture, "generator")
    return path


@pytest.fixture
def export(monkeypatch, capsysbinary, tmp_path):
    monkeypatch.chdir(tmp_path)
    return partial(run_command, monkeypatch, capsysbinary, "export")


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_program_of_torch_needs_no_code_of_this_project(export, tmp_path, architecture):
    weights = trained(tmp_path / "g.safetensors", architecture)
    result = export(weights, "--to", "torch")
    assert result.code == 0 and result.out.count("differs from PyTorch by") == 2
    pictures = [torch.rand(size) for size in ((1, 3, 5, 7), (3, 3, 40, 1), (2, 3, 24, 20))]
    torch.save(pictures, "lr.pt")
    bare = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-P", "-c", BARE, "g.pt2", "lr.pt", "sr.pt"]
    done = subprocess.run(command, env=bare, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    generator = load_network(weights, "generator", Generator).eval()
    for lr, sr in zip(pictures, torch.load("sr.pt"), strict=True):
        assert sr.shape == (lr.shape[0], 3, 4 * lr.shape[2], 4 * lr.shape[3])
        torch.testing.assert_close(sr, generator(lr), atol=1e-5, rtol=0)


def test_a_program_of_torch_says_what_it_is_and_not_where_it_was_made(export, tmp_path):
    trained(tmp_path / "g.safetensors")
    assert export("g.safetensors", "--to", "torch").code == 0
    with zipfile.ZipFile("g.pt2") as archive:
        texts = [archive.read(name) for name in archive.namelist()]
    assert not any(str(place).encode() in text for text in texts for place in (ROOT, tmp_path))
    said = json.loads(next(text for text in texts if text.startswith(b'{\n  "name"')))
    assert said["scale"] == "4" and said["license"] == "unknown" and "0 to 1" in said["input"]


def test_safetensors_hold_the_weights_as_they_are_stored(export, tmp_path):
    assert export("small", "--to", "safetensors", "-o", tmp_path).code == 0
    state, architecture = read_weights(tmp_path / "small.safetensors")
    expected, made = read_weights(weights_of("small"))
    assert architecture == made and state.keys() == expected.keys()
    for key, tensor in expected.items():
        assert state[key].dtype == tensor.dtype and torch.equal(state[key], tensor)
    with safe_open("small.safetensors", "pt") as file:
        assert json.loads(file.metadata()["architecture"])["kind"] == "generator"
    first = (tmp_path / "small.safetensors").read_bytes()
    assert export("small", "--to", "safetensors", "--force").code == 0
    assert (tmp_path / "small.safetensors").read_bytes() == first


@pytest.mark.slow
@pytest.mark.extra("onnx", "onnx", "onnxscript", "onnxruntime")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_onnx_computes_the_same_for_any_size(export, tmp_path, architecture):
    import onnx
    import onnxruntime

    weights = trained(tmp_path / "g.safetensors", architecture)
    result = export(weights)
    assert result.code == 0 and result.out.count("differs from PyTorch by") == 2
    model = onnx.load("g.onnx")
    names = [
        [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    ]
    assert names == [["batch", 3, "height", "width"], ["batch", 3, "4*height", "4*width"]]
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert said["scale"] == "4" and said["license"] == "unknown" and "0 to 1" in said["input"]
    assert str(ROOT).encode() not in (tmp_path / "g.onnx").read_bytes()
    assert _enlarged(onnx, model, 16, 20) == [2, 3, 64, 80]
    session = onnxruntime.InferenceSession("g.onnx", providers=["CPUExecutionProvider"])
    generator = load_network(weights, "generator", Generator).eval()
    for size in ((1, 3, 5, 7), (3, 3, 40, 1), (2, 3, 24, 20)):
        lr = torch.rand(size)
        (sr,) = session.run(["sr"], {"lr": lr.numpy()})
        torch.testing.assert_close(torch.from_numpy(sr), generator(lr), atol=1e-5, rtol=0)


def _enlarged(onnx, model, height, width):
    """Shape of the result, as a reader infers it that has no picture yet and wants the scale."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    axes = fixed.graph.input[0].type.tensor_type.shape.dim
    for axis, size in zip(axes, (2, 3, height, width), strict=True):
        axis.dim_value = size
    fixed.graph.output[0].type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(fixed, strict_mode=True, data_prop=True)
    return [axis.dim_value for axis in inferred.graph.output[0].type.tensor_type.shape.dim]


def test_without_onnx_one_sentence_says_what_to_install(export, monkeypatch, tmp_path):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name.startswith("onnx") else found(name)
    )
    said = export("small", "--to", "onnx").sentence
    assert "needs onnx and onnxscript: run `pip install 'srgan-ab[onnx]'`" in said
    assert not list(tmp_path.iterdir())


def test_a_form_that_computes_something_else_is_not_written(export, monkeypatch, tmp_path):
    trained(tmp_path / "g.safetensors")
    values = iter((0.0, 2e-4))
    monkeypatch.setattr(
        exporting, "_timed", lambda compute, lr: (torch.full((1,), next(values)), 0.0)
    )
    said = export("g.safetensors", "--to", "torch").sentence
    assert "the program differs from PyTorch by 2.0e-04" in said and "was not written" in said
    assert [path.name for path in tmp_path.iterdir()] == ["g.safetensors"]


def test_nothing_is_written_over_unless_forced(export, tmp_path):
    trained(tmp_path / "g.safetensors")
    before = (tmp_path / "g.safetensors").read_bytes()
    for forced in ((), ("--force",)):
        said = export("g.safetensors", "--to", "safetensors", *forced).sentence
        assert said.endswith(
            "g.safetensors holds the weights themselves: give another file with --output"
        )
    (tmp_path / "g.pt2.md").write_text("mine")
    said = export("g.safetensors", "--to", "torch").sentence
    assert said.endswith("g.pt2.md is there already: --force writes over it")
    assert not (tmp_path / "g.pt2").exists()
    assert export("g.safetensors", "--to", "torch", "--force").code == 0
    assert (tmp_path / "g.pt2.md").read_text() != "mine"
    assert "g.pt2 is there already" in export("g.safetensors", "--to", "torch").sentence
    assert (tmp_path / "g.safetensors").read_bytes() == before


def test_mistakes_are_one_sentence(export, tmp_path):
    (tmp_path / "text.safetensors").write_text("no weights")
    for arguments, said in (
        (("none.safetensors",), "none.safetensors is missing: check the path"),
        ((tmp_path,), f"{tmp_path} is a folder: give the .safetensors file"),
        (("text.safetensors",), "text.safetensors is no safetensors file"),
        (("small", "-o", "small.pt"), "--output is small.pt: with --to torch give a name that"),
    ):
        result = export(*arguments, "--to", "torch")
        assert said in result.sentence and "\n" not in result.sentence
    assert export("small", "--to", "pickle").code == 2


def front_matter(text):
    _, head, body = text.split("---\n", 2)
    return yaml.safe_load(head), body


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("form", ["onnx", "torch", "safetensors"])
def test_a_card_has_the_words_and_numbers_of_the_shipped_one(name, form):
    head, body = front_matter(card(name, weights_of(name), form, "file"))
    assert head["license"] == "mit" and head["pipeline_tag"] == "image-to-image"
    assert "super-resolution" in head["tags"] and head["library_name"]
    shipped = (ROOT / f"src/srgan_ab/generators/{name}.md").read_text()
    tables = [line for line in shipped.splitlines() if line.startswith("|") and "](" not in line]
    assert len(tables) > 6 and all(line in body for line in tables)
    assert ".md)" not in body  # no link to what does not lie beside it
    assert "**Limits.**" in body and "**Terms.** MIT" in body


@pytest.mark.slow
def test_the_card_of_a_run_has_its_numbers_and_no_others(export, tmp_path):
    trained(paths.GENERATOR)
    trained(tmp_path / "other.safetensors")
    assert export("--to", "torch").code == 0
    head, body = front_matter((tmp_path / "generator.pt2.md").read_text())
    assert head["license"] == "unknown" and "None were at hand" in body
    numbers = {"psnr_rgb": 28.5, "psnr_y": 29.75, "ssim_y": 0.8, "lpips": None}
    write_metrics(paths.METRICS / "sr.json", {"test": {"srgan": numbers}})
    assert export(paths.GENERATOR, "--to", "torch", "--force").code == 0
    body = (tmp_path / "generator.pt2.md").read_text()
    assert "| srgan | 28.500 | 29.750 | 0.800 |  |" in body and "| channels | 4 |" in body
    assert export("other.safetensors", "--to", "torch").code == 0
    assert "None were at hand" in (tmp_path / "other.pt2.md").read_text()

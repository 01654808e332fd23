"""Presets: complete, valid, and merged without touching what they do not name."""

import runpy
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from repository import DOCUMENTED, PARAMS, ROOT

from srgan_ab.common.params import decode

PRESETS = sorted(path.stem for path in (ROOT / "presets").glob("*.yaml"))
ARGUMENTS = {
    name: ["data.path=/my pictures"] for name in ("folder", "photos", "benchmark", "generator")
}  # what a preset leaves to its user


@pytest.fixture
def project(tmp_path):
    """A copy of what the tool reads and writes."""
    for name in ("presets", "src/srgan_ab/common", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(PARAMS, tmp_path)
    return tmp_path


@pytest.fixture
def preset(project, monkeypatch, capsys):
    """Run the copied tool; return what it printed, and its one sentence if it failed."""

    def run(*arguments: str) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["preset.py", *arguments])
        monkeypatch.setattr(sys, "path", list(sys.path))
        message = None
        try:
            runpy.run_path(str(project / "tools/preset.py"), run_name="__main__")
        except SystemExit as stopped:
            message = stopped.code
        return SimpleNamespace(message=message, stdout=capsys.readouterr().out)

    return run


def flatten(section: dict, prefix: str = "") -> dict:
    flat = {}
    for key, value in section.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def read(path: Path) -> dict:
    return flatten(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_its_keys_and_no_other(preset, project, name):
    before = read(project / "params.yaml")
    comments = [
        line.partition("#")[2] for line in (project / "params.yaml").read_text().split("\n")
    ]
    result = preset(name, *ARGUMENTS.get(name, []))
    assert result.message is None

    after = read(project / "params.yaml")
    given = read(ROOT / "presets" / f"{name}.yaml")
    given |= dict(argument.split("=") for argument in ARGUMENTS.get(name, []))
    assert list(after) == list(before)
    assert after == before | given
    merged = (project / "params.yaml").read_text().split("\n")
    assert [line.partition("#")[2] for line in merged] == comments


def test_presets_set_the_same_keys_so_that_one_leaves_nothing_of_another():
    keys = {name: set(read(ROOT / "presets" / f"{name}.yaml")) for name in PRESETS}
    first, *others = keys
    for other in others:
        assert keys[first] == keys[other], (first, other)


def test_a_folder_is_taken_at_the_scale_of_the_run_that_is_documented():
    documented = read(DOCUMENTED)
    given = read(ROOT / "presets/folder.yaml")
    other = {key: value for key, value in given.items() if value != documented[key]}
    assert other == {"data.source": "folder", "data.per_class": None}


def test_an_override_that_changes_nothing_leaves_the_file_byte_by_byte(preset, project):
    text = (project / "params.yaml").read_text()
    (project / "presets/same.yaml").write_text("seed: 7\nimages: {hr: 128, fit: cover}\n")
    assert preset("same").message is None
    assert (project / "params.yaml").read_text() == text


def test_lists_written_line_by_line_may_become_empty(preset, project):
    params = project / "params.yaml"
    params.write_text(yaml.safe_dump(yaml.safe_load(params.read_text()), sort_keys=False))
    assert "\n  - cat\n" in params.read_text()
    assert preset("benchmark", "data.path=/my pictures", "benchmarks.paths=[A,B]").message is None
    merged = yaml.safe_load(params.read_text())
    assert (merged["data"]["classes"], merged["benchmarks"]["paths"]) == ([], ["A", "B"])


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_fits_into_what_dvc_has_written_anew(preset, project, name):
    """`dvc exp run -S` leaves lists as lines behind a comment, and nulls as nothing."""
    params, arguments = project / "params.yaml", [*ARGUMENTS.get(name, []), "data.classes=[x,y]"]
    text = params.read_text()
    apply_overrides(params, ["seed=7"])
    rewritten = params.read_text()
    assert "\n  - cat\n" in rewritten and "\n  lpips:\n" in rewritten
    assert preset(name, *arguments).message is None
    merged = decode(params.read_text(), "params.yaml")
    lines = params.read_text().split("\n")

    params.write_text(text)
    assert preset(name, *arguments).message is None
    assert decode(params.read_text(), "params.yaml") == merged
    assert merged["data"]["classes"] == ["x", "y"]
    assert [line for line in params.read_text().split("\n") if "[x, y]" in line] == [
        line
        for line in lines
        if "[x, y]" in line  # with its comment, in its column
    ]


def test_every_kind_of_value_stays_what_it_is(preset, project):
    result = preset(
        "full",
        "classifier.learning_rate=1e-5",
        "classifier.weight_decay=0.00001",
        "benchmarks.paths=[a/b c, 'x, y', '1e-5', \"[z]\"]",
        "pretrained.lpips=null",
        "srgan.select=psnr",
    )
    assert result.message is None
    merged = decode((project / "params.yaml").read_text(), "params.yaml")
    assert merged["classifier"]["learning_rate"] == merged["classifier"]["weight_decay"] == 1e-5
    assert merged["benchmarks"]["paths"] == ["a/b c", "x, y", "1e-5", "[z]"]
    assert merged["pretrained"]["lpips"] is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"seed:\t7\n\tx: 1\n", "params.yaml is not valid YAML: line 2"),
        (b"seed: 7\nseed: 8\n", 'found duplicate key "seed"'),
        (b"seed: [7\n", "params.yaml is not valid YAML: line "),
        (b"<<<<<<< HEAD\nseed: 7\n=======\nseed: 8\n>>>>>>> x\n", "marks of an unfinished merge"),
        (b"seed: 7\0\n", "params.yaml is not valid YAML"),
        ("# größer\nseed: 7\n".encode("latin-1"), "params.yaml is not UTF-8 text"),
        ("seed: 7\n".encode("utf-16"), "params.yaml is not UTF-8 text"),
        (b"", "params.yaml must be a mapping"),
        (b"- seed\n", "params.yaml must be a mapping"),
        (b"seed: 7\n", "params.yaml holds no value of data.source: add it"),
        (None, "params.yaml is missing"),
    ],
)
def test_a_damaged_params_file_is_one_sentence_and_stays(preset, project, content, sentence):
    params = project / "params.yaml"
    params.unlink()
    if content is not None:
        params.write_bytes(content)
    result = preset("full")
    assert sentence in result.message
    assert "\n" not in result.message
    assert (params.read_bytes() if params.exists() else None) == content


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "own.yaml must be a mapping of sections"),
        ("- seed\n", "own.yaml must be a mapping of sections"),
        ("seed: [\n", "own.yaml is not valid YAML"),
        ("sede: 8\n", "sede is no known key: did you mean seed?"),
        ("data: 8\n", "no value of data: add it, or name the keys of the section"),
    ],
)
def test_a_damaged_preset_of_ones_own_is_one_sentence(preset, project, content, sentence):
    text = (project / "params.yaml").read_text()
    (project / "presets/own.yaml").write_text(content)
    result = preset("own")
    assert sentence in result.message and "\n" not in result.message
    assert (project / "params.yaml").read_text() == text


def test_values_behind_anchors_are_not_overwritten_unseen(preset, project):
    params = project / "params.yaml"
    text = params.read_text().replace("flip: 0.5", "flip: &half 0.5")
    params.write_text(text.replace("brightness: 0.2", "brightness: *half"))
    text = params.read_text()
    result = preset("full", "classifier.augmentation.brightness=0.3")
    assert "anchors" in result.message
    assert params.read_text() == text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["fotos"],
            "is no preset 'fotos': choose one of answer, benchmark, folder, full-cpu, full, "
            "generator, photos",
        ),
        (["photos"], "data.path"),
        (["full", "split.test"], "'split.test' is no key=value"),
        (["full", "split.tset=0.2"], "split.tset is no known key"),
        (["full", "splt.test=0.2"], "splt.test is no known key: did you mean split.test?"),
        (["full", "split.test=much"], "split.test is 'much'"),
        (["full", "srgan.crop=512"], "srgan.crop must be a multiple of 4 and at most images.hr"),
    ],
)
def test_mistakes_are_one_sentence_and_write_nothing(preset, project, arguments, sentence):
    text = (project / "params.yaml").read_text()
    result = preset(*arguments)
    assert sentence in result.message
    assert "\n" not in result.message
    assert (project / "params.yaml").read_text() == text
    assert sorted(path.name for path in project.iterdir() if path.is_file()) == ["params.yaml"]


@pytest.mark.parametrize(
    "arguments", [("full", "--flags", "seed=3"), ("full", "seed=3", "--flags")]
)
def test_flags_say_the_same_as_the_merged_file(preset, project, arguments):
    text = (project / "params.yaml").read_text()
    result = preset(*arguments)
    assert result.message is None
    assert (project / "params.yaml").read_text() == text
    words = result.stdout.split()
    assert set(words[::2]) == {"-S"}
    flags = dict(word.split("=") for word in words[1::2])
    expected = read(ROOT / "presets/full.yaml") | {"seed": 3}
    assert {key: yaml.safe_load(value) for key, value in flags.items()} == expected


def test_a_flag_that_the_shell_would_split_is_refused(preset, project):
    result = preset("photos", "data.path=/my pictures", "--flags")
    assert "data.path = '/my pictures' cannot be a flag" in result.message

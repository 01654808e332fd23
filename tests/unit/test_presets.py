"""Presets: complete, valid, and merged without touching what they do not name."""

import runpy
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from repository import PARAMS, ROOT

PRESETS = sorted(path.stem for path in (ROOT / "presets").glob("*.yaml"))
ARGUMENTS = {
    name: ["data.path=/my pictures"] for name in ("photos", "benchmark")
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


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fotos"], "there is no preset 'fotos': choose one of benchmark, full-cpu, full, photos"),
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

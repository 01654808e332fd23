"""The table of seconds that a run ends with."""

import json
import os

import pytest
from repository import ROOT


def test_every_stage_that_has_run_here_in_the_order_of_the_pipeline(tmp_path, monkeypatch, capsys):
    (tmp_path / "dvc.yaml").symlink_to(ROOT / "dvc.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(ROOT / "tools")
    folder = tmp_path / "metrics/provenance"
    folder.mkdir(parents=True)
    for name, seconds, when in (
        ("train_controls@c_plus", 2.25, 200),
        ("train_controls@c", 1.5, 200),
        ("download", 10.0, 100),
    ):
        file = folder / f"{name}.json"
        file.write_text(json.dumps({"seconds": seconds, "peak_memory_mb": 1234}))
        os.utime(file, (when, when))
    from seconds import main  # of tools

    main(150)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines[:-1]] == [
        *("download", "train_controls@c", "train_controls@c_plus"),
    ]
    assert lines[0][1:] == ["10.0", "s", "1,234", "MB", "(an", "earlier", "run)"]
    assert lines[1][1:] == ["1.5", "s", "1,234", "MB"]
    assert lines[-1] == ["all", "that", "ran", "now", "3.8", "s"]
    assert float(lines[-1][-2]) == pytest.approx(3.75, abs=0.06)

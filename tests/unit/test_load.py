"""The benchmarks of load and of neighbours measure what they say."""

import pytest
from repository import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")


def test_every_stage_is_measured(tmp_path, capsys):
    import load

    load.main([60], scratch=tmp_path)
    lines = [line.strip("|").split("|") for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[1].strip() for row in lines] == [f"`{stage}`" for stage in load.STAGES]
    for _, _, seconds, each, megabytes in lines:
        assert float(each) == pytest.approx(1000 * float(seconds) / 60, abs=10)
        assert float(megabytes) > 20
    assert list(tmp_path.iterdir()) == []


def test_trainings_side_by_side_are_measured(monkeypatch):
    import neighbours

    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    alone = neighbours.seconds(1, "PASSIVE", 3)
    both = neighbours.seconds(2, "PASSIVE", 3)
    assert alone > 0 and both > 0

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


def test_enlarging_is_measured(tmp_path, capsys):
    import rate

    rate.compare([70, 130], scratch=tmp_path)
    _, _, *rows = capsys.readouterr().out.splitlines()
    for row, number in zip(rows, (70, 130), strict=True):
        images, seconds, each, megabytes = (float(x) for x in row.strip("|").split("|"))
        assert images == number
        assert each == pytest.approx(1000 * seconds / number, abs=1)
        assert each > 0 and megabytes > 20
    assert list(tmp_path.iterdir()) == []


def test_packs_are_read_in_any_order(tmp_path, capsys):
    import reading

    reading.write_pack(tmp_path, 130)
    read = sorted(image.tobytes() for image in reading.read_pack(tmp_path))
    assert read == sorted(reading.picture(row).tobytes() for row in range(130))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    reading.main(130, 100, scratch)
    header, _, *rows = capsys.readouterr().out.splitlines()
    assert header.startswith("| format | cold") and rows[0].startswith("| pack | ")
    assert all(float(cell.replace(",", "")) > 0 for cell in rows[0].split("|")[2:4])
    assert list(scratch.iterdir()) == []


def test_tables_are_those_of_split(tmp_path, monkeypatch, capsys):
    import tables

    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    tables.write(200)
    tables.split()
    assert tables.read_split()["split"].value_counts().to_dict() == {
        "train": 120,
        "val": 20,
        "test": 60,
    }
    tables.main(50, 20)
    assert capsys.readouterr().out.count("\n| ") == 5


def test_trainings_side_by_side_are_measured(monkeypatch):
    import neighbours

    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    alone = neighbours.seconds(1, "PASSIVE", 3)
    both = neighbours.seconds(2, "PASSIVE", 3)
    assert alone > 0 and both > 0

"""What a kill leaves half-written of DVC's own files is mended, and nothing else is touched."""

import subprocess
from pathlib import Path
from threading import Timer

import pytest
from repository import ROOT

RUNNING = '{"write": {"data/raw.zip": {"pid": 1, "cmd": "dvc repro"}}, "read": {}}'
LOCKED = """\
schema: '2.0'
stages:
  check:
    cmd: python stages/check.py
    outs:
    - path: data/checked.json
      hash: md5
      md5: 2cde6ee26e5ad4ed02ba8d72b75eac8a
      size: 421
"""


@pytest.fixture
def mended(monkeypatch, tmp_path):
    """A project with both files whole, and the tool."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    import mend

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mend, "PATIENCE", 0.2)
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    mend.RUNNING.write_text(RUNNING)
    mend.LOCK.write_text(LOCKED)
    return mend


def commit(*more: str):
    for words in (["init", "--quiet"], ["add", "dvc.lock", *more]):
        subprocess.run(["git", *words], check=True)
    who = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
    subprocess.run(["git", *who, "commit", "--quiet", "--message", "run"], check=True)


def test_whole_files_and_none_are_left_alone(mended, capsys):
    mended.main()
    assert (mended.RUNNING.read_text(), mended.LOCK.read_text()) == (RUNNING, LOCKED)
    mended.RUNNING.unlink()
    mended.LOCK.unlink()
    mended.main()
    assert not mended.RUNNING.exists() and not mended.LOCK.exists()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("left", ["", RUNNING[:40], "[]"])
def test_a_list_of_running_commands_that_is_cut_off_is_removed(mended, capsys, left):
    mended.RUNNING.write_text(left)
    mended.main()
    assert not mended.RUNNING.exists()
    assert "removed .dvc/tmp/rwlock" in capsys.readouterr().out
    assert mended.LOCK.read_text() == LOCKED


def until(last):
    """The lock, cut off behind its first `last`."""
    return LOCKED[: LOCKED.index(last) + len(last)]


# of the last three YAML makes a mapping, but DVC no lock, or another one
CUT = [
    "",
    "schema",
    until("stages:\n") + "  check: [",
    until("check:"),
    until("-"),
    until("size: 42"),
]


@pytest.mark.parametrize("left", CUT)
def test_a_lock_that_is_cut_off_is_the_committed_one_again(mended, capsys, left):
    commit()
    mended.LOCK.write_text(left)
    mended.main()
    assert mended.LOCK.read_text() == LOCKED
    assert "as committed again" in capsys.readouterr().out


def test_where_none_is_committed_it_is_removed(mended, capsys):
    mended.LOCK.write_text("")
    mended.main()
    assert not mended.LOCK.exists()
    assert "removed, as none is committed" in capsys.readouterr().out


def test_a_project_in_a_folder_of_a_repository_gets_its_own_lock_back(mended, monkeypatch):
    Path("part/.dvc/tmp").mkdir(parents=True)
    Path("part/dvc.lock").write_text(LOCKED.replace("421", "9"))
    commit("part/dvc.lock")
    monkeypatch.chdir("part")
    mended.LOCK.write_text("")
    mended.main()
    assert mended.LOCK.read_text() == LOCKED.replace("421", "9")


def test_a_merge_conflict_is_left_to_its_owner(mended):
    commit()
    conflict = f"{LOCKED}<<<<<<< HEAD\n=======\n  other:\n>>>>>>> theirs\n"
    mended.LOCK.write_text(conflict)
    with pytest.raises(SystemExit, match="has a merge conflict"):
        mended.main()
    assert mended.LOCK.read_text() == conflict


def test_a_file_that_is_being_written_is_waited_for(mended, monkeypatch):
    monkeypatch.setattr(mended, "PATIENCE", 30.0)
    mended.RUNNING.write_text("")
    Timer(0.2, mended.RUNNING.write_text, [RUNNING]).start()
    mended.main()
    assert mended.RUNNING.read_text() == RUNNING

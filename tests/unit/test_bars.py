"""Progress in a terminal and in a file."""

import io
import re
import sys

from srgan_ab.common import bars


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_file_gets_lines_without_control_characters(capsys, monkeypatch):
    monkeypatch.setattr(bars, "SECONDS", 0)
    assert list(bars.bar(range(3), label="verify", unit="file")) == [0, 1, 2]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("verify: 0 of 3 files, 00:00 so far, ? left")
    assert re.fullmatch(r"verify: 3 of 3 files, 00:00 so far, 00:00 left", lines[-1])
    assert len(lines) >= 4
    assert all(line.isprintable() for line in lines)


def test_what_was_done_before_counts(capsys, monkeypatch):
    monkeypatch.setattr(bars, "SECONDS", 0)
    with bars.bar(total=10, initial=7, label="srgan", unit="update") as progress:
        progress.update(3)
    assert "srgan: 10 of 10 updates" in capsys.readouterr().err


def test_a_short_piece_of_work_is_no_line_in_a_file(capsys):
    list(bars.bar(range(1000), label="short", unit="step"))
    assert capsys.readouterr().err == ""


def test_what_was_reached_is_shown_with_the_next_line_and_makes_none_of_its_own(
    capsys, monkeypatch
):
    for seconds, expected in ((60, 0), (0, 4)):
        monkeypatch.setattr(bars, "SECONDS", seconds)
        with bars.bar(total=2, label="classifier", unit="update") as progress:
            progress.update()
            progress.set_postfix_str("acc 0.9", refresh=False)
            progress.update()
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == expected
    assert lines[-1].endswith("00:00 left, acc 0.9")


def test_a_terminal_gets_one_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    list(bars.bar(range(3), label="verify", unit="file"))
    assert "\r" in sys.stderr.getvalue() and "3/3" in sys.stderr.getvalue()

"""The page of DVC's plots needs no network."""

import re
import runpy
import shutil

import pytest
from repository import ROOT

PAGE = ROOT / ".dvc" / "plots" / "offline.html"


def test_the_page_loads_nothing_and_keeps_the_licence():
    page = PAGE.read_text(encoding="utf-8")
    assert page.count("{plot_divs}") == page.count("{refresh_tag}") == 1
    assert "{scripts}" not in page
    assert not re.search(r"<(script|link)[^>]*\s(src|href)=", page)
    assert page.count("<script>") == page.count("</script>") == 1
    assert "window.vegaEmbed=" in page
    notice = page[page.index("<!--") : page.index("-->")]
    assert "University of Washington" in notice and "Mike Bostock" in notice


@pytest.mark.slow
def test_the_tool_writes_the_page_that_is_committed(tmp_path):
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    runpy.run_path(str(tmp_path / "tools" / "make_plots_template.py"), run_name="__main__")
    assert (tmp_path / ".dvc" / "plots" / "offline.html").read_bytes() == PAGE.read_bytes()

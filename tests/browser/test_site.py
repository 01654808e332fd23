"""The documentation site as `make docs` builds it, and in a real browser; else no test."""

import io
import os
import subprocess
import tarfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from repository import ROOT, copy_checkout
from screen import outside

PYTHON = ROOT / ".venv-docs/bin/python"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON.exists(), reason="the site's environment is not there: run `make docs`"
    ),
]
PAGES = ("index", "method", "parameters", "troubleshooting", "api/srgan", "repository/index")


def build(project: Path, target: str = "site") -> subprocess.CompletedProcess:
    return subprocess.run(
        [PYTHON, "-m", "mkdocs", "build", "--strict", "--site-dir", target],
        cwd=project,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project, with the results that are committed."""
    target = tmp_path_factory.mktemp("docs") / "project"
    copy_checkout(target)
    archive = ["git", "archive", "HEAD", "metrics", "plots"]
    committed = subprocess.check_output(archive, cwd=ROOT)
    with tarfile.open(fileobj=io.BytesIO(committed)) as tar:
        tar.extractall(target, filter="data")
    return target


@pytest.fixture(scope="module")
def site(project) -> Path:
    done = build(project)
    assert done.returncode == 0, done.stdout + done.stderr
    return project / "site"


def test_every_room_has_its_docstrings(site):
    for room, said in (
        ("app", "Enlarge one picture."),
        ("srgan", "How much more the places within an LR pixel have in common"),
        ("classifier", "augmentation"),
        ("quality", "Gaussian window"),
        ("statistics", "McNemar"),
        ("data", "near-duplicates"),
        ("common", "params.yaml"),
    ):
        text = (site / f"api/{room}.html").read_text(encoding="utf-8")
        assert said in text, room
        assert text.count("doc-heading") > 2, room
    shared = (site / "api/srgan.html").read_text(encoding="utf-8")
    assert "<code>sr, hr</code>" not in shared  # an entry for each
    session = (site / "api/app.html").read_text(encoding="utf-8")
    assert session.count('<div class="language-pycon highlight">') == 2
    assert "<blockquote>" not in session


def test_what_lies_beside_docs_goes_along(site):
    for name in ("SECURITY.html", "plots/srgan.csv", "notebooks/tour.ipynb", "presets/answer.yaml"):
        assert (site / "repository" / name).is_file()
    assert 'href="repository/index.html#who-is-who"' in (site / "method.html").read_text()


def test_what_leads_nowhere_fails_the_build(site, project):
    wrong = ("[x](nowhere.md)", "[x](../nowhere.yaml)", "[x](data.md#nowhere)", "![x](nowhere.png)")
    page = project / "docs/study.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(f"{text}\n{' '.join(wrong)}\n", encoding="utf-8")
    try:
        done = build(project, "wrong")
    finally:
        page.write_text(text, encoding="utf-8")
    assert done.returncode != 0
    for link in ("'nowhere.md'", "'../nowhere.yaml'", "'data.md#nowhere'", "'nowhere.png'"):
        assert link in done.stderr


@pytest.fixture(scope="module")
def address(site):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_asks_another_host_complains_or_is_wider_than_the_screen(browser, address, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for name in PAGES:
        page.goto(f"{address}{name}.html", wait_until="networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert outside(page, "article > p, article > h1, article h2, article img", width) == []
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert complaints == []
    page.close()


def test_the_search_finds_a_parameter_and_a_function(browser, address):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{address}index.html")
    for word, where in (("label_smoothing", "parameters.html"), ("lattice_loss", "api/srgan.html")):
        page.fill("input[name=query]", word)
        page.wait_for_selector(f".md-search-result__link[href*='{where}']", state="attached")
    page.close()

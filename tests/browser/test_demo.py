"""The page of `srgan-ab demo` in a real browser: headless Chromium and Gradio, or no test.

Neither the page nor its server may ask any other machine: what tries to is a failure.
"""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import demo_inputs
import pytest
from playwright.sync_api import expect
from repository import ROOT
from screen import outside

from srgan_ab.common.shipped import SHIPPED

pytestmark = [
    pytest.mark.extra("demo", "gradio"),
    pytest.mark.slow,
]

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
OF_RUN = ("SRGAN of this run", "non-adversarial of this run")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Of a small run, with pictures for the page in `in/`."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("demo")
        patch.chdir(root)
        demo_inputs.make_folder(root)
    return root


@pytest.fixture(scope="module")
def server(folder, tmp_path_factory):
    """Address of the page; at the end it has asked nobody, and its pictures are gone."""
    log, temporary = folder / "log", tmp_path_factory.mktemp("temporary")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(temporary)}
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", demo_inputs.SERVER],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stream,
            encoding="utf-8",
        )
        try:
            line = process.stdout.readline()
            assert line, log.read_text()
            assert list(temporary.glob("srgan-ab-*/*.png"))
            yield re.match(r"http://127\.0\.0\.1:\d+", line)[0]
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(60)
    assert code == 130
    assert not list(temporary.iterdir())
    assert "ASKED" not in log.read_text() and "Traceback" not in log.read_text()


@pytest.fixture
def open_page(browser, server):
    """A function that opens the page; what it asked of other machines fails the test."""
    opened, asked, complaints = [], [], []

    def of_others(route):
        asked.append(route.request.url)
        route.abort()

    def open_one(viewport=WIDE, **options):
        context = browser.new_context(viewport=viewport, **options)
        opened.append(context)
        others = re.compile(rf"^(?!{re.escape(server)}/|data:|blob:)")
        context.route(others, of_others)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.goto(server)
        expect(page.get_by_text("No picture yet.")).to_be_visible(timeout=30_000)
        return page

    yield open_one
    for context in opened:
        context.close()
    assert asked == [] and complaints == []


def give(page, folder, name):
    page.locator("input[type=file]").set_input_files(folder / "in" / name)


def versions(page):
    """Names below the pictures that stand beside each other."""
    return page.locator("#versions .caption-label").all_inner_texts()


def cells(page, caption):
    table = page.locator("table", has_text=caption)
    return table.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    )


def test_a_picture_that_is_given_is_enlarged_and_judged(open_page, folder):
    page = open_page()
    give(page, folder, "picture.png")
    expect(page.get_by_role("status").first).to_have_text(
        "picture.png: enlarged to 160×112 pixels.", timeout=60_000
    )
    expect(page.locator("table", has_text="Class and probability")).to_be_visible()
    assert versions(page) == ["LR", "bicubic", *OF_RUN, *SHIPPED]
    sizes = page.locator("#versions img").evaluate_all(
        "all => Promise.all(all.map(i => i.decode().then(() => [i.naturalWidth, i.naturalHeight])))"
    )
    assert sizes == [[160, 112]] * 8
    rows = cells(page, "Class and probability")
    assert [row[0] for row in rows] == ["64", "32", "32", "16", "16", "8", "8"]
    assert all(re.fullmatch(r"(cat|dog) \(\d+ %\)", cell) for row in rows for cell in row[2:])
    assert ["A", "real HR", "0.875"] in cells(page, "Classifiers")


def test_two_versions_are_compared_and_enlarged_further(open_page, folder):
    page = open_page()
    give(page, folder, "picture.png")
    pair = page.get_by_test_id("imageslider-image")
    expect(pair).to_have_count(2, timeout=60_000)
    assert page.get_by_label("Left").input_value() == "bicubic"
    assert page.get_by_label("Right").input_value() == OF_RUN[0]
    before = [image.get_attribute("src") for image in pair.all()]
    page.get_by_label("Left").click()
    page.get_by_role("option", name="photo").click()
    expect(pair.first).not_to_have_attribute("src", before[0])
    assert pair.last.get_attribute("src") == before[1]
    pair.first.hover(position={"x": 30, "y": 30})
    page.mouse.wheel(0, -200)
    expect(pair.first).to_have_attribute("style", re.compile(r"scale\(1\.\d*[1-9]"))
    # what was chosen stays when another picture comes
    give_another(page, folder)
    assert page.get_by_label("Left").input_value() == "photo"


def give_another(page, folder):
    page.get_by_label("Clear").click()
    expect(page.get_by_text("No picture yet.")).to_be_visible()
    give(page, folder, "other.webp")
    expect(page.get_by_text("other.webp: enlarged to 144×144")).to_be_visible(timeout=60_000)


def test_a_picture_is_made_small_first_to_compare_with_the_original(open_page, folder):
    page = open_page()
    give(page, folder, "picture.png")
    expect(page.get_by_text("enlarged to 160×112")).to_be_visible(timeout=60_000)
    page.get_by_label("made a quarter as large").check()
    expect(page.get_by_text("enlarged to 40×28")).to_be_visible(timeout=60_000)
    assert versions(page)[:3] == ["original", "LR", "bicubic"]


def test_all_of_it_by_the_keyboard_alone(open_page):
    """A rendered picture is chosen, the border moved, another version chosen, one seen alone."""
    page = open_page()

    def tab_to(locator):
        for _ in range(60):
            page.keyboard.press("Tab")
            if locator.evaluate("e => e === document.activeElement"):
                return
        pytest.fail(f"Tab does not reach {locator}")

    tab_to(page.get_by_label("made a quarter as large"))
    page.keyboard.press("Space")
    tab_to(page.locator("#examples button").nth(1))
    page.keyboard.press("Enter")
    expect(page.get_by_text("dog-2.png: enlarged to 160×160")).to_be_visible(timeout=60_000)
    left, pair = page.get_by_label("Left"), page.get_by_test_id("imageslider-image")
    expect(pair).to_have_count(2)
    tab_to(left)
    source = pair.first.get_attribute("src")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(left).to_have_value("LR")
    expect(pair.first).not_to_have_attribute("src", source)
    tab_to(page.get_by_label("range slider"))
    before = pair.last.get_attribute("style")
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    expect(pair.last).not_to_have_attribute("style", before)
    tab_to(page.locator("#versions .thumbnail-item").first)
    page.keyboard.press("Enter")
    expect(page.locator("#versions .preview img").first).to_be_visible()
    tab_to(page.get_by_role("region", name="Class and probability"))
    tab_to(page.get_by_role("link", name="The report of the run"))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("text.jpg", "text.jpg cannot be read: not an image: no known image format"),
        ("bomb.png", "bomb.png cannot be read: too many pixels"),
        ("moving.gif", "moving.gif is an animation: give a picture of one frame or page"),
    ],
)
def test_bad_pictures_are_one_sentence_and_the_page_goes_on(open_page, folder, name, sentence):
    page = open_page()
    give(page, folder, name)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(sentence, timeout=30_000)
    assert "Traceback" not in page.inner_text("body")
    assert page.get_by_test_id("imageslider-image").count() == 0
    give_another(page, folder)
    assert alert.count() == 0


def test_a_file_that_is_too_long_is_refused(open_page, folder):
    page = open_page()
    give(page, folder, "long.png")
    expect(page.get_by_text("exceed the maximum allowed size of 64.0 Mb").first).to_be_visible(
        timeout=60_000
    )


@pytest.mark.parametrize("viewport", [WIDE, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_screen(open_page, folder, viewport, scheme):
    page = open_page(viewport, color_scheme=scheme)
    give(page, folder, "picture.png")
    expect(page.get_by_text("enlarged to 160×112")).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("imageslider-image")).to_have_count(2)
    if shots := os.environ.get("SHOTS"):
        page.wait_for_timeout(1500)
        page.screenshot(path=f"{shots}/demo_{viewport['width']}_{scheme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    elements = "#versions button, #examples button, input, h1, h2, p"
    assert outside(page, elements, viewport["width"]) == []
    levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(h => +h.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_the_report_of_the_run_is_a_link_away(open_page):
    page = open_page()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="The report of the run").click()
    expect(opened.value.get_by_role("heading")).to_have_text("A report")


def answer(address: str, **headers: str):
    try:
        return urllib.request.urlopen(urllib.request.Request(address, headers=headers))
    except urllib.error.HTTPError as error:
        return error


def test_no_event_is_queued_beside_another(server):
    """Gradio would lose its answer if the other's stream ended just then."""
    events = json.load(answer(f"{server}/config"))["dependencies"]
    (queued,) = [event for event in events if event["queue"]]
    assert queued["trigger_mode"] == "always_last"


def test_the_server_answers_this_machine_only(server, folder):
    assert answer(server).status == 200
    assert "default-src 'self'" in answer(server).headers["Content-Security-Policy"]
    assert answer(server, Host="somewhere.example").status == 400
    for file in (folder / "params.yaml", Path("/etc/hosts")):
        assert answer(f"{server}/gradio_api/file={file}").status in (403, 404)

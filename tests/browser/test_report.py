"""The report in a real browser: headless Chromium, or no test."""

import itertools

import pytest
from screen import outside

pytestmark = pytest.mark.slow
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


def unfold(page) -> None:
    """Open every part that is folded, so that the tests see all of it."""
    page.locator("details").evaluate_all("all => { for (const d of all) d.open = true; }")


@pytest.fixture(scope="module")
def page(browser, page_file):
    """The page on a wide light screen, unfolded, with what it asked for and complained of."""
    page = browser.new_page(viewport=WIDE)
    page.requests, page.complaints = [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(page_file.as_uri())
    unfold(page)
    return page


def column(table, number: int) -> list[str]:
    """Texts of a column, from 0."""
    return table.locator("tbody tr").evaluate_all(
        "(rows, n) => rows.map(row => row.cells[n].textContent)", number
    )


def test_it_asks_for_nothing_and_complains_of_nothing(page, page_file):
    assert [url for url in page.requests if not url.startswith("data:")] == [page_file.as_uri()]
    assert page.complaints == []


def test_every_picture_and_chart_is_there(page):
    pictures = page.locator(".picture img").evaluate_all(
        "all => all.map(i => [i.complete && i.naturalWidth, i.getBoundingClientRect().width])"
    )
    assert len(pictures) == 7 and all(min(sizes) > 100 for sizes in pictures)
    drawn = page.locator("svg").evaluate_all(
        "all => all.map(s => [s, s.getBBox()])"
        ".map(([s, b]) => [b.width, b.height, s.querySelectorAll('path').length])"
    )
    assert len(drawn) >= 12 and all(min(sizes) > 5 for sizes in drawn)


def test_what_is_drawn_takes_the_colours_of_the_page(page):
    colours = page.locator("svg").evaluate_all(
        "all => all.flatMap(s => [...s.querySelectorAll('path')]"
        ".map(p => getComputedStyle(p).stroke))"
    )
    light = {"rgb(0, 114, 178)", "rgb(194, 78, 0)"}
    assert light <= set(colours)
    page.emulate_media(color_scheme="dark")
    colours = page.locator("svg path").evaluate_all(
        "all => all.map(p => getComputedStyle(p).stroke)"
    )
    assert not light & set(colours)
    page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("use", ["click", "keyboard"])
def test_a_table_is_sorted_by_its_header(page, use):
    table = page.locator("table", has_text="with 95 % intervals over")
    head = table.locator("thead th").nth(2)

    def press():
        if use == "click":
            head.locator("button").click()
        else:
            head.locator("button").focus()
            page.keyboard.press("Enter")

    def values():
        return [float(cell.split()[0]) for cell in column(table, 2)]

    press()
    assert head.get_attribute("aria-sort") == "ascending"
    assert values() == sorted(values()) and len(set(values())) > 2
    press()
    assert head.get_attribute("aria-sort") == "descending"
    assert values() == sorted(values(), reverse=True)
    table.locator("thead th").nth(0).locator("button").click()
    assert head.get_attribute("aria-sort") is None
    assert column(table, 0) == sorted(column(table, 0))


def test_empty_cells_stay_last(page):
    table = page.locator("table", has_text="Networks and their training")
    for _ in range(2):
        table.get_by_role("button", name="updates", exact=True).click()
        assert column(table, 4)[-2:] == ["–"] * 2  # generator and discriminator


def test_a_picture_is_enlarged_and_put_away(page):
    dialog = page.get_by_role("dialog")
    for put_away in ("Escape", "Close"):
        page.locator(".picture button").nth(0).click()
        large = dialog.locator("img")
        assert dialog.is_visible()
        assert large.bounding_box()["width"] > 1000
        assert large.get_attribute("alt") == (
            "Test images: LR, bicubic, SRResNet, non-adversarial, SRGAN, task-driven and HR"
        )
        if put_away == "Escape":
            page.keyboard.press("Escape")
        else:
            dialog.get_by_role("button").click()
        assert dialog.is_hidden()


def test_headings_are_in_order(page):
    levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(h => +h.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(page, scheme):
    """WCAG 2.2, 1.4.3: at least 4.5 to 1, by the colours that the browser computes."""
    page.emulate_media(color_scheme=scheme)
    least = page.evaluate(
        """() => {
          const canvas = document.createElement("canvas")
            .getContext("2d", {willReadFrequently: true});
          const over = (colours) => {  // the lowest first
            canvas.clearRect(0, 0, 1, 1);
            for (canvas.fillStyle of colours) canvas.fillRect(0, 0, 1, 1);
            const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
              .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          let least = 21;
          for (const element of document.querySelectorAll("body *")) {
            const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
            if (!own || !element.checkVisibility() || element.closest("script")) continue;
            const style = getComputedStyle(element), below = [];
            for (let e = element; e; e = e.parentElement)
              below.unshift(getComputedStyle(e).backgroundColor);
            const text = element.closest("svg") ? style.fill : style.color;
            const [a, b] = [over(below), over([...below, text])];
            least = Math.min(least, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
          }
          return least;
        }"""
    )
    page.emulate_media(color_scheme="light")
    assert 4.5 <= least < 21


@pytest.mark.parametrize(
    ("name", "viewport", "scheme"),
    [("wide", WIDE, "light"), ("dark", WIDE, "dark"), ("narrow", NARROW, "light")],
)
def test_it_fits_the_screen(browser, page_file, tmp_path, name, viewport, scheme):
    page = browser.new_page(viewport=viewport, color_scheme=scheme)
    page.goto(page_file.as_uri())
    for _ in ("folded", "unfolded"):
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        elements = "body *:not(.scroll *):not(svg *)"
        assert outside(page, elements, viewport["width"]) == []
        unfold(page)
    page.close()


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def fresh(browser, page_file, request):
    """The page as it opens."""
    page = browser.new_page(viewport=request.param)
    page.goto(page_file.as_uri())
    yield page
    page.close()


def test_the_first_screen_has_numbers_and_their_figure(fresh):
    height = fresh.viewport_size["height"]
    sentence, figure, answer = (
        fresh.locator(place).first.bounding_box() for place in (".lead", ".first svg", ".verdict")
    )
    assert sentence["y"] + sentence["height"] < height
    if fresh.viewport_size == WIDE:
        assert figure["y"] + figure["height"] < height and answer["y"] + 200 < height
    else:
        assert figure["y"] < height * 2 / 3


def test_text_of_charts_is_large_enough_to_read(fresh):
    unfold(fresh)
    sizes = fresh.locator("svg text").evaluate_all(
        "all => all.map(t => parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a)"
        ".filter(size => size > 0)"  # a label on its side has a matrix of other entries
    )
    assert len(sizes) > 100 and min(sizes) >= 11


def test_pictures_keep_their_pixels(fresh):
    unfold(fresh)
    widths = fresh.locator(".picture img").evaluate_all(
        "all => all.map(i => [i.getBoundingClientRect().width, i.naturalWidth])"
    )
    assert len(widths) == 7 and all(shown == own for shown, own in widths)


def test_an_enlarged_picture_has_a_size_to_choose(page):
    page.locator(".picture button").nth(0).click()
    large, size = page.locator("dialog img"), page.get_by_label("Size")
    own = large.evaluate("i => i.naturalWidth")
    for factor in (1, 4):
        size.fill(str(factor))
        assert large.bounding_box()["width"] == factor * own
    page.keyboard.press("Escape")


def test_tab_stops_are_few_and_arrow_keys_reach_the_other_columns(fresh):
    stops = fresh.locator("a, button, summary, input, [tabindex]").evaluate_all(
        "all => all.filter(e => e.checkVisibility() && e.tabIndex >= 0).length"
    )
    assert 10 < stops <= 32
    head = fresh.locator("table", has_text="with 95 % intervals over").locator("thead th")
    head.nth(0).locator("button").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "Enter"):
        fresh.keyboard.press(key)
    assert head.nth(1).get_attribute("aria-sort") == "ascending"
    indices = [button.get_attribute("tabindex") for button in head.locator("button").all()]
    assert indices == ["-1", "0", *["-1"] * (len(indices) - 2)]


def test_on_a_phone_results_are_seen_and_first_columns_stay(browser, page_file):
    page = browser.new_page(viewport=NARROW)
    page.goto(page_file.as_uri())
    box = page.get_by_role("group", name="Differences in accuracy")
    for column in (1, 2):  # what the first is, and by how much
        cell = box.locator("tbody tr").nth(0).locator("td").nth(column - 1).bounding_box()
        assert cell["x"] + cell["width"] <= NARROW["width"]
    first = box.locator("tbody th").nth(0)
    before = first.bounding_box()["x"]
    assert box.evaluate("b => { b.scrollLeft = 150; return b.scrollLeft; }") == 150
    assert first.bounding_box()["x"] == before
    page.close()


def test_without_scripts_nothing_looks_alive(browser, page_file):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.get_by_role("button").count() == 0
    assert page.get_by_role("columnheader").count() > 20
    assert page.locator(".scroll:not([tabindex='0'])").count() == 0  # the keyboard scrolls them
    context.close()


def test_paper_has_all_that_is_folded_and_heads_that_repeat(fresh):
    folded = fresh.locator("table", has_text="Differences in every score").last
    assert not folded.is_visible()
    fresh.emulate_media(media="print")
    assert folded.evaluate("t => t.checkVisibility({contentVisibilityAuto: true})")
    head = fresh.locator("th button").evaluate_all(
        "all => all.map(b => getComputedStyle(b).display)"
    )
    assert set(head) == {"contents"}
    sizes = fresh.locator("table").evaluate_all(
        "all => all.map(t => parseFloat(getComputedStyle(t).fontSize))"
    )
    assert min(sizes) >= 11
    for place in ("nav", ".up"):
        assert not fresh.locator(place).is_visible()

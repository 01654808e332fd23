"""Two versions of an image under a border, in the report's enlarged view; its pictures on paper."""

import base64
import io
import json

import numpy as np
import pytest
import report_inputs
from PIL import Image
from screen import outside

pytestmark = pytest.mark.slow
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PAPER = {"width": 718, "height": 1047}  # A4 less 1 cm at each edge, in pixels of CSS
COLUMNS = ["LR", "bicubic", "SRResNet", "non-adversarial", "SRGAN", "task-driven", "HR"]
CELL, GAP, TOP = 128, 6, 22  # as the sheet is drawn: of images of 128 pixels, below a title


@pytest.fixture(params=["wide", "phone"])
def opened(browser, page_file, request):
    """The page with the sheet of versions enlarged; nothing was asked for or complained of."""
    phone = request.param == "phone"
    context = browser.new_context(
        viewport=PHONE if phone else WIDE,
        has_touch=phone,
        color_scheme="dark" if phone else "light",
    )
    page, troubles = context.new_page(), []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda r: troubles.append(r.url) if not r.url.startswith("data:") else None)
    page.goto(page_file.as_uri())
    page.locator("#who .picture button").click()
    page.wait_for_function("document.querySelector('canvas').width < 300")
    yield page
    assert troubles == [page_file.as_uri()]
    context.close()


def choice(page, name: str):
    return page.get_by_role("combobox", name=name, exact=True)


def border(page):
    return page.get_by_role("slider", name="Border between left and right")


def cells(page) -> np.ndarray:
    """The embedded sheet as (rows, columns, CELL, CELL, 3)."""
    uri = page.locator("#who .picture img").get_attribute("src")
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))
    corners = [GAP + c * (CELL + GAP) for c in range(len(COLUMNS))]
    tops = [TOP + r * (CELL + GAP) for r in range(report_inputs.ROWS)]
    return np.array([[sheet[y : y + CELL, x : x + CELL] for x in corners] for y in tops])


def shown(page) -> np.ndarray:
    """What is on the screen where the two versions are; a browser paints from a whole pixel."""
    box = {name: round(value) for name, value in page.locator("canvas").bounding_box().items()}
    screen = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)
    return screen[box["y"] :, box["x"] :][: box["height"], : box["width"]]


def far(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.parametrize("value", [0, 30, 50, 100])
def test_each_side_of_the_border_has_the_pixels_of_its_version(opened, value):
    choice(opened, "Image").select_option("3")
    choice(opened, "Left").select_option("LR")
    choice(opened, "Right").select_option("HR")
    border(opened).fill(str(value))
    seen, factor = shown(opened), 2
    lr, hr = (cells(opened)[2, c].repeat(factor, 0).repeat(factor, 1) for c in (0, -1))
    cut = factor * round(CELL * value / 100)
    left, right = np.s_[:, : max(cut - 2, 0)], np.s_[:, cut + 2 :]  # the line is between them
    assert seen.shape == lr.shape
    for side, here, other in ((left, lr, hr), (right, hr, lr)):
        if seen[side].size:
            assert far(seen[side], here[side]) < 2 < 40 < far(seen[side], other[side])
    if 0 < value < 100:
        assert far(seen[:, cut - 1 : cut + 1], np.array(255)) == 0


def test_it_begins_with_bicubic_and_srgan_and_every_control_has_a_name(opened):
    assert choice(opened, "Image").locator("option").all_text_contents() == list("1234")
    for side, name in (("Left", "bicubic"), ("Right", "SRGAN")):
        assert choice(opened, side).locator("option").all_text_contents() == COLUMNS
        assert choice(opened, side).locator("option:checked").text_content() == name
    shares = "50 % bicubic, 50 % SRGAN"
    assert border(opened).get_attribute("aria-valuetext") == shares
    assert opened.get_by_role("img", name=f"Image 1, from left to right: {shares}").count() == 1


def test_the_keyboard_moves_the_border(opened):
    opened.keyboard.press("Tab")  # from Close to Size, image, left, right
    for _ in range(4):
        opened.keyboard.press("Tab")
    assert border(opened).evaluate("b => b === document.activeElement")
    before = shown(opened)
    for key, value in (("ArrowRight", "51"), ("Home", "0"), ("End", "100")):
        opened.keyboard.press(key)
        assert border(opened).input_value() == value
        assert (
            opened.locator("canvas")
            .get_attribute("aria-label")
            .endswith(f"{value} % bicubic, {100 - int(value)} % SRGAN")
        )
        assert far(shown(opened), before) > 0


def test_a_finger_or_a_mouse_on_the_picture_moves_the_border(opened):
    canvas = opened.locator("canvas")
    box = canvas.bounding_box()
    y = box["y"] + 20
    if opened.viewport_size == PHONE:
        opened.touchscreen.tap(box["x"] + 0.75 * box["width"], y)
    else:
        opened.mouse.move(box["x"] + 0.25 * box["width"], y)
        assert border(opened).input_value() == "50"  # no button is down
        opened.mouse.down()
        opened.mouse.move(box["x"] + 0.75 * box["width"], y, steps=4)
        opened.mouse.up()
    assert abs(int(border(opened).input_value()) - 75) <= 1
    assert canvas.evaluate("c => getComputedStyle(c.parentElement).touchAction") == "pan-y"


def test_it_is_as_large_as_chosen_by_whole_pixels_as_far_as_it_fits(opened):
    width = opened.viewport_size["width"]
    for size in (1, 2, 6):
        opened.get_by_label("Size").fill(str(size))
        sizes = opened.locator("canvas, .compare input").evaluate_all(
            "all => all.map(e => e.getBoundingClientRect().width)"
        )
        assert set(sizes) == {CELL * (size if width == 1280 else min(size, 2))}
        assert outside(opened, ".compare, .compare *:not(option)", width) == []
    assert opened.locator("canvas").evaluate("c => getComputedStyle(c).imageRendering") == (
        "pixelated"
    )


def test_other_pictures_are_not_compared_and_this_one_is_again(opened):
    opened.keyboard.press("Escape")
    opened.locator("details").evaluate_all("all => { for (const d of all) d.open = true; }")
    buttons = opened.locator(".picture button")
    assert buttons.count() == 7
    for place in (1, 0):
        buttons.nth(place).click()
        assert opened.locator(".compare").is_visible() == (place == 0)
        opened.keyboard.press("Escape")
    hints = opened.locator("figcaption", has_text="Enlarged, two versions can be compared.")
    assert hints.count() == 1
    opened.emulate_media(media="print")
    assert not opened.locator(".hint").is_visible()


def test_the_page_has_the_pixels_once_and_promises_nothing_without_scripts(browser, page_file):
    text = page_file.read_text()
    pictures = text.split("data:image/jpeg;base64,")[1:]
    assert len(pictures) == 7
    context = browser.new_context(java_script_enabled=False, viewport=WIDE)
    page = context.new_page()
    page.goto(page_file.as_uri())
    for role in ("combobox", "slider"):
        assert page.get_by_role(role).count() == 0
    assert page.get_by_text("two versions can be compared").count() == 0
    sheets = page.locator("[data-sheet]")
    assert sheets.count() == 1
    assert json.loads(sheets.get_attribute("data-sheet"))["columns"] == COLUMNS
    context.close()


def test_on_paper_pictures_of_classifiers_and_the_differences_have_a_page_each(browser, page_file):
    page = browser.new_page(viewport=PAPER)
    page.goto(page_file.as_uri())
    page.emulate_media(media="print")
    page.locator("details").evaluate_all("all => { for (const d of all) d.open = true; }")
    pictures = page.locator("details", has_text="What the classifiers see and say").last
    differences = page.locator(".together")
    for part in (pictures, differences):
        assert part.bounding_box()["height"] < PAPER["height"]
    assert differences.locator("h2").text_content() == "Differences"
    assert differences.locator("svg").count() == 1
    assert differences.evaluate("d => getComputedStyle(d).breakInside") == "avoid"
    # a caption below a picture, as the last of a section, would hold the next section's heading
    captions = page.locator("figcaption").evaluate_all(
        "all => all.map(c => getComputedStyle(c).breakAfter)"
    )
    assert set(captions) == {"auto"}
    page.close()

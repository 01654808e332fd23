"""The report under axe-core, which looks for what WCAG forbids: folded, unfolded, enlarged."""

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.slow


def violations(page) -> dict[str, list]:
    """Rules that the page breaks as it stands, and the elements that do."""
    found = Axe().run(page).response["violations"]
    return {rule["id"]: [node["target"] for node in rule["nodes"]] for rule in found}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_rule_is_broken(browser, page_file, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(page_file.as_uri())
    assert violations(page) == {}
    page.locator("details").evaluate_all("all => { for (const d of all) d.open = true; }")
    assert violations(page) == {}
    versions = page.locator("dialog .versions")
    for number, compared in ((0, True), (1, False)):
        page.locator(".picture button").nth(number).click()
        assert versions.is_visible() == compared
        assert violations(page) == {}
        page.keyboard.press("Escape")
    page.close()


def test_what_is_broken_is_found(browser, page_file):
    page = browser.new_page()
    page.goto(page_file.as_uri())
    page.locator(".picture img").first.evaluate("image => image.removeAttribute('alt')")
    page.locator(".note").first.evaluate("note => { note.style.color = '#ccc'; }")
    assert set(violations(page)) == {"image-alt", "color-contrast"}
    page.close()

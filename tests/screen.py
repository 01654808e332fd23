"""What a page may not do on any screen."""


def outside(page, elements: str, width: int) -> list[str]:
    """Beginnings of those elements that reach beyond the right edge."""
    return page.locator(elements).evaluate_all(
        "(all, width) => all.filter(e => e.getBoundingClientRect().right > width + 1)"
        ".map(e => e.outerHTML.slice(0, 80))",
        width,
    )

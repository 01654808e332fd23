"""Gather what the other stages measured and drew on one page, plots/report.html.

The page needs nothing else: open it in a browser, send it, print it.
"""

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def report(params: Params) -> None:
    from srgan_ab.common import paths
    from srgan_ab.common.files import atomic_file
    from srgan_ab.reporting.report import page

    html = page(params)
    with atomic_file(paths.PLOTS / "report.html") as temporary:
        temporary.write_text(html, encoding="utf-8")


if __name__ == "__main__":
    run(report)

"""Write `.dvc/plots/offline.html`, the page into which DVC puts its plots.

DVC's own page loads Vega from the internet and shows no chart without it. This one carries Vega
with it; `.dvc/config` names it as `plots.html_template`. Run again after vl-convert is updated.
"""

from pathlib import Path

import vl_convert

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / ".dvc" / "plots" / "offline.html"
VEGA_LITE = "5.21"  # the last of the major version in which DVC writes its charts

PAGE = """<!DOCTYPE html>
<!--
{licence}-->
<html lang="en">
<head>
<meta charset="utf-8">
{refresh_tag}
<title>Plots</title>
<style>
body { font-family: sans-serif; margin: 1em; }
table { border-spacing: 15px; }
img { max-width: 100%; }
</style>
<script>
(() => {
{bundle}
})();
</script>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def main() -> None:
    """Write the page."""
    licence = (ROOT / "tools" / "plots_licence.txt").read_text()
    # its stub knows no default for the snippet
    bundle = vl_convert.javascript_bundle(vl_version=VEGA_LITE)  # pyright: ignore[reportCallIssue]
    page = PAGE.replace("{licence}", licence).replace("{bundle}", bundle)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(page, encoding="utf-8")
    print(f"{OUTPUT.relative_to(ROOT)}: {len(page) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

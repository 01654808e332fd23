"""The documentation: each page can be found, and what code decides is what the code says."""

import ast
import re
import subprocess
import tomllib
from typing import get_args

import pytest
import yaml
from documents import document, rows, section
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from repository import DOCUMENTED, ROOT, default_params

from srgan_ab.common.schema import Adversarial, Data, Params, Perceptual
from srgan_ab.common.shipped import SHIPPED
from srgan_ab.srgan import losses
from srgan_ab.srgan.phases import loss_weights

PAGES = {page.name for page in (ROOT / "docs").glob("*.md")}
ROOMS = ("app", "srgan", "classifier", "quality", "statistics", "data", "common")


@pytest.fixture
def site(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    import docs_site

    return docs_site


def navigation() -> set[str]:
    """Files that mkdocs.yml leads to."""
    text = re.sub(r"!!python\S+", "", document("mkdocs.yml"))  # YAML's own tag, for mkdocs

    def files(entry: object) -> set[str]:
        match entry:
            case str():
                return {entry}
            case dict():
                return set().union(*map(files, entry.values()))
            case _:
                return set().union(*map(files, entry))

    return files(yaml.safe_load(text)["nav"])


def test_the_navigation_and_the_index_hold_every_page():
    beside = {f"repository/{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG")}
    found = navigation()
    assert found == PAGES | beside | {"repository/SECURITY.md"} | {f"api/{r}.md" for r in ROOMS}
    linked = set(re.findall(r"\]\(([\w./]+)\)", document("docs/index.md")))
    assert PAGES - {"index.md"} <= linked
    assert {path.replace("repository", "..") for path in found if "repository" in path} <= linked


def test_the_site_needs_nothing_of_those_who_run_the_pipeline():
    project = tomllib.loads(document("pyproject.toml"))
    wanted = [Requirement(line) for line in project["dependency-groups"]["docs"]]
    lines = [x for x in document("requirements-docs.txt").splitlines() if x and x[0] != "#"]
    pins = [Requirement(line) for line in lines]
    assert all(re.fullmatch(r"==[\w.]+", str(pin.specifier)) and not pin.url for pin in pins)
    by_name = {canonicalize_name(pin.name): pin for pin in pins}
    for each in wanted:
        assert by_name[canonicalize_name(each.name)].specifier == each.specifier
    assert not re.search(r"mkdocs|griffe", document("requirements.txt"))
    shared = f"ruff{by_name['ruff'].specifier}\n"
    assert shared in document("requirements.txt")


def test_links_lead_to_where_the_site_has_the_files(site, tmp_path, monkeypatch):
    monkeypatch.setattr(site, "ROOT", tmp_path)
    for path in ("docs/a.md", "docs/b.md", "README.md", "src/x/README.md", "src/x/card.md"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    fenced = "```\n[code](../README.md)\n```\n"
    text = (
        f"[b](b.md#c) [it](../README.md)\n{fenced}[of\n`x`](../src/x/) [no](no.md) ![p](../p.png)"
    )
    assert site.for_site("docs/a.md", text) == (
        f"[b](b.md#c) [it](repository/README.md)\n{fenced}of\n`x` [no](no.md) ![p](../p.png)"
    )
    assert site.for_site("README.md", "[a](docs/a.md#b)") == "[a](../a.md#b)"
    assert site.for_site("src/x/README.md", "[c](card.md)") == "[c](card.md)"
    assert site.for_site("docs/a.md", "[web](https://example.org/a.md)").endswith("org/a.md)")
    (tmp_path / "docs/a.md").write_text("[x](../src/x/README.md)")
    (tmp_path / "src/x/README.md").write_text("[c](card.md) [a](../../docs/b.md)")
    assert site.beside() == ["src/x/README.md", "src/x/card.md"]


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ('<a href="https://example.org">x</a><link rel="stylesheet" href="site.css">', 0),
        ('<script src="https://example.org/x.js"></script>', 1),
        ('<link rel="preconnect" href="https://fonts.example.org">', 1),
        ('<img src="//example.org/x.png" srcset="x.png 1x, https://example.org/y.png 2x">', 2),
        ('<p style="background: url(https://example.org/x.png)">', 1),
        ('<form action="http://example.org/"><iframe src="x.html"></iframe></form>', 1),
    ],
)
def test_what_a_page_would_fetch_from_another_host_is_found(site, tmp_path, page, found):
    (tmp_path / "x.html").write_text(page)
    assert len(site.asked_of_others(tmp_path)) == found


def test_what_a_style_would_fetch_from_another_host_is_found(site, tmp_path):
    (tmp_path / "x.css").write_text('@import "https://a.org/x.css"; b { background: url(x.png) }')
    assert site.asked_of_others(tmp_path) == ["x.css: https://a.org/x.css"]


def test_styles_within_pages_and_drawings_are_looked_at_too(site, tmp_path):
    (tmp_path / "a.html").write_text('<style>@import "//a.org/x.css";</style><p>url(//b.org/)</p>')
    drawing = '<svg xmlns="http://www.w3.org/2000/svg"><image href="https://a.org/z.png"/></svg>'
    (tmp_path / "b.svg").write_text(drawing)
    assert site.asked_of_others(tmp_path) == [
        "a.html: //a.org/x.css",
        "b.svg: <image href=https://a.org/z.png>",
    ]


def test_every_module_of_a_room_is_in_the_reference(site):
    assert tuple(site.ROOMS) == ROOMS
    for room in ROOMS[1:]:
        modules = {p.stem for p in (ROOT / "src/srgan_ab" / room).glob("*.py")} - {"__init__"}
        blocks = re.findall(rf"^::: srgan_ab\.{room}\.(\w+)$", site.reference(room), re.M)
        assert set(blocks) == modules and len(blocks) == len(modules)
    assert "::: srgan_ab.app.api\n" in site.reference("app")


def test_long_keys_may_break_where_the_screen_is_narrow(site):
    table = "<td><code>srgan.per_class</code></td><td><code>a.b c</code></td>"
    broken = table.replace("srgan.per_class", "srgan.<wbr>per_<wbr>class")
    assert site.on_page_content(table) == broken


def test_types_and_defaults_of_parameters_are_those_of_the_code(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    import parameters

    values = yaml.safe_load(DOCUMENTED.read_text(encoding="utf-8"))
    page = document("docs/parameters.md")
    assert parameters.written(page, values) == page, "run `python tools/parameters.py`"
    found = {key: (kind, value) for key, kind, value in parameters.rows(default_params())}
    assert found["srgan.ema"][0] == "number, from 0, below 1"
    assert found["srgan.degradation.jpeg"] == (
        "list, 2 of: whole number, 1 … 100; or `null`",
        "null",
    )
    assert found["data.source"][0].startswith("`synthetic`, `folder`")


@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_the_pictures_of_the_networks_are_those_of_the_code(name, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    import draw_networks

    drawn = getattr(draw_networks, name)()
    assert drawn == document(f"docs/{name}.svg"), "run `python tools/draw_networks.py`"


class TestMethod:
    """docs/method.md names what is in the code."""

    TEXT = document("docs/method.md")

    def test_every_term_of_the_generators_loss_has_its_weight_and_a_formula(self):
        params = Params.model_validate(default_params())
        part = section(self.TEXT, "### Of the generator, the second phase")
        for term in loss_weights(params.srgan):
            key = f"srgan.{term}"
            weight = key if isinstance(getattr(params.srgan, term), float) else f"{key}.weight"
            line = rf"^(?:loss =| +[+]) +{re.escape(weight)} +× {term}$"
            assert re.search(line, part, re.M), term
            assert re.search(rf"^\*\*{term}\*\*[,:]", part, re.M), term

    def test_every_kind_has_a_line_for_each_side(self):
        for kind in get_args(Adversarial.model_fields["loss"].annotation):
            assert len(re.findall(rf"^{kind} ", self.TEXT, re.M)) == 2
        for kind in losses.PIXEL_LOSSES:
            assert re.search(rf"^{kind} ", self.TEXT, re.M)

    def test_every_function_is_there(self):
        written = {
            name for name in re.findall(r"`([a-z]\w+_(?:loss|loss_floor|penalty))`", self.TEXT)
        }
        assert len(written) == 6
        assert [name for name in written if not hasattr(losses, name)] == []
        for path in re.findall(r"`((?:src|tools)/[\w/.]+)`", self.TEXT):
            assert (ROOT / path).is_file(), path


def said_by_the_code() -> str:
    """All texts of the package, of `tools`, and what `make` says."""
    texts = [document("Makefile")]
    for file in [*(ROOT / "src").rglob("*.py"), *(ROOT / "tools").glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return "\n".join(texts)


def test_every_message_of_the_troubleshooting_page_is_one_of_the_code():
    of_others = {  # each is said to be theirs
        *("Unable to read RWLock-file", "validation failed"),
        "EOFError: marshal data too short",
    }
    page = document("docs/troubleshooting.md")
    cells = re.findall(r"^\| (.*?) \|", page, re.M)
    messages = {m for cell in cells for m in re.findall(r"`([^`]+)`", cell)} - {"runtime"}
    assert len(messages) >= 30 and of_others < messages
    code = said_by_the_code()
    assert [message for message in messages - of_others if message not in code] == []


def test_every_source_and_every_weight_has_its_terms():
    page = document("docs/licences.md")
    sources = {name for row in rows(section(page, "## Images")) for name in row[0].split("`, `")}
    assert sources - {"data.source"} == set(get_args(Data.model_fields["source"].annotation))
    weights = rows(section(page, "## Weights"))
    assert set(weights[1][0].split("`, `")) == set(SHIPPED)
    assert "lpips" in get_args(Perceptual.model_fields["network"].annotation)
    assert sum("LPIPS" in row[0] for row in weights) == 2


def test_make_builds_it_in_an_environment_of_its_own(tmp_path):
    command = ["make", "-n", "-B", "docs"]
    said = subprocess.check_output(command, cwd=ROOT, encoding="utf-8")
    assert "--python .venv-docs/bin/python requirements-docs.txt" in said
    assert "mkdocs build --strict" in said
    assert " .venv " not in said and "requirements.txt" not in said
    ignored = document(".gitignore").splitlines()
    assert {"/site/", "/.venv-docs/"} <= set(ignored)
    assert re.search(r"^make lint\nmake docs$", document(".ci/run"), re.M)

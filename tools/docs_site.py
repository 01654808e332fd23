"""What `make docs` adds to mkdocs: files beside docs/, pages from docstrings, and no other host.

In docs/ a link to a file elsewhere in the project starts with `../`, as GitHub wants it. Those
files go along, below `repository/`, and the links lead there. `mkdocs.yml` names this module as its
hooks; mkdocs is imported in them alone, since `.venv` has none.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from os.path import normpath, relpath
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
PAGES = "docs/"
BESIDE = "repository/"  # where the site has what the project keeps beside docs/
FENCED = re.compile(r"(^```.*?^```)", re.M | re.S)
LINK = re.compile(r"\[([^\[\]]*)\]\(([^)#:\s]+)(#[^)\s]*)?\)")
OTHER_HOST = re.compile(r"\s*(?:https?:)?//", re.I)
IN_STYLE = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^"')\s]+)""", re.I)
KEY = re.compile(r"<td><code>[\w.]+</code>")
FETCHED = {"src", "srcset", "href", "data", "poster", "action", "formaction", "ping", "background"}
ROOMS = {
    "app": "Enlarging from Python",
    "srgan": "Generator, discriminator, losses and their training",
    "classifier": "Backbones, augmentation and training of the arms",
    "quality": "Image quality, realism and resizing",
    "statistics": "Scores, intervals, tests and the verdict",
    "data": "Sources, verification, duplicates and the split",
    "common": "Params, arms, files and the machine",
}


def in_site(path: str) -> str:
    """Where the site has a file of the project; both relative."""
    return path.removeprefix(PAGES) if path.startswith(PAGES) else BESIDE + path


def in_project(path: str) -> str:
    """The reverse."""
    return path.removeprefix(BESIDE) if path.startswith(BESIDE) else PAGES + path


def links(path: str, text: str) -> Iterator[str]:
    """Files of the project that a page of it links to."""
    for part in FENCED.split(text)[::2]:
        for match in LINK.finditer(part):
            target = _target(path, match[2])
            if (ROOT / target).is_file():
                yield target


def _target(path: str, link: str) -> str:
    return normpath(PurePosixPath(path).parent / link)


def for_site(path: str, text: str) -> str:
    """The text of a page with its links as the site has the files; links to folders are text.

    A link that leads nowhere stays as it is, and `mkdocs build --strict` refuses it.
    """
    here = PurePosixPath(in_site(path)).parent

    def replaced(match: re.Match[str]) -> str:
        said, link, anchor = match[1], match[2], match[3] or ""
        target = _target(path, link)
        if (ROOT / target).is_dir():
            return said
        if not (ROOT / target).is_file():
            return match[0]
        return f"[{said}]({relpath(in_site(target), here)}{anchor})"

    parts = FENCED.split(text)
    parts[::2] = [LINK.sub(replaced, part) for part in parts[::2]]
    return "".join(parts)


def beside() -> list[str]:
    """Files outside docs/ that its pages link to, and those that these link to in turn."""
    seen: set[str] = set()
    waiting = [page.relative_to(ROOT).as_posix() for page in (ROOT / PAGES).glob("*.md")]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            if path.endswith(".md"):
                waiting += links(path, (ROOT / path).read_text(encoding="utf-8"))
    return sorted(path for path in seen if not path.startswith(PAGES))


def reference(room: str) -> str:
    """The page of a room: every module of it, from its docstrings."""
    folder = ROOT / "src/srgan_ab" / room
    modules = ["api"] if room == "app" else sorted(file.stem for file in folder.glob("[!_]*.py"))
    blocks = [f"# {ROOMS[room]}", *(f"::: srgan_ab.{room}.{name}" for name in modules)]
    return "\n\n".join(blocks) + "\n"


class _Fetched(HTMLParser):
    """Addresses on other hosts that a browser would ask by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.in_style = False

    def handle_data(self, data: str) -> None:
        if self.in_style:
            self.found += IN_STYLE.findall(data)

    def handle_endtag(self, tag: str) -> None:
        self.in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_style = tag == "style"
        for name, value in attrs:
            if name in FETCHED and tag != "a":
                each = (value or "").split(",") if name == "srcset" else [value or ""]
                self.found += [f"<{tag} {name}={url.strip()}>" for url in each if _other(url)]
            elif name == "style":
                self.found += IN_STYLE.findall(value or "")


def _other(url: str) -> bool:
    return bool(OTHER_HOST.match(url))


def asked_of_others(site: Path) -> list[str]:
    """What pages, drawings and styles of a built site would fetch from another host."""
    found = []
    for file in sorted(site.rglob("*")):
        if file.suffix in (".html", ".svg"):
            parser = _Fetched()
            parser.feed(file.read_text(encoding="utf-8"))
            urls = parser.found
        elif file.suffix == ".css":
            urls = IN_STYLE.findall(file.read_text(encoding="utf-8"))
        else:
            continue
        found += [f"{file.relative_to(site).as_posix()}: {url}" for url in urls]
    return found


def on_files(files, config):
    """Add what is not in docs/."""
    from mkdocs.structure.files import File  # pyright: ignore[reportMissingImports]  # .venv-docs

    for path in beside():
        files.append(File.generated(config, in_site(path), abs_src_path=str(ROOT / path)))
    for room in ROOMS:
        files.append(File.generated(config, f"api/{room}.md", content=reference(room)))
    return files


def on_page_markdown(markdown, page, **_):
    """Let links lead to where the site has the files."""
    uri = page.file.src_uri
    return markdown if uri.startswith("api/") else for_site(in_project(uri), markdown)


def on_page_content(html, **_):
    """Let long keys in tables break after a dot or a low line, where the screen is narrow."""
    return KEY.sub(lambda match: re.sub(r"([._])(?=\w)", r"\1<wbr>", match[0]), html)


def on_post_build(config):
    """Refuse a site that would ask something of another host."""
    from mkdocs.exceptions import PluginError  # pyright: ignore[reportMissingImports]  # .venv-docs

    found = asked_of_others(Path(config.site_dir))
    if found:
        raise PluginError("the site would fetch from other hosts:\n" + "\n".join(found))

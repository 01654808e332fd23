"""The page of `srgan-ab demo`, drawn by Gradio, and the server that shows it to this machine."""

import importlib
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from srgan_ab.app import showing, tables
from srgan_ab.app.batch import explain
from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.common.runtime import Runtime

TITLE = "Pictures enlarged four times, and what classifiers take them for"
AS_IT_IS, REDUCED = "as it is", "made a quarter as large first, to compare with the original"
LARGEST_FILE = "64mb"
WAITING = 8  # computations in the queue; one runs
KEPT = 3600  # seconds that a picture stays on the disk while the page runs
HERE = ("127.0.0.1", "localhost")  # names of this machine; others would be a page's that got round
# what the browser may ask: this server, and nobody else
POLICY = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    b"style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:"
)
CSS = """
.scroll {overflow-x: auto} .scroll table {border-collapse: collapse; margin-bottom: 1.5em}
.scroll caption {text-align: left; font-weight: 600; padding: .3em 0}
.scroll td, .scroll th {padding: .2em .6em .2em 0; text-align: left; white-space: nowrap}
.scroll table {border: 0}
.scroll table :is(tr, td, th) {border: 0; border-bottom: 1px solid #8884}
.grid-wrap.grid-wrap {min-height: 0; max-height: none; padding-top: 2.2em}
@media (max-width: 640px) {
  .grid-container.grid-container {grid-template-columns: 1fr 1fr}
  .scroll table {font-size: .85em}
}
.failed {border-left: 4px solid #b00020; padding-left: .6em}
"""


class OnlyHere:
    """Tells the browser with every answer that it may ask no other server."""

    def __init__(self, app: Any):
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Add the policy to the headers of an answer."""

        async def with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], (b"content-security-policy", POLICY)]
                message = message | {"headers": headers}
            await send(message)

        await self.app(scope, receive, with_policy)


def built(folder: Path, runtime: Runtime, exact: Runtime) -> Any:
    """The page as an application that a server can run.

    Args:
        folder: for pictures, whose owner deletes it.
        runtime: where pictures are enlarged.
        exact: where they are classified, in fp32 as the pipeline does.
    """
    # read when gradio is imported: it tells nobody, and keeps pictures in this folder alone
    os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": str(folder)}
    gradio: Any = importlib.import_module("gradio")
    fastapi: Any = importlib.import_module("fastapi")
    hosts: Any = importlib.import_module("starlette.middleware.trustedhost")

    app = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(hosts.TrustedHostMiddleware, allowed_hosts=list(HERE))
    app.add_middleware(OnlyHere)

    @app.get("/report")
    def report() -> Any:
        if not _report().is_file():
            raise fastapi.HTTPException(404, f"{paths.PLOTS / 'report.html'} is missing")
        return fastapi.responses.FileResponse(_report())

    # only fonts that every system has: others would be fetched
    theme = gradio.themes.Base(
        font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
    )
    return gradio.mount_gradio_app(
        *(app, _blocks(gradio, folder, runtime, exact), "/"),
        theme=theme,
        css=CSS,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        show_error=False,
        max_file_size=LARGEST_FILE,
    )


def serve(app: Any, listener: socket.socket) -> None:
    """Answer until Ctrl-C."""
    uvicorn: Any = importlib.import_module("uvicorn")
    # as Ctrl-C does, so that the pictures are deleted
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # of every page that is open at the end it would show a traceback; what goes wrong in a
    # computation is printed by Gradio
    config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])


def _report() -> Path:
    return paths.PLOTS / "report.html"


def _blocks(gradio: Any, folder: Path, runtime: Runtime, exact: Runtime) -> Any:
    by = showing.Enlargers(runtime, showing.generators_here())
    samples: list[str] = []
    for name, image in showing.examples():
        samples.append(str(folder / f"{name}.png"))
        image.save(samples[-1])

    with gradio.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(KEPT, KEPT)) as blocks:
        gradio.Markdown(f"# {TITLE}")
        with gradio.Row():
            with gradio.Column():
                file = gradio.File(label="A picture", type="filepath", height=140)
                choice = gradio.Radio([AS_IT_IS, REDUCED], value=AS_IT_IS, label="Enlarge it")
            chosen = gradio.Gallery(
                [(path, Path(path).stem) for path in samples],
                label="Or one of these, which are rendered",
                elem_id="examples",
                columns=4,
                height="auto",
                allow_preview=False,
                interactive=False,
                buttons=[],
            )
        said = gradio.HTML(_sentence("No picture yet."))
        gradio.Markdown("## Two beside each other")
        with gradio.Row():
            left = gradio.Dropdown([], label="Left", interactive=True)
            right = gradio.Dropdown([], label="Right", interactive=True)
        border = gradio.Slider(0, 100, 50, step=1, label="Where they meet, in % of the width")
        pair = gradio.ImageSlider(
            label="The wheel zooms",
            interactive=False,
            type="filepath",
            format="png",
            max_height=700,
        )
        gradio.Markdown("## All of them")
        gallery = gradio.Gallery(
            label="Press one to see it alone",
            elem_id="versions",
            columns=3,
            height="auto",
            object_fit="contain",
            format="png",
            interactive=False,
            buttons=["fullscreen", "download"],
        )
        gradio.Markdown("## What A and B take the whole picture for")
        verdict = gradio.HTML()
        gradio.Markdown("## The run in this folder")
        run = gradio.HTML()

        bar = gradio.Progress()  # as a default: Gradio puts one of each computation in its place

        def compute(path: str | None, way: str, one: str, other: str, progress: Any = bar):
            """Everything that the page shows of a picture, in the order of `outputs`."""
            nothing = [[], gradio.skip(), gradio.skip(), None]  # what was chosen stays
            if not path:
                return [_sentence("No picture yet."), *nothing, ""]
            name = Path(path).name
            try:
                data = Path(path).read_bytes()
                steps = iter(range(len(by.files)))

                def tell(called: str) -> None:
                    progress((next(steps), len(by.files)), desc=called)

                made = showing.enlarged_versions(data, name, way == REDUCED, by, tell)
            except Exception as error:
                return [_sentence(explain(error, name), failed=True), *nothing, ""]
            shown = made.pictures
            one = one if one in shown else "bicubic"
            other = other if other in shown else next(iter(by.files), showing.LR)
            size = "{}×{}".format(*shown[one].size)
            return [
                _sentence(" ".join([*made.notes, f"{name}: enlarged to {size} pixels."])),
                [(image, called) for called, image in shown.items()],
                gradio.Dropdown(list(shown), value=one),
                gradio.Dropdown(list(shown), value=other),
                (shown[one], shown[other]),
                _verdicts(data, name, exact),
            ]

        def compare(pictures: list[tuple[str, str]] | None, one: str, other: str):
            found = {called: path for path, called in pictures or []}
            return (found[one], found[other]) if {one, other} <= set(found) else None

        def choose(event: gradio.SelectData) -> str:  # pyright: ignore[reportInvalidTypeForm]
            return samples[event.index]

        # Gradio loses the answer to an event that is queued just when another's stream ends: only
        # computations are queued, of which the page never sends two at a time
        private = {"api_visibility": "private"}
        once = private | {"queue": False}
        last = {"trigger_mode": "always_last"}  # what is chosen meanwhile counts
        alone = private | last | {"concurrency_limit": 1, "concurrency_id": "networks"}
        alone |= {"show_progress_on": said}  # one bar, not one on every output
        outputs = [said, gallery, left, right, pair, verdict]
        blocks.load(_run, None, run, **once)
        chosen.select(choose, None, file, **once)
        gradio.on(
            [file.change, choice.input], compute, [file, choice, left, right], outputs, **alone
        )
        gradio.on([left.input, right.input], compare, [gallery, left, right], pair, **once, **last)
        border.input(
            lambda share: gradio.ImageSlider(slider_position=share),
            *(border, pair),
            show_progress="hidden",
            **once,
            **last,
        )
    return blocks.queue(max_size=WAITING, api_open=False)


def _sentence(text: str, failed: bool = False) -> str:
    role = 'role="alert" class="failed"' if failed else 'role="status"'
    return f"<p {role}>{escape(text)}</p>"


def _verdicts(data: bytes, name: str, runtime: Runtime) -> str:
    try:
        rows = showing.resolutions(data, name, runtime)
    except (UserError, OSError) as error:
        return _sentence(explain(error, name), failed=True)
    if not rows:
        return _sentence("There are no classifiers in models/ of this folder: run `dvc repro`.")
    return _tables({"Class and probability, of the picture made so many pixels small": rows})


def _tables(rows: Mapping[str, Sequence[tables.Row]]) -> str:
    """Tables by their titles; where they are too wide, arrow keys move them."""
    return "".join(
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}">'
        f"{tables.html(of, title)}</div>"
        for title, of in rows.items()
    )


def _run() -> str:
    try:
        numbers = showing.numbers_of_the_run()
    except UserError as error:
        return _sentence(str(error), failed=True)
    shown = _tables(numbers)
    if _report().is_file():
        shown += '<p><a href="/report" target="_blank">The report of the run</a></p>'
    return shown or _sentence("No run has finished in this folder.")

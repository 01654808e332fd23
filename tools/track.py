"""Show the curves and pictures of a run in TensorBoard or MLflow, while it trains.

    python tools/track.py tensorboard
    python tools/track.py mlflow
    python tools/track.py mlflow --once        # what is there already, and no waiting

Stages write their curves to plots/*.csv after every epoch; this follows those files into tracking/,
so that no stage has to know who is looking. A file that starts anew, or whose earlier rows change,
as those of a classifier do with its second network, is a run of its own. Needs the extra `track`;
docs/study.md says how to look at the result.
"""

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
import pandas as pd
import typer
from PIL import Image

PLOTS, TRACKING = Path("plots"), Path("tracking")
PAUSE = 2.0  # seconds between two looks


class Tracker(NamedTuple):
    """Where curves go.

    Attributes:
        scalars: takes a run's name, an epoch, and its values by name.
        picture: takes a picture's name and its file.
    """

    scalars: Callable[[str, int, dict[str, float]], object]
    picture: Callable[[str, Path], object]


def tensorboard(folder: Path) -> Tracker:
    """Event files, a folder each time that this tool is started, and in it one each training."""
    from torch.utils.tensorboard import SummaryWriter

    started = time.strftime("%Y-%m-%d-%H%M%S")

    @cache
    def writer(run: str) -> SummaryWriter:
        return SummaryWriter(str(folder / started / run))

    def scalars(run: str, epoch: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            writer(run).add_scalar(name, value, epoch)
        writer(run).flush()

    def picture(name: str, path: Path) -> None:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        writer("pictures").add_image(name, pixels, dataformats="HWC")
        writer("pictures").flush()

    return Tracker(scalars, picture)


def mlflow(folder: Path) -> Tracker:
    """An experiment, a run each training: where MLFLOW_TRACKING_URI says, else in a database."""
    from mlflow import MlflowClient  # pyright: ignore[reportMissingImports]

    folder.mkdir(exist_ok=True)
    address = os.environ.get("MLFLOW_TRACKING_URI")
    client = MlflowClient(address or f"sqlite:///{folder}/mlflow.db")
    known = client.get_experiment_by_name("srgan-ab")
    place = None if address else (folder / "artifacts").absolute().as_uri()
    experiment = known.experiment_id if known else client.create_experiment("srgan-ab", place)

    @cache
    def identity(run: str) -> str:
        return client.create_run(experiment, run_name=run).info.run_id

    def scalars(run: str, epoch: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            client.log_metric(identity(run), name, value, step=epoch)

    def picture(name: str, path: Path) -> None:
        client.log_artifact(identity("pictures"), str(path))

    return Tracker(scalars, picture)


class Follower:
    """What of plots/ was passed on: each row and each new picture goes once."""

    def __init__(self, tracker: Tracker):
        self.tracker = tracker
        self.rows: dict[str, list[dict[str, float]]] = {}
        self.runs: dict[str, int] = {}
        self.changed: dict[Path, int] = {}

    def look(self) -> None:
        """Pass on what is new since the last look."""
        for path in sorted(PLOTS.glob("[!.]*")):  # what is hidden is being written
            with suppress(FileNotFoundError):  # a stage that starts anew, and its files are gone
                if path.suffix == ".csv":
                    self._curve(path)
                elif path.suffix == ".png":
                    self._picture(path)

    def _picture(self, path: Path) -> None:
        changed = path.stat().st_mtime_ns
        if self.changed.get(path) != changed:
            self.tracker.picture(path.stem, path)
            self.changed[path] = changed

    def _curve(self, path: Path) -> None:
        name, table = path.stem, pd.read_csv(path)
        if "epoch" not in table:
            return
        rows = [dict(row.dropna()) for _, row in table.iterrows()]
        seen = self.rows.get(name, [])
        if rows[: len(seen)] != seen or name not in self.runs:
            self.runs[name], seen = self.runs.get(name, 0) + 1, []
        run = name if self.runs[name] == 1 else f"{name}-{self.runs[name]}"
        for row in rows[len(seen) :]:
            values = {key: value for key, value in row.items() if key != "epoch"}
            self.tracker.scalars(run, int(row["epoch"]), values)
        self.rows[name] = rows


def main(
    to: Annotated[Literal["tensorboard", "mlflow"], typer.Argument(help="where curves go")],
    once: Annotated[bool, typer.Option("--once", help="pass on what is there, and end")] = False,
) -> None:
    """Follow the curves of the project in this folder, until Ctrl-C."""
    if not PLOTS.is_dir():
        sys.exit(f"track: there is no folder {PLOTS} here: run it in the project's folder")
    try:
        follower = Follower({"tensorboard": tensorboard, "mlflow": mlflow}[to](TRACKING))
    except ModuleNotFoundError as error:
        mend = "uv pip install --constraint requirements.txt --editable '.[track]'"
        sys.exit(f"track: {error.name} is not installed: {mend}")
    print(f"track: from {PLOTS}/ to {TRACKING}/", flush=True)
    try:
        follower.look()
        while not once:
            time.sleep(PAUSE)
            follower.look()
    except KeyboardInterrupt:
        print("track: ended")


if __name__ == "__main__":
    typer.run(main)

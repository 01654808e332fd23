"""Seconds per image and memory of the stages that handle every image, as images grow in number.

    python benchmarks/load.py 1000 10000 100000
    python benchmarks/load.py 100000 --side 160 --hr 128    # as large as the photographs

Makes folders of small JPEG files and runs `STAGES` on each, as their scripts, in a folder of its
own. Generators are of 1 block and 8 maps, trained for one epoch of each phase in batches of 64;
classifiers are `small_cnn`, trained for one epoch in batches of 256, A and B alone.
Memory is the most that all processes of a stage held at once beside mapped files, which the system
may drop (RssAnon of /proc, looked at ten times a second).
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
import yaml
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
CROP = 32  # pixels of the generators' crops
STAGES = (
    *("download", "split", "downscale", "train_a", "train_srgan", "generate_sr", "train_b"),
    "evaluate",
)
SETTINGS = {
    "data": {"source": "folder", "path": "photos", "per_class": None},
    "classifier": {"epochs": 1, "batch_size": 256},
    "controls": dict.fromkeys(("b_plus", "c", "c_plus", "r", "p", "t"), False),
    "srgan": {"crop": CROP, "batch_size": 64, "snapshots": []},
}
NETWORKS = {
    "generator": {"blocks": 1, "channels": 8},
    "discriminator": {"channels": 4},
    "pretraining": {"epochs": 1},
    "adversarial": {"epochs": 1},
}


def make_photos(folder: Path, number: int, side: int) -> None:
    """Write so many different JPEG files of smooth colours into two class folders."""
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
    for n in range(number):
        coarse = Image.fromarray(random.integers(0, 256, (16, 16, 3), np.uint8))
        image = coarse.resize((side, side), Image.Resampling.BICUBIC)
        image.save(folder / ("cat", "dog")[n % 2] / f"{n}.jpg", quality=90)


def held(process: int) -> int:
    """Kilobytes that a process and its descendants hold beside mapped files."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        own = next((int(x.split()[1]) for x in lines if x.startswith("RssAnon")), 0)
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:  # it has just ended
        return 0
    return own + sum(held(int(child)) for child in children)


def run(stage: str, place: Path) -> tuple[float, float]:
    """Seconds and megabytes of one stage."""
    started, most = time.perf_counter(), 0
    command = [sys.executable, f"stages/{stage}.py"]
    with (place / f"{stage}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=place, stdout=log, stderr=log)
        while process.poll() is None:
            most = max(most, held(process.pid))
            time.sleep(0.1)
    if process.returncode:
        sys.exit((place / f"{stage}.log").read_text())
    return time.perf_counter() - started, most / 1024


def main(
    numbers: Annotated[list[int], typer.Argument(help="of images")],
    scratch: Annotated[Path | None, typer.Option(help="where folders are made")] = None,
    last: Annotated[str, typer.Option(help="stage to stop after")] = STAGES[-1],
    side: Annotated[int, typer.Option(help="pixels of the files")] = 48,
    hr: Annotated[int, typer.Option(help="pixels of HR images, at least 32")] = 32,
) -> None:
    """Print a table in Markdown."""
    print("| images | stage | seconds | ms an image | memory, MB |\n|---|---|---|---|---|")
    for number in numbers:
        with tempfile.TemporaryDirectory(dir=scratch) as name:
            place = Path(name)
            for part in ("src", "stages"):
                shutil.copytree(ROOT / part, place / part)
            shutil.copy(ROOT / "dvc.yaml", place)
            # not the user's, so that the numbers compare
            params = yaml.safe_load((ROOT / "tests/params.yaml").read_text(encoding="utf-8"))
            for section, values in SETTINGS.items():
                params[section] |= values
            for part, values in NETWORKS.items():
                params["srgan"][part] |= values
            params["images"]["hr"] = hr
            (place / "params.yaml").write_text(yaml.safe_dump(params))
            for file in ("inputs/download.json", "inputs/train_srgan.json", "data/checked"):
                (place / file).parent.mkdir(exist_ok=True)
                (place / file).touch()
            for left_out in ("perceptual", "task", "b_plus", "c", "c_plus", "r", "p", "t"):
                (place / "models" / left_out).mkdir(parents=True)
            make_photos(place / "photos", number, side)
            for stage in STAGES[: STAGES.index(last) + 1]:
                seconds, megabytes = run(stage, place)
                each = 1000 * seconds / number
                print(f"| {number:,} | `{stage}` | {seconds:.0f} | {each:.2f} | {megabytes:,.0f} |")


if __name__ == "__main__":
    typer.run(main)

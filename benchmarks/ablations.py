"""The SRGAN with one thing changed at a time: DVC experiments, and what each generator is worth.

    python benchmarks/ablations.py run              # every variant that has no result yet
    python benchmarks/ablations.py run crop_96 r1_r2 --seed 8  # these, trained by another seed
    python benchmarks/ablations.py table            # the results as Markdown

It starts from the params.yaml and the data of the workspace, preset `photos` for docs/ablations.md.
A GAN buys perceptual quality with PSNR, so variants are compared at one PSNR: weights between
SRResNet's and SRGAN's (Wang et al. 2018, arXiv 1809.00219, section 3.4) give every PSNR between
theirs. Results go to ablations/<variant>.json, those of a seed to <variant>.seed<n>.json.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer
from lattice import lattice
from variants import LONG, REFERENCE, VARIANTS

from srgan_ab.accelerate.networks import accelerate
from srgan_ab.accelerate.normalization import fold_normalization
from srgan_ab.common import paths
from srgan_ab.common.files import atomic_file, write_metrics
from srgan_ab.common.packs import open_pack
from srgan_ab.common.params import load
from srgan_ab.common.runtime import Runtime, prepare
from srgan_ab.common.tensors import as_float
from srgan_ab.common.weights import load_weights, read_weights
from srgan_ab.quality.image_quality import load_lpips, lr_psnr, measure
from srgan_ab.quality.realism import realism
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.perceptual import PerceptualLoss
from srgan_ab.srgan.upscaling import upscale

RESULTS = Path("ablations")
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of SRGAN's weights; the rest is SRResNet's

app = typer.Typer(add_completion=False, help=__doc__, rich_markup_mode=None)


def between(share: float, device: torch.device) -> Generator:
    """The generator whose weights lie between SRResNet's (0) and SRGAN's (1)."""
    (first, architecture), (last, _) = (read_weights(p) for p in (paths.SRRESNET, paths.GENERATOR))
    generator = Generator(**architecture)
    state = {k: torch.lerp(first[k].float(), last[k].float(), share) for k in first}
    load_weights(generator, state, str(paths.GENERATOR))
    fold_normalization(generator.eval())
    return accelerate(generator, device)


@torch.no_grad()
def distance(judge: PerceptualLoss, sr: np.ndarray, hr: np.ndarray, runtime: Runtime) -> float:
    """Mean distance of the features of (N, H, W, 3) uint8 images."""
    values = []
    for start in range(0, len(hr), 50):
        pair = (torch.from_numpy(np.array(x[start : start + 50])) for x in (sr, hr))
        values.append(judge(*(as_float(x.to(runtime.device)) for x in pair)).item())
    return float(np.mean(values))


def told(generator: Generator, sr: np.ndarray, runtime: Runtime) -> float:
    """`realism` on validation, by a judge trained on half of the training images."""
    train, val = (open_pack(split) for split in ("train", "val"))
    lr, hr = train.lr[::2], train.hr[::2]
    enlarged = np.empty_like(hr)
    upscale(generator, lr, enlarged, runtime)
    return realism((enlarged, hr), [(sr, val.hr)], 0, runtime.device)[0]


def assess(settings) -> dict:
    """Quality on validation of the generators in models/srgan, and of those between them."""
    runtime, val = prepare(settings.runtime, 0), open_pack("val")
    lpips = load_lpips(paths.pretrained("lpips"), runtime.device)
    judges = {
        name: PerceptualLoss(network, layer, paths.pretrained(place) / "weights.safetensors")
        for name, network, layer, place in (
            ("vgg19_conv3_1", "vgg19", "conv3_1", "perceptual"),
            ("mobilenet_v2", "mobilenet_v2", "features.6", "classifier"),
        )
    }
    rows = []
    for share in SHARES:
        sr = np.empty_like(val.hr)
        generator = between(share, runtime.device)
        upscale(generator, val.lr, sr, runtime)
        row = {"share": share, **measure(sr, val.hr, lpips, runtime.device, val.scale)}
        row["lr_psnr"] = lr_psnr(sr, val.lr, runtime.device)
        row |= {name: distance(judge, sr, val.hr, runtime) for name, judge in judges.items()}
        row["lattice"] = lattice(sr)
        if share in (0.0, 1.0):  # a judge of its own for each takes a while
            row["realism"] = told(generator, sr, runtime)
        rows.append(row)
    provenance = json.loads((paths.PROVENANCE / "train_srgan.json").read_text())
    return {
        "seconds": provenance["seconds"],
        "training": json.loads((paths.METRICS / "train_srgan.json").read_text()),
        "history": pd.read_csv(paths.PLOTS / "srgan.csv").to_dict("list"),
        "line": rows,
    }


@app.command()
def run(
    names: Annotated[list[str] | None, typer.Argument(help="Variants; none = all.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="srgan.seed; none = that of params.yaml.")
    ] = None,
) -> None:
    """Train variants as DVC experiments of their names, and assess what they leave."""
    known = VARIANTS | LONG
    unknown = sorted(set(names or ()) - known.keys())
    if unknown:
        sys.exit(f"ablations: there is no {unknown[0]}: choose from {' '.join(known)}")
    params = paths.PARAMS.read_text(encoding="utf-8")
    try:
        for name in names or known:
            changes = (
                REFERENCE | known[name] | {"srgan.seed": "null" if seed is None else str(seed)}
            )
            label = name if seed is None else f"{name}.seed{seed}"
            result = RESULTS / f"{label}.json"
            if not result.exists():
                restore(params)  # an experiment leaves its own in the workspace
                train(label.replace(".", "-"), changes)
                write_metrics(result, {"changes": changes, **assess(load(paths.PARAMS))})
    finally:
        restore(params)


def restore(params: str) -> None:
    """Write the text of params.yaml."""
    with atomic_file(paths.PARAMS) as temporary:
        temporary.write_text(params, encoding="utf-8")


def train(name: str, changes: dict[str, str]) -> None:
    """Run `train_srgan` as a DVC experiment, in the workspace."""
    dvc = [sys.executable, "-m", "dvc", "exp"]
    flags = [part for key, value in changes.items() for part in ("-S", f"{key}={value}")]
    # one of this name, left by a run that was stopped; `--force` would run all stages again
    subprocess.run([*dvc, "remove", "--quiet", name], check=False, stderr=subprocess.DEVNULL)
    command = [*dvc, "run", "--name", name, *flags, "train_srgan"]
    if subprocess.run(command, check=False).returncode:
        sys.exit(f"ablations: {name} failed, see above; `run` again goes on with it")


def at_psnr(line: pd.DataFrame, psnr: float, column: str) -> float:
    """A column where the line from SRResNet to SRGAN has a PSNR; NaN where it does not."""
    line = line.sort_values("psnr_rgb")
    return float(np.interp(psnr, line["psnr_rgb"], line[column], left=np.nan, right=np.nan))


DIGITS = {
    "minutes": 1,
    "SRResNet PSNR": 2,
    "epoch": 0,
    "PSNR": 2,
    "LPIPS": 4,
    "VGG19": 3,
    "MobileNetV2": 3,
    "lattice": 1,
    "LR consistency": 1,
    "realism": 3,
    "D right": 2,
}
JUDGED = {
    "LPIPS": "lpips",
    "VGG19": "vgg19_conv3_1",
    "MobileNetV2": "mobilenet_v2",
    "lattice": "lattice",
    "LR consistency": "lr_psnr",
}


def reached(result: dict) -> dict[str, float]:
    """What the generators of one training are worth."""
    line = pd.DataFrame(result["line"])
    first, last = line.iloc[0], line.iloc[-1]
    return {
        "minutes": result["seconds"] / 60,
        "SRResNet PSNR": first["psnr_rgb"],
        "epoch": result["training"]["epoch"],
        "PSNR": last["psnr_rgb"],
        **{label: last[column] for label, column in JUDGED.items()},
        "realism": last["realism"],
        "D right": result["training"]["d_accuracy_val"],
    }


def at_one(psnr: float, result: dict) -> dict[str, float]:
    """What is judged, where the line from SRResNet to SRGAN has this PSNR."""
    line = pd.DataFrame(result["line"])
    return {label: at_psnr(line, psnr, column) for label, column in JUDGED.items()}


def mean_and_range(values: pd.Series) -> str:
    """A number, or the mean of several seeds and their range."""
    numbers = (values.mean(), values.min(), values.max())
    mean, least, greatest = (f"{number:.{DIGITS[values.name]}f}" for number in numbers)
    return mean if len(values) == 1 else f"{mean} ({least} to {greatest})"


def print_variants(title: str, summarise: Callable[[dict], dict[str, float]]) -> None:
    """A row per variant; seeds without numbers are left out."""
    rows = []
    for name in VARIANTS:
        found = [json.loads(path.read_text()) for path in sorted(RESULTS.glob(f"{name}.*json"))]
        seeds = pd.DataFrame([summarise(result) for result in found]).dropna()
        if len(seeds):
            rows.append({"variant": f"`{name}`", "seeds": len(seeds), **seeds.agg(mean_and_range)})
    print(f"{title}\n\n{pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)}\n")


@app.command()
def table(
    psnr: Annotated[float, typer.Option(help="dB, RGB, at which variants are compared.")] = 26.0,
) -> None:
    """Print the results as Markdown; several seeds as their mean and range."""
    print_variants("What was reached", reached)
    print_variants(f"At {psnr} dB", partial(at_one, psnr))
    for name, changes in LONG.items():
        if (RESULTS / f"{name}.json").exists():
            history = pd.DataFrame(json.loads((RESULTS / f"{name}.json").read_text())["history"])
            columns = ["epoch", "loss_d", "d_real", "d_fake", "d_accuracy_train"]
            columns += ["d_accuracy_val", "val_psnr_rgb", "val_ssim_y", "val_lpips"]
            rows = history[history["epoch"].isin(json.loads(changes["srgan.snapshots"]))]
            print(f"`{name}`\n")
            print(
                rows[columns].to_markdown(
                    index=False, floatfmt=(".0f", *[".3f"] * (len(columns) - 1))
                )
            )


if __name__ == "__main__":
    app()

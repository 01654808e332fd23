"""Both phases of SRGAN on the packs: what is trained, watched, chosen and kept."""

import copy
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_directory, atomic_file, write_metrics
from srgan_ab.common.packs import Pack, open_pack
from srgan_ab.common.pictures import contact_sheet, save_png
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.weights import save_weights
from srgan_ab.srgan.crops import as_float
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.perceptual import PerceptualLoss
from srgan_ab.srgan.training import held_out_accuracy, pretrain, train_adversarial
from srgan_ab.srgan.upscaling import upscale

Measure = Callable[[np.ndarray, np.ndarray], dict[str, float | None]]
SHOWN = 6  # validation images in the snapshots
WON = (0.99, 5)  # discriminator accuracy above this for so many epochs: it has won


def _on_device(images: np.ndarray, runtime: Runtime) -> torch.Tensor:
    """uint8 images, on a GPU all of them at once: 25,000 of 128 pixels are 1.2 GB."""
    if runtime.device.type == "cpu":
        return torch.from_numpy(np.asarray(images))
    return torch.from_numpy(np.array(images)).to(runtime.device)


def _enlarge(generator: Generator, pack: Pack, runtime: Runtime) -> np.ndarray:
    sr = np.empty_like(pack.hr)
    upscale(generator, pack.lr, sr, runtime)
    return sr


def _write_history(name: str, history: list[dict]) -> None:
    with atomic_file(paths.PLOTS / f"{name}.csv") as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False, float_format="%.6g")


def _prefixed(prefix: str, values: dict) -> dict:
    return {f"{prefix}_{key}": value for key, value in values.items()}


def _perceptual(settings, runtime: Runtime) -> PerceptualLoss | None:
    if settings.perceptual.weight == 0:
        return None
    weights = paths.pretrained("perceptual") / "weights.safetensors"
    if not weights.exists():
        raise UserError(
            "srgan.perceptual.weight is above 0, but there are no VGG19 weights: set "
            "pretrained.perceptual to imagenet or a .safetensors file, or the weight to 0"
        )
    loss = PerceptualLoss(settings.perceptual.layer, weights)
    return loss.to(runtime.device, memory_format=torch.channels_last)


class _Choice:
    """Keeps the weights of the epoch that `srgan.select` asks for."""

    def __init__(self, select: str):
        self.select, self.best, self.epoch, self.state = select, None, 0, {}

    def offer(self, epoch: int, generator: Generator, quality: dict) -> None:
        if self.select == "last":
            value = float(epoch)
        elif self.select == "psnr":
            value = quality["psnr_rgb"]
        elif quality["lpips"] is None:
            raise UserError("srgan.select is lpips, which needs pretrained.lpips: set it, or psnr")
        else:
            value = -quality["lpips"]
        if self.best is None or value > self.best:
            self.best, self.epoch = value, epoch
            self.state = copy.deepcopy(generator.state_dict())


def _warn_if_won(history: list[dict]) -> None:
    accuracy, epochs = WON
    recent = [row["d_accuracy"] for row in history[-epochs:]]
    if len(recent) == epochs and min(recent) > accuracy:
        tqdm.write(
            f"the discriminator has been right more than {accuracy:.0%} of the time for {epochs} "
            "epochs: it has won, and its gradient says little; lower its learning rate or raise "
            "srgan.adversarial.label_smoothing"
        )


def train(settings, seed: int, runtime: Runtime, measure: Measure) -> None:
    """Pre-train, train adversarially, and write `models/srgan`, curves, pictures and metrics.

    Args:
        settings: `params.srgan`.
        seed: of every draw.
        runtime: device and precision.
        measure: image quality of (sr, hr), two uint8 arrays (N, H, W, 3).

    Raises:
        UserError: weights that the settings ask for are not there, or a loss is not finite.
    """
    train_pack, val = open_pack("train"), open_pack("val")
    lr, hr = _on_device(train_pack.lr, runtime), _on_device(train_pack.hr, runtime)
    perceptual = _perceptual(settings, runtime)
    architecture = settings.generator.model_dump()
    generator = Generator(**architecture)
    generator.to(runtime.device, memory_format=torch.channels_last)

    history: list[dict] = []
    for row, averaged in pretrain(generator, lr, hr, settings, runtime, seed):
        sr = _enlarge(averaged, val, runtime)
        srresnet_quality = measure(sr, val.hr)
        history.append(row | _prefixed("val", srresnet_quality))
        _write_history("srresnet", history)
    srresnet = copy.deepcopy(averaged)

    # the adversarial phase goes on from the averaged weights, the better of the two
    generator.load_state_dict(srresnet.state_dict())
    discriminator = Discriminator(**settings.discriminator.model_dump())
    discriminator.to(runtime.device, memory_format=torch.channels_last)
    shown = np.linspace(0, len(val) - 1, min(SHOWN, len(val))).astype(int)
    columns = {"LR": val.lr[shown], "SRResNet": sr[shown]}
    held_out = as_float(_on_device(val.hr[:256], runtime))
    choice = _Choice(settings.select)
    history = []
    for row, averaged in train_adversarial(
        generator, discriminator, perceptual, lr, hr, settings, runtime, seed + 1
    ):
        sr = _enlarge(averaged, val, runtime)
        quality = measure(sr, val.hr)
        fooled = as_float(_on_device(sr[:256], runtime))
        row["d_accuracy_val"] = held_out_accuracy(discriminator, held_out, fooled, runtime)
        history.append(row | _prefixed("val", quality))
        _write_history("srgan", history)
        _warn_if_won(history)
        choice.offer(row["epoch"], averaged, quality)
        if row["epoch"] in settings.snapshots:
            columns[f"epoch {row['epoch']}"] = sr[shown]
    columns["HR"] = val.hr[shown]

    raw = generator.eval()
    raw_quality = measure(_enlarge(raw, val, runtime), val.hr)
    averaged.load_state_dict(choice.state)
    with atomic_directory(paths.GENERATOR.parent) as directory:
        save_weights(directory / paths.GENERATOR.name, averaged, architecture)
        save_weights(directory / paths.SRRESNET.name, srresnet, architecture)
        save_weights(
            directory / paths.DISCRIMINATOR.name,
            discriminator,
            settings.discriminator.model_dump(),
        )
    rows = [[images[i] for images in columns.values()] for i in range(len(shown))]
    save_png(contact_sheet(rows, list(columns)), paths.PLOTS / "snapshots.png")

    last = history[-1]
    chosen = {
        k.removeprefix("val_"): v for k, v in history[choice.epoch - 1].items() if "val_" in k
    }
    write_metrics(
        paths.METRICS / "train_srgan.json",
        {
            "generator_parameters": sum(p.numel() for p in srresnet.parameters()),
            "discriminator_parameters": sum(p.numel() for p in discriminator.parameters()),
            "n_train": len(train_pack),
            "n_val": len(val),
            "epoch": choice.epoch,
            **_prefixed("srresnet_val", srresnet_quality),
            **_prefixed("srgan_val", chosen),
            **_prefixed("srgan_without_ema_val", raw_quality),
            **{k: last[k] for k in ("d_real", "d_fake", "d_accuracy", "d_accuracy_val")},
        },
    )

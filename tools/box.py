"""Put a generator that the pipeline has trained among those that come with the project.

    python tools/box.py photo models/srgan/generator.safetensors

The weights go to src/srgan_ab/generators/NAME.safetensors in half precision, with what it takes to
build the network. NAME.seen.txt.xz lists the pictures that the generator was trained on or chosen
by: those of training and validation in data/split.csv, and what the generator had seen that its own
training started from. NAME.md, a card that says what the generator is, is written by hand.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from srgan_ab.common import paths  # noqa: E402
from srgan_ab.common.errors import UserError, sentence  # noqa: E402
from srgan_ab.common.files import read_csv, read_metrics  # noqa: E402
from srgan_ab.common.shipped import DIRECTORY, SHIPPED, seen_list, write_seen  # noqa: E402

LARGEST = 4_000_000  # bytes of weights


def pictures_seen(weights: Path) -> set[str]:
    """SHA-256s of the pixels of the pictures behind a generator of some workspace.

    Args:
        weights: `models/<stage>/<name>.safetensors` in the workspace that has trained it.

    Raises:
        UserError: the workspace lacks its split, or nothing says what is behind the generator.
    """
    workspace = weights.resolve().parents[2]
    split = read_csv(workspace / paths.SPLIT, {"split": str, "pixel_sha256": str})
    seen = set(split["pixel_sha256"][split["split"].isin(["train", "val"])])
    if (workspace / paths.INITIAL).exists():
        initial = read_metrics(workspace / paths.INITIAL, "generator", "seen")
        if initial["seen"] is None:
            raise UserError(
                f"{weights} was trained from {initial['generator']}, and nothing says which "
                "pictures that has seen: train it from weights with a list of them"
            )
        seen |= set(initial["seen"])
    return seen


def box(name: str, weights: Path, target: Path = DIRECTORY) -> Path:
    """Write `NAME.safetensors` and `NAME.seen.txt.xz`; return the former.

    Raises:
        UserError: the weights are no generator, too large, or beyond half precision; or what
            `pictures_seen` says.
    """
    from srgan_ab.common.weights import load_network, read_weights, save_weights
    from srgan_ab.srgan.generator import Generator

    generator = load_network(weights, "generator", Generator).half()
    if not all(tensor.isfinite().all() for tensor in generator.state_dict().values()):
        raise UserError(f"{weights} has numbers beyond half precision: train it otherwise")
    size = sum(tensor.nbytes for tensor in generator.state_dict().values())
    if size > LARGEST:
        raise UserError(
            f"{weights} takes {size:,} bytes in half precision, and the project brings at most "
            f"{LARGEST:,}: train fewer blocks or channels"
        )
    seen = pictures_seen(weights)
    path = target / f"{name}.safetensors"
    _, architecture = read_weights(weights)
    save_weights(path, generator, architecture, "generator")
    write_seen(seen_list(path), seen)
    return path


def main() -> None:
    """Take the arguments, with a mistake of the user's as one sentence."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=SHIPPED)
    parser.add_argument("weights", type=Path, help="of a generator, in its workspace")
    arguments = parser.parse_args()
    try:
        path = box(arguments.name, arguments.weights)
    except Exception as error:
        if explained := sentence(error):
            sys.exit(f"box: {explained}")
        raise
    print(f"{path}: {path.stat().st_size:,} bytes; its card is {path.with_suffix('.md')}")


if __name__ == "__main__":
    main()

"""What the training of a generator starts from: another one's weights, and what that has seen."""

from dataclasses import dataclass

from torch import Tensor

from srgan_ab.common.errors import UserError
from srgan_ab.common.schema import GeneratorParams
from srgan_ab.common.shipped import NONE, read_seen, seen_list, weights_of
from srgan_ab.common.weights import read_network


@dataclass(frozen=True)
class Initial:
    """A trained generator.

    Attributes:
        name: as `srgan.generator.initial` gives it.
        state: its weights.
        seen: SHA-256s of the pixels of the pictures that it has seen; None where nothing says so.
    """

    name: str
    state: dict[str, Tensor]
    seen: list[str] | None

    def told(self) -> dict[str, str | list[str] | None]:
        """What `models/srgan/initial.json` says of it."""
        return {"generator": self.name, "seen": self.seen}


def read_initial(settings: GeneratorParams, scale: int) -> Initial | None:
    """Read what `srgan.generator.initial` names; None for none.

    Args:
        settings: `params.srgan.generator`.
        scale: `params.images.scale`.

    Raises:
        UserError: it is not there, damaged or no generator, or its architecture is another than
            the other keys of `srgan.generator` and `images.scale` ask for.
    """
    name = settings.initial
    if name == NONE:
        return None
    try:
        path = weights_of(name)
        state, found = read_network(path, "generator")
        seen = read_seen(seen_list(path))
    except UserError as error:
        raise UserError(f"srgan.generator.initial: {error}") from None
    found = {"scale": 4} | found  # which files did not say while there was no other
    differing = [
        f"{key} {found.get(key, 'unsaid')} where {_place(key)} is {wanted}"
        for key, wanted in settings.architecture(scale).items()
        if found.get(key) != wanted
    ]
    if differing:
        raise UserError(
            f"srgan.generator.initial {name} has {' and '.join(differing)}: set params.yaml to "
            "what the file has, or name other weights, or none"
        )
    return Initial(name, state, seen)


def _place(key: str) -> str:
    """Where params.yaml has an argument of the generator."""
    return "images.scale" if key == "scale" else f"srgan.generator.{key}"

"""Whether SRGAN's two networks are a match for each other, told by the discriminator's accuracy."""

from collections.abc import Sequence
from typing import Literal

WON = 0.99  # right more often than this: its gradient says little
LOST = 0.60  # less often: it is at chance, which is 0.5, and its gradient is noise
LAST = 3  # epochs that tell


def state_of(accuracies: Sequence[float]) -> Literal["won", "lost"] | None:
    """What the last epochs say of the discriminator; None = it plays.

    Args:
        accuracies: what share of the training crops it was right about, by epoch.
    """
    last = accuracies[-LAST:]
    if all(accuracy > WON for accuracy in last):
        return "won"
    return "lost" if all(accuracy < LOST for accuracy in last) else None

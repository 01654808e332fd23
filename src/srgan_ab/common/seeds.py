"""One seed for everything, and a stream of random numbers of its own for every purpose."""

import numpy as np


def seed_for(purpose: str, seed: int, number: int = 0) -> int:
    """The seed of one purpose, by numpy's `SeedSequence`: a child of `seed`, spawned by name.

    Children share no stream with one another or with the children of another seed, as those of
    `seed` and `seed + 1`, or one seed for two generators, would.

    Args:
        purpose: what is drawn, such as `crops`.
        seed: of params.yaml.
        number: of several draws for one purpose, such as a replicate's.

    Returns:
        In [0, 2³²), which every generator takes: numpy's, torch's and scikit-learn's.
    """
    child = np.random.SeedSequence(seed, spawn_key=(*purpose.encode(), number))
    return int(child.generate_state(1)[0])

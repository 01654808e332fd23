"""What holds for every test: one thread, the same random numbers, nothing of the user's results."""

import importlib.util
import os
import random
import sys
from pathlib import Path, PurePath
from types import ModuleType

# before torch is imported. Two workers with a thread per core each slow each other down many times
os.environ["OMP_NUM_THREADS"] = "1"
# what a stage does to its process (other kernels, by the user's params) is nothing for a test's
sys.modules["_bootstrap"] = ModuleType("_bootstrap")

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402
from repository import MADE, ROOT  # noqa: E402

# the same examples every time, however slow the machine is
settings.register_profile(
    "anywhere", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("anywhere")


def _no_results(event: str, arguments: tuple) -> None:
    """Refuse to read or write what the pipeline or a user puts into the checkout."""
    # os.open has no mode; its path may be relative to a folder that is not told
    if event in ("os.listdir", "os.scandir") or (event == "open" and arguments[1] is not None):
        place = arguments[0]
        if isinstance(place, str) and (path := Path(place).absolute()).is_relative_to(ROOT):
            made = path.relative_to(ROOT).parts[:1]
            assert not (made and made[0] in MADE), f"a test opens {path}: see tests/repository.py"


sys.addaudithook(_no_results)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests of an extra want it; draws without a seed are the same in every order of tests."""
    for marker in item.iter_markers("extra"):
        name, *modules = marker.args
        missing = [module for module in modules if importlib.util.find_spec(module) is None]
        if missing:
            pytest.skip(f"needs {', '.join(missing)}, for the extra {name}: `make test-extras`")
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The pipeline's run first, for it is long; tests that use what it made, when it is over."""
    parts = [PurePath(item.location[0]).parts for item in items]
    first = ("tests", "pipeline", "test_pipeline.py")
    others = [i for i, part in enumerate(parts) if part[:2] == first[:2] and part != first]
    rest = [i for i, part in enumerate(parts) if part[:2] != first[:2]]
    order = [i for i, part in enumerate(parts) if part == first]
    order += rest[: len(rest) // 2] + others + rest[len(rest) // 2 :]
    items[:] = [items[i] for i in order]

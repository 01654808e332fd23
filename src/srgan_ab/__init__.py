"""Does super-resolution help a classifier? The parts of the pipeline, and what programs can use.

>>> from srgan_ab import load_generator, upscale
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from srgan_ab.app.api import Loaded, load_generator, upscale

__all__ = ["Loaded", "load_generator", "upscale"]


def __getattr__(name: str) -> Any:
    """Import torch only where a picture is to be enlarged: `srgan-ab --help` does without."""
    if name in __all__:
        from srgan_ab.app import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

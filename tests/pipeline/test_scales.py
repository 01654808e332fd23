"""The whole pipeline at scales 2 and 8, by the commands of docs/your_own_data.md."""

import json

import numpy as np
import pytest
from PIL import Image

from .test_your_own_data import SMALL, draw, fresh  # noqa: F401

pytestmark = [pytest.mark.slow, pytest.mark.long]


def test_every_stage_has_the_scale_of_the_images(fresh, tmp_path):  # noqa: F811
    draw(tmp_path / "pictures", ("ham", "egg"), (140, 150), 24)
    places = {"/path/to/pictures": str(tmp_path / "pictures")}

    def seen(scale: int) -> None:
        fresh.make("repro")
        lr, sr = (
            np.load(fresh.root / f"data/{name}.npy", mmap_mode="r").shape[1]
            for name in ("test/lr", "generated/test/sr")
        )
        assert (lr, sr) == (128 // scale, 128)
        quality = json.loads((fresh.root / "metrics/sr.json").read_text())["test"]
        assert quality["bicubic"]["psnr_rgb"] > 0 and quality["srgan"]["psnr_rgb"] > 0
        report = (fresh.root / "plots/report.html").read_text()
        assert f"from {128 // scale} enlarged ×{scale}" in report
        Image.new("RGB", (10, 6), "olive").save(fresh.root / "p.png")
        fresh.run("srgan-ab", "upscale", "p.png")
        with Image.open(fresh.root / f"p-x{scale}.png") as larger:
            assert larger.size == (10 * scale, 6 * scale)

    fresh.shell(
        'make preset NAME=folder SET="data.path=/path/to/pictures data.classes=[ham,egg] '
        'images.scale=2 srgan.generator.initial=none"',
        places | {'initial=none"': f'initial=none {SMALL}"'},
    )
    seen(2)
    fresh.shell(
        'make preset NAME=folder SET="data.path=/path/to/pictures data.classes=[ham,egg] '
        'images.scale=8 srgan.generator.initial=none"',
        places | {'initial=none"': f'initial=none {SMALL}"'},
    )
    seen(8)

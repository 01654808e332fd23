"""What the stage `report` reads, without a run of the pipeline.

Metrics and histories of a small run, kept in `tests/run`, drawn pictures, and what `compare` makes
of invented predictions.
"""

import json
import shutil
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from compare import compare
from PIL import Image
from report import report
from repository import ROOT, default_params

from srgan_ab.common.arms import ARMS, DOMAINS, chosen_domains
from srgan_ab.common.files import write_metrics
from srgan_ab.common.params import load
from srgan_ab.common.pictures import contact_sheet
from srgan_ab.common.schema import Params
from srgan_ab.srgan.generation import METHODS
from srgan_ab.statistics.classification import scores
from srgan_ab.statistics.ledger import IDENTITIES, seen
from srgan_ab.statistics.predictions import Predictions

PICTURES = ("lr_hr", "transformed", "snapshots", "rescued")
PICTURES += ("predictions_a", "predictions_b")
ROWS = 4  # of the sheet that compares versions
COUNTS = {"train": 60, "val": 40, "test": 80}
# log-odds between the classes, in units of their spread: HR, and everything made from LR
STRENGTH = {"a": (3.0, 0.2), "b": (1.0, 0.9), "b_plus": (2.6, 1.0), "c": (1.0, 0.9)}
STRENGTH["t"] = (1.0, 2.5)


class Reader(HTMLParser):
    """Tables by caption, as rows of (text, data-value); attributes of every element; all text."""

    def __init__(self, page: str):
        super().__init__()
        self.tables, self.elements, self.text = {}, [], []
        self.open = []  # elements that the text is in
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.elements.append((tag, attributes))
        if tag not in ("meta", "link", "img", "path", "use", "rect"):
            self.open.append(tag)
        if tag == "tr" and "tbody" in self.open:
            self.tables[self.caption].append([])
        elif tag in ("td", "th") and "tbody" in self.open:
            self.tables[self.caption][-1].append(["", attributes.get("data-value")])

    def handle_endtag(self, tag):
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data):
        if self.open[-1:] in (["script"], ["style"]):
            return
        self.text.append(data)
        if self.open[-1:] == ["caption"]:
            self.caption = data
            self.tables[data] = []
        elif "tbody" in self.open and self.open[-1] in ("td", "th"):
            self.tables[self.caption][-1][-1][0] += data


def _predictions(n: int, replicates: int, arms: Sequence[str], domains) -> Predictions:
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    strength = {
        (arm, domain): STRENGTH.get(arm, (2.0, 0.8))[domain != "hr"]
        for arm in arms
        for domain in domains
    }
    return Predictions(
        ids=np.array([f"test {i}" for i in range(n)]),
        groups=np.arange(n),
        flagged=np.arange(n) % 5 == 0,
        labels=labels,
        probabilities={
            subject: 1 / (1 + np.exp(-rng.normal((labels - 0.5) * s, 1, (replicates, n))))
            for subject, s in strength.items()
        },
    )


def _ledger(arms: Sequence[str]) -> dict:
    names = [f"{side} {i}" for side, n in COUNTS.items() for i in range(n)]
    split = pd.DataFrame({name: names for name in IDENTITIES})
    split["split"] = [name.split()[0] for name in names]
    used = split[split["split"] != "test"][["id", "split"]].assign(domain="hr", label=1)
    used.loc[::2, "label"] = 0
    return seen(split, dict.fromkeys(arms, used), [f"test {i}" for i in range(COUNTS["test"])])


def _samples(columns: Sequence[str], hr: int, lr: int) -> Image.Image:
    """As the stage `generate_sr` draws it; every cell has other squares."""
    rng = np.random.default_rng(0)

    def squares(side: int) -> np.ndarray:
        return rng.integers(0, 256, (8, 8, 3), np.uint8).repeat(side // 8, 0).repeat(side // 8, 1)

    sides = [lr, *[hr] * (len(columns) - 1)]
    return contact_sheet([[squares(side) for side in sides] for _ in range(ROWS)], columns)


def prepare(root: Path, *, arms=ARMS, classes=("cat", "dog"), replicates=1) -> Params:
    """Fill the empty directory `root`, which must be the working directory; return the params."""
    shutil.copytree(ROOT / "tests/run", root, dirs_exist_ok=True)
    for name in PICTURES:
        Image.linear_gradient("L").resize((810, 620)).convert("RGB").save(f"plots/{name}.png")
    shutil.copy(ROOT / "dvc.yaml", root)
    values = default_params()
    values["data"]["classes"] = list(classes)
    if set(classes) != {"cat", "dog"}:
        values["data"] |= {"source": "folder", "path": "photographs"}
    values["compare"]["bootstrap"] = 100
    values["controls"] = {arm: arm in arms for arm in ARMS[2:]}
    Path("params.yaml").write_text(yaml.safe_dump(values))
    params = load(Path("params.yaml"))
    domains = chosen_domains(params.controls)
    made = [DOMAINS[d] for d in METHODS.values() if d in domains]
    hr = params.images.hr
    _samples(["LR", *made, "HR"], hr, hr // params.images.scale).save("plots/sr_samples.png")

    split = json.loads(Path("metrics/split.json").read_text())
    for name in classes:
        split |= {f"{side}_{name}": n // 2 for side, n in COUNTS.items()}
    write_metrics(Path("metrics/split.json"), split | COUNTS)
    quality = json.loads(Path("metrics/sr.json").read_text())
    for domain, stage in (("perceptual", "train_perceptual"), ("task", "train_task_sr")):
        if domain not in domains:
            for methods in quality.values():
                del methods[domain]
            write_metrics(Path(f"metrics/{stage}.json"), {})
            columns = "epoch,val_psnr_rgb,val_psnr_y,val_ssim_y,val_lpips\n"
            Path(f"plots/{domain}.csv").write_text(columns)
    write_metrics(Path("metrics/sr.json"), {"train": quality["val"], **quality})
    for arm in ARMS:
        if arm not in arms:
            write_metrics(Path(f"metrics/train_{arm}.json"), {})

    test = _predictions(COUNTS["test"], replicates, arms, chosen_domains(params.controls))
    test.save(Path("data/predictions.csv"), params.data.classes)
    _predictions(COUNTS["val"], replicates, arms, ["hr"]).save(
        Path("data/predictions_val.csv"), params.data.classes
    )
    for arm in arms:
        on_hr = scores(test.labels, test.probabilities[arm, "hr"])
        write_metrics(Path(f"metrics/{arm}.json"), on_hr)
    write_metrics(Path("data/ledger.json"), _ledger(arms))
    compare(params)
    return params


def make_page(root: Path, **options) -> Path:
    """`prepare`, then run the stage; return the page."""
    report(prepare(root, **options))
    return root / "plots/report.html"

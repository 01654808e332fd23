"""Judge what the pipeline made here against the committed results: `make verify`.

Every output is identical to the committed one, or within the tolerance that tools/tolerances.yaml
declares, or different. Data and weights are not in git: of them only digests can be compared, and
what they amount to is judged by the metrics that follow from them. Pages, curves, and pictures that
differ in pixels follow from what is judged.

Exit code: 0 identical or within tolerance, 1 different, 2 there is nothing to compare.

    python tools/verify.py            # judge
    python tools/verify.py --record   # note in docs/made_on.json what made the results, to commit
"""

import argparse
import hashlib
import io
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
MADE_ON = "docs/made_on.json"
TOLERANCES = ROOT / "tools/tolerances.yaml"
IDENTICAL, WITHIN, FOLLOWS, DIFFERENT = "identical", "within tolerance", "follows", "different"


@dataclass(frozen=True)
class Judgement:
    """What was found of one output, or of one stage: the worst of its outputs."""

    kind: str
    detail: str = ""


def committed(path: str) -> bytes:
    """A file of the last commit.

    Raises:
        SystemExit: there is none.
    """
    result = subprocess.run(
        ["git", "show", f"HEAD:{path}"], cwd=ROOT, capture_output=True, check=False
    )
    if result.returncode:
        fail(f"the last commit holds no {path}, so there is nothing to compare with")
    return result.stdout


def fail(message: str) -> None:
    """End with one sentence and exit code 2."""
    print(f"verify: {message}", file=sys.stderr)
    sys.exit(2)


def numbers(value: object, key: str = "") -> Iterator[tuple[str, float | None]]:
    """Dotted keys and numbers of nested JSON, null among them; texts are left out."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from numbers(item, f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from numbers(item, f"{key}.{position}")
    elif value is None or isinstance(value, (int, float)):
        yield key, value


def judge_values(
    path: str,
    theirs: dict[str, float | None],
    ours: dict[str, float | None],
    tolerances: dict[str, float],
) -> Judgement:
    """Compare numbers with the tolerance of the first pattern that `path:key` matches."""
    if theirs.keys() != ours.keys():
        key = sorted(theirs.keys() ^ ours.keys())[0]
        return Judgement(DIFFERENT, f"{key} is only in one of the two")
    worst = Judgement(WITHIN, "equal numbers, written differently")
    share = -1.0
    for key, their in theirs.items():
        our = ours[key]
        if our == their:
            continue
        name = f"{path}:{key}"
        allowed = next((t for pattern, t in tolerances.items() if re.search(pattern, name)), 0.0)
        off = math.inf if our is None or their is None else abs(our - their)
        of_allowed = off / allowed if allowed else math.inf
        if of_allowed > share:
            share = of_allowed
            kind = WITHIN if off <= allowed else DIFFERENT
            worst = Judgement(kind, f"{key} {our} for {their}, allowed ±{allowed:g}")
    return worst


def judge_output(path: str, same: bool, rules: dict) -> Judgement:
    """Judge one output, identical (`same`) by its digest or to be looked into.

    Args:
        path: of the output.
        same: whether its digest is that of the committed one.
        rules: tools/tolerances.yaml.
    """
    if same:
        return Judgement(IDENTICAL)
    if path.endswith(".png"):  # its bytes depend on the machine's zlib too
        theirs, ours = Image.open(io.BytesIO(committed(path))), Image.open(ROOT / path)
        if theirs.size == ours.size and theirs.convert("RGB") == ours.convert("RGB"):
            return Judgement(WITHIN, "equal pixels, compressed differently")
        return Judgement(FOLLOWS)
    if path.split("/")[0] != "metrics" or any(re.search(p, path) for p in rules["follows"]):
        return Judgement(FOLLOWS)
    theirs, ours = (
        dict(numbers(json.loads(data))) for data in (committed(path), (ROOT / path).read_bytes())
    )
    return judge_values(path, theirs, ours, rules["tolerances"])


def check_same_recipe(theirs: dict, ours: dict) -> None:
    """The workspace's code and params are those of the committed run.

    Raises:
        SystemExit: they are not, or the pipeline has not run.
    """
    made = {out["path"] for stage in theirs.values() for out in stage.get("outs", [])}
    for name, stage in theirs.items():
        if name not in ours:
            fail(f"{name} has not run here: run `make repro` first")
        if ours[name].get("params") != stage.get("params"):
            fail(f"params of {name} are not the committed ones: put params.yaml back first")
        for dependency in stage["deps"]:
            if dependency["path"] not in made and dependency not in ours[name]["deps"]:
                fail(
                    f"{dependency['path']}, which {name} runs, is not what made the committed "
                    "results: commit it with its results, or put it back"
                )


def judge_stage(name: str, theirs: dict, ours: dict, rules: dict) -> dict[str, Judgement]:
    """Output to judgement."""
    digests = {out["path"]: out["md5"] for out in ours[name].get("outs", [])}
    return {
        out["path"]: judge_output(out["path"], digests.get(out["path"]) == out["md5"], rules)
        for out in theirs[name].get("outs", [])
    }


def sum_up(name: str, judged: dict[str, Judgement]) -> tuple[str, str]:
    """A stage's worst judgement, and the line that says it."""
    kinds = [judgement.kind for judgement in judged.values()]
    same = f"{kinds.count(IDENTICAL)} of {len(kinds)} outputs identical"
    if set(kinds) <= {IDENTICAL}:
        return IDENTICAL, f"{name}: {same}"
    if DIFFERENT in kinds:
        details = [
            f"{path}: {judgement.detail}"
            for path, judgement in judged.items()
            if judgement.kind == DIFFERENT
        ]
        return DIFFERENT, "\n  ".join([f"{name}: DIFFERENT, {same}", *details])
    details = [
        f"{path}: {judgement.detail}"
        for path, judgement in judged.items()
        if judgement.kind == WITHIN
    ]
    return WITHIN, "\n  ".join([f"{name}: within tolerance, {same}", *details])


def verify() -> int:
    """Print a line per stage and the verdict; return the exit code."""
    lock = ROOT / "dvc.lock"
    if not lock.exists():
        fail("there is no dvc.lock: run `make repro` first")
    theirs, ours = (yaml.safe_load(x)["stages"] for x in (committed("dvc.lock"), lock.read_bytes()))
    check_same_recipe(theirs, ours)
    rules = yaml.safe_load(TOLERANCES.read_text(encoding="utf-8"))
    made_on = json.loads(committed(MADE_ON))
    order = list(yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"])
    names = sorted(theirs, key=lambda name: order.index(name.partition("@")[0]))
    kinds = {}
    for name in names:
        kinds[name], line = sum_up(name, judge_stage(name, theirs, ours, rules))
        print(line)
    print(
        f"The committed results were made on {made_on['processor']}, torch "
        f"{made_on['versions']['torch']}, kernels for {made_on['instructions']}, "
        f"{made_on['threads']} threads, {made_on['precision']}."
    )
    departing = [name for name in names if kinds[name] != IDENTICAL]
    if not departing:
        print("verify: every output is identical to the committed one")
        return 0
    verdict = "different" if DIFFERENT in kinds.values() else "within tolerance"
    print(f"verify: {verdict}; the first stage that departs is {departing[0]}")
    return int(verdict == "different")


def record() -> int:
    """Write docs/made_on.json from what the stages noted of their last runs here."""
    facts = {}
    for name in yaml.safe_load((ROOT / "dvc.lock").read_text(encoding="utf-8"))["stages"]:
        file = ROOT / "metrics/provenance" / f"{name}.json"
        if not file.exists():
            fail(f"{name} was not run here: `dvc repro --force`, so that one machine made it all")
        facts[name] = json.loads(file.read_text())
    keys = ("processor", "machine", "python", "versions", "portable")
    of_torch = ("instructions", "threads", "precision")  # noted by stages that use it
    chosen = next(fact for fact in facts.values() if "precision" in fact)
    for key in keys:
        if any(fact[key] != chosen[key] for fact in facts.values()):
            fail(f"stages were run with different {key}: run `dvc repro --force`")
    made_on = {
        "dvc.lock": hashlib.sha256((ROOT / "dvc.lock").read_bytes()).hexdigest(),
        **{key: chosen[key] for key in (*keys, *of_torch)},
        "seconds": {name: round(fact["seconds"], 1) for name, fact in facts.items()},
    }
    (ROOT / MADE_ON).write_text(json.dumps(made_on, indent=2) + "\n")
    print(f"verify: wrote {MADE_ON}")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--record", action="store_true", help=f"write {MADE_ON}")
    sys.exit(record() if parser.parse_args().record else verify())

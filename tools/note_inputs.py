"""Note what lies outside the project: `make repro` does it first.

DVC sees when a file of the project changes. What `data.path`, `pretrained`, `benchmarks.paths` and
`srgan.generator.initial` name may lie anywhere: new photographs at the same path would leave every
stage "up to date". So their names, sizes and times (in a bucket, tags) go into inputs/<stage>.json,
which the stage depends on. With none of them in params.yaml the files say `{}`.

    python tools/note_inputs.py
"""

import hashlib
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from srgan_ab.common import paths  # noqa: E402
from srgan_ab.common.addresses import is_bucket  # noqa: E402
from srgan_ab.common.errors import UserError, sentence  # noqa: E402
from srgan_ab.common.files import content, read_metrics, sha256, write_metrics  # noqa: E402
from srgan_ab.common.params import load  # noqa: E402
from srgan_ab.common.schema import Params  # noqa: E402
from srgan_ab.common.shipped import NONE, SHIPPED, seen_list  # noqa: E402

FOLDER = Path("inputs")
SHIPPED_IN = Path("src/srgan_ab/generators")
Facts = dict[str, int | str]


def outside(params: Params) -> dict[str, list[str]]:
    """What each stage reads beside the project's own files, by its name."""
    data, weights = params.data, params.pretrained
    photographs = [data.path] if data.path and data.source in ("folder", "archive") else []
    files = [weights.classifier, weights.perceptual, weights.lpips]
    return {
        "download": photographs + [file for file in files if file not in (None, "imagenet", "pip")],
        "benchmark": list(params.benchmarks.paths),
        "train_srgan": _generator(params.srgan.generator.initial),
    }


def _generator(initial: str) -> list[str]:
    """Its weights, and the list of what it has seen."""
    if initial == NONE:
        return []
    weights = SHIPPED_IN / f"{initial}.safetensors" if initial in SHIPPED else Path(initial)
    return [str(weights), str(seen_list(weights))]


def fingerprint(path: Path) -> Facts:
    """Number and bytes of the files below, and a digest of their names, sizes and times.

    Of a generator that comes with the project, the digest is that of its content: every clone has
    times of its own.
    """
    if path.parent == SHIPPED_IN:
        return {"files": 1, "bytes": path.stat().st_size, "sha256": sha256(path)}
    digest, total, files = hashlib.sha256(), 0, content(path)
    for file in files:
        facts = file.stat()
        total += facts.st_size
        name = os.fsencode(file.relative_to(path).as_posix())
        digest.update(b"%s\0%d\0%d\n" % (name, facts.st_size, facts.st_mtime_ns))
    return {"files": len(files), "bytes": total, "sha256": digest.hexdigest()}


def _in_bucket(address: str) -> Facts:
    """The same of objects below an address, by their tags: other content has another one."""
    from srgan_ab.data.buckets import stored

    digest, objects = hashlib.sha256(), stored(address)
    for fact in objects:
        digest.update(f"{fact.key}\0{fact.size}\0{fact.tag}\n".encode())
    total = sum(fact.size for fact in objects)
    return {"files": len(objects), "bytes": total, "sha256": digest.hexdigest()}


def _facts(name: str, before: dict[str, Facts]) -> Facts | None:
    """Of what is there; of a bucket that cannot be asked, as it was noted before."""
    if not is_bucket(name):
        return fingerprint(Path(name)) if Path(name).exists() else None
    try:
        return _in_bucket(name)
    except UserError as error:
        known = before.get(name)
        if known:
            print(f"inputs: {error}; until then it counts as unchanged", file=sys.stderr)
        return known


def note(params: Params) -> None:
    """Write `inputs/<stage>.json` of every stage that reads what is not the project's.

    What is missing, or lies at an http(s) address, is left out: the stage says so, or fetches it.
    """
    for stage, named in outside(params).items():
        file = FOLDER / f"{stage}.json"
        before = read_metrics(file) if any(map(is_bucket, named)) and file.exists() else {}
        found = {name: _facts(name, before) for name in named}
        write_metrics(file, {name: facts for name, facts in found.items() if facts})


def main() -> None:
    """Write the notes, with a mistake of the user's as one sentence."""
    os.chdir(ROOT)
    try:
        note(load(paths.PARAMS))
    except Exception as error:
        if explained := sentence(error):
            sys.exit(f"inputs: {explained}")
        raise


if __name__ == "__main__":
    main()

"""Seconds and peak memory of every stage as it last ran here, from metrics/provenance/.

    python tools/seconds.py [SINCE]

SINCE is a time in seconds since 1970: stages that ran before it are marked.
"""

import json
import sys

from srgan_ab.common import paths
from srgan_ab.common.params import read_yaml


def main(since: float) -> None:
    """Print one line per stage, in the order of dvc.yaml, and the sum of those that ran."""
    names = [
        f"{stem}@{item}" if item else stem
        for stem, entry in read_yaml(paths.DVC_YAML)["stages"].items()
        for item in next(iter(entry.get("matrix", {"": [""]}).values()))
    ]
    total = 0.0
    for name in names:
        path = paths.PROVENANCE / f"{name}.json"
        if not path.exists():  # it was restored from DVC's cache
            continue
        facts, before = json.loads(path.read_text()), path.stat().st_mtime < since
        total += 0 if before else facts["seconds"]
        mark = "  (an earlier run)" if before else ""
        print(f"{name:24} {facts['seconds']:9.1f} s {facts['peak_memory_mb']:7,} MB{mark}")
    print(f"{'all that ran now':24} {total:9.1f} s")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0)

"""From a source to what the pipeline keeps of it: `raw.zip`, `manifest.csv` and counts."""

import csv
import zipfile
from collections import Counter
from collections.abc import Iterable

from srgan_ab.common import paths
from srgan_ab.common.bars import bar
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_file
from srgan_ab.data.sources import File
from srgan_ab.data.verification import Verdict

COLUMNS = (
    *("path", "label", "sha256", "width", "height", "status", "reason"),
    *("pixel_sha256", "phash", "phash_mirror"),
)
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can name


def write_manifest(
    verified: Iterable[tuple[File, Verdict]], total: int, classes: list[str], smallest: int
) -> dict[str, int]:
    """Write `data/raw.zip` (accepted files byte for byte) and `data/manifest.csv` (every file).

    Args:
        verified: files with verdicts, sorted by path.
        total: how many there are.
        classes: names to count.
        smallest: images with a side below this many pixels are flagged, and kept.

    Returns:
        Counts: `found accepted flagged rejected`, `accepted_<class>`, `rejected_<kind>`.

    Raises:
        UserError: no file is an image.
    """
    counts = Counter(found=0, accepted=0, flagged=0, rejected=0)
    counts.update({f"accepted_{name}": 0 for name in classes})
    with (
        atomic_file(paths.RAW) as raw,
        atomic_file(paths.MANIFEST) as manifest,
        zipfile.ZipFile(raw, "w", zipfile.ZIP_STORED) as archive,
        manifest.open("w", newline="", encoding="utf-8") as stream,
    ):
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(COLUMNS)
        for file, verdict in bar(verified, label="verify", total=total, unit="file"):
            status, reason = "accepted", ""
            if verdict.problem:
                status, reason = "rejected", str(verdict.problem)
                counts["rejected_" + verdict.problem.kind.replace(" ", "_")] += 1
            elif min(verdict.width, verdict.height) < smallest:
                side = min(verdict.width, verdict.height)
                status, reason = "flagged", f"too small: shorter side {side} is below {smallest}"
                counts["flagged"] += 1
            counts["found"] += 1
            if status == "rejected":
                counts["rejected"] += 1
            else:
                counts["accepted"] += 1
                if file.label:
                    counts[f"accepted_{file.label}"] += 1
                if file.data is None:
                    raise ValueError(f"{file.path} was accepted unread")
                archive.writestr(_entry(file.path), file.data)
            table.writerow(
                [
                    *(file.path, file.label, verdict.sha256),
                    *(verdict.width or "", verdict.height or "", status, reason),
                    *(verdict.pixel_sha256, verdict.phash, verdict.phash_mirror),
                ]
            )
        if not counts["accepted"]:
            kinds = ", ".join(
                sorted(
                    key.removeprefix("rejected_").replace("_", " ")
                    for key in counts
                    if key.startswith("rejected_")
                )
            )
            raise UserError(
                f"none of the {total} files of the source is a usable image ({kinds}): mend "
                "data.source and data.path"
            )
    return dict(counts)


def _entry(path: str) -> zipfile.ZipInfo:
    """A zip entry that says nothing of when and where it was made."""
    entry = zipfile.ZipInfo(path, EPOCH)
    entry.create_system = 3  # Unix, on every system
    entry.external_attr = 0o100644 << 16
    return entry

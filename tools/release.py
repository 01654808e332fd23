"""Pack the trained models of the run in this folder, with cards and numbers, into one archive.

    python tools/release.py

release/srgan-ab.zip holds the folder srgan-ab: the generators and classifiers of models/, a card
for each, metrics/, the report, params.yaml, dvc.lock, and SHA256SUMS of all of them. The same run
gives the same bytes, on every machine. Weights that the run itself has started from are left out,
and so is what only a further training needs.
"""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from hashlib import file_digest
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import BinaryIO

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from srgan_ab.app.model_card import card, classifier_card  # noqa: E402
from srgan_ab.app.networks import arms_here, replicates  # noqa: E402
from srgan_ab.common import paths  # noqa: E402
from srgan_ab.common.errors import UserError, sentence  # noqa: E402
from srgan_ab.common.files import atomic_file, sha256  # noqa: E402
from srgan_ab.common.params import load, read_yaml  # noqa: E402

LOCK = Path("dvc.lock")
REPORT = paths.PLOTS / "report.html"
TARGET = Path("release/srgan-ab.zip")
FOLDER = "srgan-ab"  # in the archive; src/srgan_ab/app/models.py looks there
BEGINNING = (1980, 1, 1, 0, 0, 0)  # of the time that a zip can tell
MODE = 0o100644 << 16  # a plain file that all may read and its owner may write


def require_whole_run() -> None:
    """See that everything in the workspace is as `dvc.lock` says, and `dvc.lock` as the code.

    Raises:
        UserError: it is not, or the run has no classifiers.
    """
    if not load(paths.PARAMS).data.classes:
        raise UserError(
            "data.classes is [], so the run ends without classifiers and has no release: "
            "`srgan-ab export --to safetensors` writes its generator, with a card"
        )
    asked = [sys.executable, "-m", "dvc", "status", "--json"]
    done = subprocess.run(asked, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[0]
        raise UserError(f"`dvc status` fails ({said}): mend that, then run `make repro`")
    changed = json.loads(done.stdout)
    for stage, reasons in changed.items():
        raise UserError(
            f"{stage} is not as dvc.lock says ({_reason(reasons[0])}), so these files are of no "
            "one run: `make repro` makes it anew, and `dvc checkout` or `dvc pull` brings back "
            "what is kept"
        )


def _reason(reason: str | dict[str, dict[str, object]]) -> str:
    """One of DVC's, such as {"changed outs": {"models/b": "deleted"}}, in words."""
    if isinstance(reason, str):
        return reason
    what, files = next(iter(reason.items()))
    name, how = next(iter(files.items()))
    return f"{what}: {name} {how if isinstance(how, str) else 'modified'}"


def contents() -> Iterator[tuple[str, Path | str]]:
    """What goes into the archive beside SHA256SUMS: names in it, and files or texts.

    Raises:
        UserError: a file that a card is made of is missing or damaged.
    """
    made = [out["path"] for stage in read_yaml(LOCK)["stages"].values() for out in stage["outs"]]
    files = [paths.PARAMS, LOCK, REPORT]
    files += [Path(p) for p in made if p.startswith(f"{paths.METRICS}/") and Path(p).exists()]
    for path in (paths.SRRESNET, paths.PERCEPTUAL, paths.GENERATOR, paths.TASK):
        if path.exists():  # PERCEPTUAL and TASK are controls'
            files.append(path)
            yield f"{path.as_posix()}.md", card(str(path), path, "safetensors", path.name)
    for arm in arms_here([]):
        files += [*replicates(arm), paths.classifier(arm) / "training.json"]
        yield f"{paths.classifier(arm).as_posix()}/README.md", classifier_card(arm)
    for path in files:
        yield path.as_posix(), path


def pack(files: Iterable[tuple[str, Path | str]], target: Path) -> None:
    """Write an archive whose bytes depend on names and bytes of the files alone.

    They are stored as they are: what zlib makes of them depends on its version.

    Args:
        files: names in the archive, and for each a file or a text.
        target: appears when the archive is complete.
    """
    sums = ""
    with atomic_file(target) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in sorted(files, key=lambda entry: entry[0]):
            with content.open("rb") if isinstance(content, Path) else _stream(content) as stream:
                sums += f"{file_digest(stream, 'sha256').hexdigest()}  {name}\n"
                _add(archive, name, stream)
        _add(archive, "SHA256SUMS", _stream(sums))


def _stream(text: str) -> BytesIO:
    return BytesIO(text.encode())


def _add(archive: zipfile.ZipFile, name: str, stream: BinaryIO) -> None:
    member = zipfile.ZipInfo(f"{FOLDER}/{name}", BEGINNING)
    member.create_system, member.external_attr = 3, MODE  # Unix, whatever this is
    member.file_size = stream.seek(0, SEEK_END)
    stream.seek(0)
    with archive.open(member, "w") as written:
        shutil.copyfileobj(stream, written)


def main() -> None:
    """Pack, and say what a user of the archive needs to know; a mistake is one sentence."""
    try:
        require_whole_run()
        pack(contents(), TARGET)
    except Exception as error:
        if explained := sentence(error):
            sys.exit(f"release: {explained}")
        raise
    print(f"{TARGET}: {TARGET.stat().st_size / 1e6:.1f} MB")
    print(f"its generator, from where you put it: --model URL#sha256={sha256(TARGET)}")


if __name__ == "__main__":
    main()

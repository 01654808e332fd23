"""Public data sets: where their archives are, and how their file names tell the class."""

import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from shutil import copyfileobj

from srgan_ab.common.errors import UserError
from srgan_ab.data.archives import Entry, open_archive
from srgan_ab.data.fetch import fetch

DOWNLOADS = Path("data/downloads")  # no output of any stage: a failed one keeps what it fetched

# What a path says of its class: names that may be one, the most telling first.
Labelling = Callable[[str], Iterable[str]]


def by_folder(path: str) -> Iterable[str]:
    """Every folder, from the innermost."""
    return reversed(PurePosixPath(path).parts[:-1])


def by_prefix(path: str) -> Iterable[str]:
    """`dog.8011.jpg` is a dog."""
    return [PurePosixPath(path).name.split(".")[0]]


def by_breed(path: str) -> Iterable[str]:
    """Breeds of cats are capitalised: `Abyssinian_1.jpg`, `beagle_2.jpg`."""
    return ["cat" if PurePosixPath(path).name[:1].isupper() else "dog"]


@dataclass(frozen=True)
class Remote:
    """A public archive. `label` is None for photographs without classes."""

    address: str
    checksum: str
    label: Labelling | None


REMOTES = {
    "asirra": Remote(
        "https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/"
        "kagglecatsanddogs_5340.zip",
        "sha256:b7974bd00a84a99921f36ee4403f089853777b5ae8d151c76a86e64900334af9",
        by_folder,
    ),
    "oxford_pets": Remote(
        "https://www.robots.ox.ac.uk/~vgg/data/pets/data/images.tar.gz",
        "sha256:67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d",
        by_breed,
    ),
    "mirflickr": Remote(
        "https://press.liacs.nl/mirflickr/mirflickr25k.v3b/mirflickr25k.zip",
        "md5:a23d0a8564ee84cda5622a6c2f947785",
        None,
    ),
    "coco": Remote(  # 5,000 photographs, 0.8 GB; train2014 has 83,000 and 13.5 GB
        "http://images.cocodataset.org/zips/val2017.zip",
        "sha256:4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
        None,
    ),
    "div2k": Remote(  # the 800 training images
        "https://data.vision.ee.ethz.ch/cvl/DIV2K/DIV2K_train_HR.zip",
        "md5:bdc2d9338d4e574fe81bf7d158758658",
        None,
    ),
}
KAGGLE = "https://www.kaggle.com/api/v1/competitions/data/download-all/dogs-vs-cats"
KAGGLE_RULES = "https://www.kaggle.com/c/dogs-vs-cats/rules"


@contextmanager
def open_kaggle(checksum: str | None) -> Generator[list[Entry]]:
    """The competition's training archive, which lies within the archive that Kaggle serves."""
    refusals = {
        401: "your token is not valid, make a new one in your account's settings",
        403: f"accept the competition's rules at {KAGGLE_RULES} first",
    }
    path = fetch(KAGGLE, DOWNLOADS / "dogs-vs-cats.zip", checksum, _kaggle_token, refusals)
    with tempfile.TemporaryFile(dir=DOWNLOADS) as inner:
        try:
            with zipfile.ZipFile(path) as outer, outer.open("train.zip") as stream:
                copyfileobj(stream, inner)
        except (zipfile.BadZipFile, KeyError) as error:
            raise UserError(
                f"{path} does not hold the competition's train.zip ({error}): delete it, and it "
                "is fetched again"
            ) from None
        inner.seek(0)
        with open_archive(inner, f"train.zip of {path}", DOWNLOADS) as entries:
            yield entries


def _kaggle_token() -> tuple[str, str]:
    """User and key, where Kaggle's own tools look for them."""
    user, key = os.environ.get("KAGGLE_USERNAME"), os.environ.get("KAGGLE_KEY")
    if user and key:
        return user, key
    path = Path(os.environ.get("KAGGLE_CONFIG_DIR", Path.home() / ".kaggle"), "kaggle.json")
    try:
        token = json.loads(path.read_text())
        return token["username"], token["key"]
    except FileNotFoundError:
        problem = "there is no Kaggle token"
    except (OSError, ValueError, KeyError, TypeError):
        problem = "the Kaggle token cannot be read"
    raise UserError(
        f"{problem} at {path}: make one at https://www.kaggle.com/settings (Create New Token) and "
        "save it there, or set KAGGLE_USERNAME and KAGGLE_KEY"
    )

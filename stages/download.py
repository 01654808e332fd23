"""Fetch or render the images and the pre-trained weights, and verify every file by decoding it.

Good files go into data/raw.zip byte for byte, every file is listed in data/manifest.csv with the
reason if it was set aside. What is fetched stays in data/downloads, whole or in part, so that a
later run goes on from there.

After a change of what lies at data.path or in a file of pretrained, `make repro` runs this again.
DVC alone does not see it: `dvc repro` does after `python tools/note_inputs.py`.
"""

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def download(params: Params) -> None:
    from srgan_ab.common import paths
    from srgan_ab.common.files import write_metrics
    from srgan_ab.data.manifest import write_manifest
    from srgan_ab.data.pretrained import provide_weights
    from srgan_ab.data.sources import open_source
    from srgan_ab.data.verification import verify_all

    networks = {
        "classifier": params.classifier.backbone,
        "perceptual": params.srgan.perceptual.network,
        "lpips": "squeezenet1_1",
    }
    for use, network in networks.items():
        provide_weights(use, getattr(params.pretrained, use), network)

    workers = params.runtime.workers
    with open_source(params.data, params.seed, workers) as source:
        verified = verify_all(source.files, workers)
        counts = write_manifest(verified, source.total, params.data.classes, params.images.hr)
    write_metrics(paths.METRICS / "data.json", counts | {"left_out": source.left_out})


if __name__ == "__main__":
    run(download)

"""What a large data set would take: times, cost and sizes, computed from what was measured before.

`python benchmarks/scaling.py model` prints it. `INPUTS` is all that it knows.
"""

from dataclasses import dataclass

from tabulate import tabulate


@dataclass(frozen=True)
class Inputs:
    """What the model computes from; docs/performance.md and docs/reliability.md have the sources.

    Of training times, some were measured beside other work, so they are upper bounds.
    """

    srgan_ms: float = 56.2  # an update of 64 crops of 128 pixels, H200, bf16
    srresnet_ms: float = 32.3  # the same of the pre-training
    fixed: float = 0.5  # share of both that does not shrink with the crops: the host's
    srgan_passes: int = 150  # preset full: 33,750 updates of 64 crops of 14,400 images
    srresnet_passes: int = 30
    batch_size: int = 64
    gradient_mb: float = 4 * (1.5 + 5.2)  # generator and discriminator, fp32, paper's sizes
    link_gb_s: float = 50.0  # assumed: all-reduce between GPUs and machines
    exchange_ms: float = 0.2  # assumed: latency of all exchanges of an update
    generate_ms: float = 3.8  # an image, all of generate_sr, H200
    classifier_images_s: float = 864.0  # three EfficientNet-Lite0 trained at once, H200
    classifier_passes: int = 3
    arms: int = 7
    replicates: int = 3
    judged: int = 78  # classifications of a test image in evaluate
    train: float = 0.6  # share of the photographs
    test: float = 0.3
    decode_images_s_core: float = 340.0  # download and downscale after each other, one core
    cores: int = 16
    image_kb: float = (128**2 + 32**2) * 3 / 1000  # HR and LR, uint8
    raw_kb: float = 32.0  # a JPEG file
    generated: int = 4  # domains of the size of HR
    host_kb: float = 2.0  # names and hashes of an image in memory
    device_gb: float = 141.0  # H200
    disk_gb_s: float = 2.0  # assumed: of the disk that all GPUs read from and write to
    price: float = 3.0  # assumed: of a GPU for an hour


INPUTS = Inputs()


def estimate(photographs: int, gpus: int, grown: bool, given: Inputs = INPUTS) -> dict:
    """What a whole run would take.

    The SRGAN's training, `generate_sr` and `evaluate` are shared by all GPUs, classifiers are
    independent jobs. What takes more than half of a GPU's memory is read from the disk batch by
    batch, and what is generated is written to it.

    Args:
        photographs: of all splits.
        gpus: of one kind.
        grown: a batch for each GPU, which is another recipe; otherwise one batch for all.
        given: rates and sizes.

    Returns:
        Hours of each part and in all, `share` of the part that takes longest, `gpu_hours` while
        all GPUs are held, `cost`, `disk_gb`, `host_gb` of the first process, `device_gb` that the
        training images take in each, and whether they are `streamed` instead.
    """
    train = given.train * photographs
    crops = given.batch_size * (gpus if grown else 1)
    part = 1.0 if grown else 1 / gpus
    compute = given.fixed + (1 - given.fixed) * part  # of the time of an update by one GPU
    exchange = 0.0
    if gpus > 1:
        moved = 2 * (gpus - 1) / gpus * given.gradient_mb / 1000
        exchange = given.exchange_ms + 1000 * moved / given.link_gb_s
    updates = {"srgan": given.srgan_passes, "srresnet": given.srresnet_passes}
    steps = {"srgan": given.srgan_ms, "srresnet": given.srresnet_ms}
    networks = given.arms * given.replicates
    device = train * given.image_kb / 1e6
    streamed = 2 * device > given.device_gb
    read = crops * given.image_kb / 1e6 / given.disk_gb_s if streamed else 0.0
    written = photographs * given.generated * 128**2 * 3 / 1e9 / given.disk_gb_s
    asked = given.judged * given.test * photographs
    looked_at = asked * 128**2 * 3 / 1e9 / given.disk_gb_s if streamed else 0.0
    seconds = {
        "decoding": photographs / (given.decode_images_s_core * given.cores),
        "SRGAN": sum(
            passes * train / crops * max((compute * steps[name] + exchange) / 1000, read)
            for name, passes in updates.items()
        ),
        "generation": max(photographs * given.generate_ms / 1000 / gpus, written),
        "classifiers": -(-networks // gpus)
        * given.classifier_passes
        * train
        / given.classifier_images_s,
        # a forward pass takes a third of an update
        "evaluation": max(asked / (3 * given.classifier_images_s * gpus), looked_at),
    }
    hours = {name: value / 3600 for name, value in seconds.items()}
    total = sum(hours.values())
    slowest = max(hours, key=lambda name: hours[name])
    pack_kb = given.image_kb + given.generated * 128**2 * 3 / 1000
    return {
        **hours,
        "hours": total,
        "slowest": slowest,
        "share": hours[slowest] / total,
        "gpu_hours": total * gpus,
        "cost": total * gpus * given.price,
        "disk_gb": photographs * (given.raw_kb + pack_kb) / 1e6,
        "host_gb": photographs * given.host_kb / 1e6,
        "device_gb": device,
        "streamed": streamed,
    }


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def table() -> str:
    """`estimate` for some sizes, as Markdown."""
    rows = []
    for photographs in (25_000, 1_000_000, 100_000_000):
        for gpus in (1, 8, 64):
            kept, grown = (estimate(photographs, gpus, larger) for larger in (False, True))
            rows.append(
                {
                    "photographs": f"{photographs:,}",
                    "GPUs": gpus,
                    "hours": _number(kept["hours"]),
                    "of them SRGAN": _number(kept["SRGAN"]),
                    "with a batch for each GPU": _number(grown["hours"]),
                    "of them SRGAN ": _number(grown["SRGAN"]),
                    "then longest": f"{grown['slowest']}, {grown['share']:.0%}",
                    "cost": _number(grown["cost"]),
                    "disk, GB": _number(grown["disk_gb"]),
                    "host memory, GB": _number(grown["host_gb"]),
                    "GPU memory, GB": _number(grown["device_gb"])
                    + (": streamed" if grown["streamed"] else ""),
                }
            )
    return tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True)

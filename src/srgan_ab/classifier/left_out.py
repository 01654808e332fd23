"""What a stage leaves that trains no classifier; apart, because importing torch takes seconds."""

from srgan_ab.classifier.records import HISTORY
from srgan_ab.common import paths
from srgan_ab.common.files import atomic_directory, atomic_file, write_metrics


def leave_arm_out(arm: str) -> None:
    """Write an arm's outputs, empty: params.yaml does not ask for it."""
    with atomic_directory(paths.classifier(arm)):
        pass
    write_metrics(paths.METRICS / f"train_{arm}.json", {})
    with atomic_file(paths.PLOTS / f"train_{arm}.csv") as temporary:
        temporary.write_text(",".join(HISTORY) + "\n")

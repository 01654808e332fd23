"""Run a notebook and keep its outputs in it: twice on the same results gives the same bytes.

    python tools/run_notebook.py notebooks/tour.ipynb

It runs in the notebook's own directory, as Jupyter does, and without the user's IPython settings.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from srgan_ab.common.errors import UserError  # noqa: E402
from srgan_ab.common.files import atomic_file  # noqa: E402

# Jupyter would name the version of Python here, and differ from machine to machine
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
TIMEOUT = 600  # seconds for one cell


def execute(path: Path, directory: Path) -> nbformat.NotebookNode:
    """The notebook with new outputs, and with nothing in it that tells one run from another.

    Args:
        path: of the notebook, which is not written.
        directory: to run in.

    Raises:
        UserError: a cell failed; the message is the cell's own.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        kernel_name="python3",  # this Python, whatever kernels the user has
        record_timing=False,
        coalesce_streams=True,  # how prints are cut into messages is chance
        resources={"metadata": {"path": str(directory)}},
        config=Config(KernelManager={"transport_encryption": "auto"}),  # without, it warns
    )
    with tempfile.TemporaryDirectory() as settings:
        os.environ["IPYTHONDIR"] = settings  # this process looks there too, for kernels
        try:
            client.execute()
        except CellExecutionError as error:
            raise UserError(f"{path}: {error.evalue}") from error
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata.clear()
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("image/jpeg", None)  # Pillow gives each picture twice
    return notebook


def main() -> None:
    """Run the notebook that the command line names, in place."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebook", type=Path)
    path = parser.parse_args().notebook
    try:
        notebook = execute(path, path.resolve().parent)
    except UserError as error:
        sys.exit(str(error))
    with atomic_file(path) as temporary:
        nbformat.write(notebook, temporary)


if __name__ == "__main__":
    main()

"""docs/sharing.md: what a run has made gets to others, by a folder, by S3 and as a release."""

import hashlib
import json
import re
import shutil
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from PIL import Image
from servers import serve

from .conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.long]
# what macOS has in its place, as the page says
SUMS = {} if shutil.which("sha256sum") else {"sha256sum -c": "shasum -a 256 -c"}
CHECK = f"{SUMS.get('sha256sum -c', 'sha256sum -c')} SHA256SUMS"


@pytest.fixture
def mine(project, tmp_path):
    """A clone with everything that the project has made."""
    clone = project.clone(tmp_path / "mine", cached=True)
    clone.dvc("checkout", "--quiet")
    return clone


def large(root: Path) -> dict[str, str]:
    """Digests of the files that git does not keep."""
    return {
        file.relative_to(root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for folder in ("data", "models")
        for file in (root / folder).rglob("*")
        if file.is_file() and file.name != ".gitignore"
    }


def push_and_pull(mine: Project, theirs: Project) -> None:
    """What stands in the document after a remote was named."""
    mine.shell('git add .dvc/config && git commit -m "Where data and models are kept"')
    mine.shell("dvc push")
    assert "are in sync" in mine.shell("dvc status --cloud")
    theirs.run("git", "pull", "--quiet")
    assert large(theirs.root) == {}
    theirs.shell("dvc pull")
    assert large(theirs.root) == large(mine.root)
    assert "Running stage" not in theirs.dvc("repro")
    assert "up to date" in theirs.dvc("status")
    assert theirs.run("git", "status", "--porcelain") == ""


def test_a_second_clone_gets_everything_from_a_folder(mine, tmp_path):
    theirs = mine.clone(tmp_path / "theirs")
    store = tmp_path / "store"
    mine.shell(
        "dvc remote add --default store /path/to/a/folder", {"/path/to/a/folder": str(store)}
    )
    push_and_pull(mine, theirs)
    files = [file for file in store.rglob("*") if file.is_file()]
    assert files and all(file.is_relative_to(store / "files/md5") for file in files)


def test_one_model_alone(mine, tmp_path):
    theirs = mine.clone(tmp_path / "theirs")
    mine.dvc("remote", "add", "--default", "store", str(tmp_path / "store"))
    mine.commit("store")
    mine.dvc("push", "models/srgan")
    theirs.run("git", "pull", "--quiet")
    theirs.shell("dvc pull models/srgan")
    found = large(theirs.root)
    assert found.keys() == {f for f in large(mine.root) if f.startswith("models/srgan/")}
    (tmp_path / "elsewhere").mkdir()
    elsewhere = Project(tmp_path / "elsewhere")
    repository = "<address of your repository>"
    elsewhere.shell(
        "dvc get <address of your repository> models/srgan/generator.safetensors",
        {repository: str(mine.root)},
    )
    got = tmp_path / "elsewhere/generator.safetensors"
    expected = found["models/srgan/generator.safetensors"]
    assert hashlib.sha256(got.read_bytes()).hexdigest() == expected
    got.unlink()
    mine.shell('git tag --annotate generator@v1.0.0 --message "The first one to be used"')
    elsewhere.shell(
        "dvc artifacts get <address of your repository> generator --rev v1.0.0",
        {repository: str(mine.root)},
    )
    assert hashlib.sha256(got.read_bytes()).hexdigest() == expected


@pytest.mark.extra("s3", "dvc_s3", "moto", "flask")
def test_a_second_clone_gets_everything_from_s3(mine, tmp_path):
    """Moto's server speaks S3's protocol, on this machine alone."""
    from moto.server import ThreadedMotoServer

    theirs = mine.clone(tmp_path / "theirs")
    nothing = tmp_path / "nothing"
    nothing.touch()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        # what another test of this process has stored is still there
        assert httpx.post(f"{endpoint}/moto-api/reset").status_code == 200
        assert httpx.put(f"{endpoint}/bucket").status_code == 200
        for project in (mine, theirs):
            project.environment |= {
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_CONFIG_FILE": str(nothing),  # none of the user's own
                "AWS_SHARED_CREDENTIALS_FILE": str(nothing),
            }
        mine.shell("dvc remote add --default store s3://bucket/srgan-ab")
        mine.shell(
            "dvc remote modify store endpointurl https://s3.example.org",
            {"https://s3.example.org": endpoint},
        )
        push_and_pull(mine, theirs)
        keys = re.findall("<Key>(.*?)</Key>", httpx.get(f"{endpoint}/bucket").text)
        assert keys and all(key.startswith("srgan-ab/files/md5/") for key in keys)
    finally:
        server.stop()


def test_a_release_is_the_same_every_time_and_whole(mine, tmp_path):
    said = mine.shell("make release")
    archive = mine.root / "release/srgan-ab.zip"
    first = archive.read_bytes()
    digest = hashlib.sha256(first).hexdigest()
    assert f"#sha256={digest}" in said
    for file in (mine.root / "models").rglob("*.safetensors"):
        file.chmod(0o600)
        file.touch()
    mine.make("release")
    assert archive.read_bytes() == first
    assert mine.run("git", "status", "--porcelain") == ""

    theirs = Project(tmp_path / "theirs")
    theirs.root.mkdir()
    shutil.copy(archive, theirs.root)
    theirs.shell(
        "python -m zipfile -e srgan-ab.zip . && cd srgan-ab && sha256sum -c SHA256SUMS", SUMS
    )
    folder = Project(theirs.root / "srgan-ab")
    names = {f.relative_to(folder.root).as_posix() for f in folder.root.rglob("*") if f.is_file()}
    models = {f.relative_to(mine.root).as_posix() for f in (mine.root / "models").rglob("*")}
    kept = {n for n in models if re.search(r"(generator|srresnet|replicate_\d)\.safetensors$", n)}
    assert len(kept) == 4 + 8 and kept <= names
    assert {f"{name}.md" for name in kept if "replicate" not in name} <= names
    assert {"params.yaml", "dvc.lock", "metrics/verdict.md", "plots/report.html"} <= names
    assert not [name for name in names if "discriminator" in name or "pretrained" in name]
    (folder.root / "SHA256SUMS").write_text("0" * 64 + "  params.yaml\n")
    assert "FAILED" in folder.run("bash", "-c", CHECK, code=1)
    for path in ("models/b/README.md", "models/srgan/generator.safetensors.md"):
        assert (folder.root / path).read_text().startswith("---\nlicense: unknown\n"), path
    accuracy = json.loads((mine.root / "metrics/b.json").read_text())["accuracy"]
    assert f"| {accuracy:.3f} |" in (folder.root / "models/b/README.md").read_text()
    rows = json.loads(folder.run("srgan-ab", "info", "--format", "json"))
    assert {row["arm"] for row in rows["classifiers"]} == {*"abcrpt", "b_plus", "c_plus"}

    Image.new("RGB", (12, 8), "olive").save(theirs.root / "photo.jpg")
    theirs.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    with serve(**{"srgan-ab.zip": first}) as server:
        said = theirs.shell(
            'srgan-ab upscale photo.jpg --model "https://example.org/srgan-ab.zip#sha256=DIGEST"',
            {"https://example.org": server.address, "DIGEST": digest},
        )
    assert "photo-x4.jpg: 48x32 pixels" in said
    with zipfile.ZipFile(archive) as release:
        expected = release.read("srgan-ab/models/srgan/generator.safetensors")
    (taken,) = (tmp_path / "cache/srgan-ab").rglob("*.safetensors")
    assert expected == taken.read_bytes()


def test_what_is_not_of_one_run_has_no_release(mine):
    def refused() -> str:
        said = mine.run(sys.executable, "tools/release.py", code=1)
        assert said.startswith("release: ") and said.count("\n") == 1, said
        assert not (mine.root / "release").exists()
        return said

    weights = mine.root / "models/b/replicate_0.safetensors"
    kept = weights.read_bytes()
    weights.unlink()
    assert "train_b is not as dvc.lock says (changed outs: models/b modified)" in refused()
    weights.write_bytes(kept)
    changed = mine.params_with({"compare.margin": 0.01})
    with mine.edited("params.yaml", changed):
        assert "check is not as dvc.lock says (changed deps: params.yaml modified)" in refused()
    lock = (mine.root / "dvc.lock").read_text()
    with mine.edited("dvc.lock", lock.replace("stages/train_a.py", "stages/train_z.py", 1)):
        assert "train_a is not as dvc.lock says" in refused()
    with mine.edited("dvc.lock", lock[: len(lock) // 2] + "\n  - {"):
        assert "`dvc status` fails" in refused()
    with mine.edited("params.yaml", mine.params_with({"data.classes": []})):
        assert "data.classes is []" in refused()
    (mine.root / "dvc.lock").unlink()
    assert "is not as dvc.lock says" in refused()

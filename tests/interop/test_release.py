"""What .ci/release makes of the binary of `sam build`, deployed to a local AWS (ministack) by somebody who has the SAM CLI
and neither Rust nor the source."""

import json
import platform
import shutil
import subprocess
import tomllib
import uuid
import zipfile
from pathlib import Path

import pytest

from cloudformation import parsed
from deployment import Deployment, deployed
from servers import REPOSITORY, binary

JOB = str(uuid.UUID(int=1))
SEED = {"queues": [{"name": "render"}], "jobs": [{"jobId": JOB, "jobQueue": "render", "status": "RUNNABLE"}]}
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
TEMPLATE = {"x86_64": "template.yaml", "arm64": "template-arm64.yaml"}[ARCHITECTURE]


def make_release(folder):
    command = [REPOSITORY / ".ci" / "release", "--bootstrap", binary("BOOTSTRAP"), "--output", folder]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
    return folder


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return make_release(tmp_path_factory.mktemp("release"))


class Installed(Deployment):
    """The stack of a release. SAM sees an empty PATH."""

    variables = Deployment.variables | {"PATH": "/nowhere"}

    def place_files(self):
        make_release(self.folder)
        file = self.folder / TEMPLATE
        return file, parsed(file)

    def sam_deploy(self, *options, answers=""):
        return super().sam_deploy("--template-file", TEMPLATE, *options, answers=answers)


def test_zip_holds_the_binary_as_lambda_wants_it(release):
    (archive,) = release.glob("*.zip")
    with zipfile.ZipFile(archive) as archive:
        (entry,) = archive.infolist()
        assert entry.filename == "bootstrap"
        assert oct(entry.external_attr >> 16) == "0o100755"
        assert archive.read(entry) == Path(binary("BOOTSTRAP")).read_bytes()


def test_checksums_cover_every_file(release):
    done = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=release, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    checked = {line.partition(":")[0] for line in done.stdout.splitlines()}
    assert checked == {file.name for file in release.iterdir()} - {"SHA256SUMS"}


def test_the_same_binary_gives_the_same_bytes(release, tmp_path):
    again = make_release(tmp_path)

    assert (again / "SHA256SUMS").read_text() == (release / "SHA256SUMS").read_text()


def test_template_differs_only_in_where_the_code_comes_from(release):
    ours, theirs = parsed(REPOSITORY / "template.yaml"), parsed(release / TEMPLATE)
    (archive,) = release.glob("*.zip")
    function = theirs["Resources"]["Function"]
    assert function["Properties"]["CodeUri"] == archive.name
    assert not function["Metadata"].keys() & {"BuildMethod", "BuildProperties"}
    architecture = theirs["Parameters"]["Architecture"]
    assert (architecture["Default"], architecture["AllowedValues"]) == (ARCHITECTURE, [ARCHITECTURE])

    for template in (ours, theirs):
        del template["Parameters"]["Architecture"]
        template["Resources"]["Function"]["Properties"]["CodeUri"] = "the code"
        for name in ("BuildMethod", "BuildProperties"):
            template["Resources"]["Function"]["Metadata"].pop(name, None)
    assert theirs == ours


def test_notices_accept_the_licences_that_cargo_deny_allows():
    allowed = tomllib.loads((REPOSITORY / "deny.toml").read_text())["licenses"]["allow"]
    assert set(tomllib.loads((REPOSITORY / ".ci" / "about.toml").read_text())["accepted"]) == set(allowed)


def test_an_unrelated_folder_is_not_overwritten(tmp_path):
    (tmp_path / "mine").write_text("keep")
    command = [REPOSITORY / ".ci" / "release", "--bootstrap", binary("BOOTSTRAP"), "--output", tmp_path]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr) == (1, f"error: {tmp_path} holds other files\n")
    assert (tmp_path / "mine").read_text() == "keep"


def test_release_is_deployed_without_cargo_and_cancels(tmp_path):
    assert shutil.which("cargo", path=Installed.variables["PATH"]) is None
    with deployed(tmp_path, SEED, kind=Installed) as deployment:
        assert "Successfully created/updated stack - batch-cancel" in deployment.output

        report = deployment.invoke({"jobIds": [JOB]})

        assert report["summary"] == {"jobs": 1, "cancelled": 1}
        assert deployment.status(JOB) == "FAILED"

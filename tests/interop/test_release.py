"""What .ci/release makes of the binary of `sam build`, deployed to a local AWS (ministack) by somebody who has the SAM CLI
and neither Rust nor the source. And bcancel's archive, unpacked."""

import json
import platform
import re
import shutil
import subprocess
import tarfile
import tomllib
import uuid
import zipfile
from pathlib import Path

import pytest
import yaml

from cloudformation import parsed, transformed
from deployment import Deployment, deployed
from servers import REGION, REPOSITORY, binary

JOB = str(uuid.UUID(int=1))
SEED = {"queues": [{"name": "render"}], "jobs": [{"jobId": JOB, "jobQueue": "render", "status": "RUNNABLE"}]}
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
EXPANDED = "template-expanded.yaml"
TEMPLATE = {"x86_64": "template.yaml", "arm64": "template-arm64.yaml"}[ARCHITECTURE]


def make_release(folder, *options):
    command = [REPOSITORY / ".ci" / "release", "--bootstrap", binary("BOOTSTRAP"), "--output", folder, *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
    return folder


@pytest.fixture(scope="module")
def bcancel(tmp_path_factory):
    """The debug build has 70 MB, which take long to pack. This calls it."""
    script = tmp_path_factory.mktemp("bcancel") / "bcancel"
    script.write_text(f'#!/bin/sh\nexec {binary("BCANCEL")} "$@"\n')
    script.chmod(0o755)
    return script


@pytest.fixture(scope="module")
def release(tmp_path_factory, bcancel):
    return make_release(tmp_path_factory.mktemp("release"), "--bcancel", bcancel)


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


def test_archive_holds_bcancel_and_what_goes_with_it(release, bcancel, tmp_path):
    (packed,) = release.glob("*.tar.gz")
    name = packed.name.removesuffix(".tar.gz")
    assert re.fullmatch(rf"bcancel-\d+\.\d+\.\d+-linux-{ARCHITECTURE}", name)
    with tarfile.open(packed) as archive:
        entries = archive.getmembers()
        archive.extractall(tmp_path, filter="data")
    assert {(entry.name.removeprefix(name), oct(entry.mode)) for entry in entries} == {
        ("", "0o755"),
        ("/LICENSE", "0o644"),
        ("/bcancel", "0o755"),
        ("/completions", "0o755"),
        ("/completions/_bcancel", "0o644"),
        ("/completions/bcancel.bash", "0o644"),
        ("/completions/bcancel.fish", "0o644"),
    }
    commit = subprocess.check_output(["git", "log", "-1", "--format=%ct"], cwd=REPOSITORY)
    assert {(entry.uid, entry.gid, entry.uname, entry.gname, entry.mtime) for entry in entries} == {(0, 0, "", "", int(commit))}

    unpacked = tmp_path / name
    assert (unpacked / "bcancel").read_bytes() == bcancel.read_bytes()
    assert "render" in subprocess.check_output([unpacked / "bcancel", "--emulator", "queues"], text=True)
    subprocess.run(["bash", "-c", ". completions/bcancel.bash && complete -p bcancel"], cwd=unpacked, check=True)
    assert (unpacked / "completions" / "_bcancel").read_text().startswith("#compdef bcancel\n")
    assert "complete -c bcancel " in (unpacked / "completions" / "bcancel.fish").read_text()


def test_without_a_bcancel_there_is_no_archive(tmp_path):
    assert not list(make_release(tmp_path).glob("*.tar.gz"))


def crates(*options):
    """The crates and their features of a build of these packages."""
    command = ["cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none", "--no-dedupe", "--format", "{p} {f}"]
    return set(subprocess.check_output([*command, *options], cwd=REPOSITORY, text=True).splitlines())


def test_nothing_of_the_command_line_gets_into_the_function():
    # The packages that cargo takes by itself are those of `sam build` and .ci/release.
    function = crates()
    alone = ["--package", "batch-cancel", "--package", "batch-emulator"]

    assert function == crates(*alone)
    # Built together, it would have other features.
    assert function - crates(*alone, "--package", "bcancel")


def test_checksums_cover_every_file(release):
    done = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=release, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    checked = {line.partition(":")[0] for line in done.stdout.splitlines()}
    files = {str(file.relative_to(release)) for file in release.rglob("*") if file.is_file()}
    assert checked == files - {"SHA256SUMS"}
    assert {"stacks/sweep.yaml", "stacks/lists.yaml", "stacks/dashboard.yaml", "stacks/samconfig.toml"} <= files


def test_the_same_binary_gives_the_same_bytes(release, bcancel, tmp_path):
    again = make_release(tmp_path, "--bcancel", bcancel)

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


def test_the_expanded_template_is_what_the_transform_makes(release):
    ours, theirs = transformed(), yaml.safe_load((release / EXPANDED).read_text())
    code = theirs["Resources"]["Function"]["Properties"].pop("Code")
    assert code == {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}}
    added = {name: theirs["Parameters"].pop(name) for name in ("CodeBucket", "CodeKey")}
    assert "Default" not in added["CodeBucket"]
    (archive,) = release.glob("*.zip")
    assert added["CodeKey"]["Default"] == archive.name
    # Nothing else of it differs, but for what says where the code is from.
    assert theirs["Parameters"]["Architecture"].pop("Description") != ours["Parameters"]["Architecture"]["Description"]
    ours = json.loads(json.dumps(ours))
    del ours["Parameters"]["Architecture"]["Description"], ours["Resources"]["Function"]["Properties"]["Code"]
    for resource in ours["Resources"].values():
        for name in ("BuildMethod", "BuildProperties"):
            resource.get("Metadata", {}).pop(name, None)
    del ours["Metadata"], theirs["Metadata"]
    assert theirs == ours


def test_the_expanded_template_is_plain_cloudformation_for_each_partition_and_region(release):
    text = (release / EXPANDED).read_text()
    assert "Transform:" not in text and "AWS::Serverless" not in text
    assert not re.findall(r"arn:aws:|us-east-1|eu-west-1", text.replace("arn:aws:iam::aws:policy", ""))
    lint = [Path(binary("SAM")).with_name("cfn-lint"), "--format", "json", "--include-checks", "I", "W", "E", "--"]
    done = subprocess.run([*lint, release / EXPANDED], stdout=subprocess.PIPE, text=True)
    found = {(match["Rule"]["Id"], match["Location"]["Path"][1]) for match in json.loads(done.stdout)}
    # Parameters that only say where they moved are used by nothing.
    assert found == {("W2001", name) for name in ("SweepSchedule", "SweepRequest", "DashboardQueue", "ListBucket")}


class Expanded(Installed):
    """The stack, made of the template without a transform, as a StackSet or Service Catalog makes it."""

    def place_files(self):
        make_release(self.folder)
        file = self.folder / EXPANDED
        return file, yaml.safe_load(file.read_text())

    def deploy_first(self):
        s3, cloudformation = self.client("s3"), self.client("cloudformation")
        s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
        (archive,) = self.folder.glob("*.zip")
        for file in (archive, self.folder / EXPANDED):
            s3.put_object(Bucket="code", Key=file.name, Body=file.read_bytes())
        given = self.given | {"CodeBucket": "code", "Architecture": ARCHITECTURE}
        cloudformation.create_stack(
            StackName="batch-cancel",
            TemplateURL=f"{self.aws}/code/{EXPANDED}",
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        cloudformation.get_waiter("stack_create_complete").wait(StackName="batch-cancel", WaiterConfig={"Delay": 1})
        return ""


def test_the_expanded_template_is_deployed_and_cancels(tmp_path):
    with deployed(tmp_path, SEED, kind=Expanded) as deployment:
        report = deployment.invoke({"jobIds": [JOB]})

        assert report["summary"] == {"jobs": 1, "cancelled": 1}
        assert deployment.status(JOB) == "FAILED"
        assert deployment.report_of(JOB)["source"] == "direct"
        # A companion of the release finds it as it finds the other one.
        assert deployment.companion("dashboard", JobQueue="render")["DashboardUrl"]


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

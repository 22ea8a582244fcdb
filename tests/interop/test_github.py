"""What GitHub reads of this repository: it has the form that GitHub documents, and zizmor finds no hole in the workflows."""

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from servers import REPOSITORY, binary

GITHUB = REPOSITORY / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").iterdir())
SCHEMAS = {
    "vendor.github-workflows": WORKFLOWS,
    "vendor.dependabot": [GITHUB / "dependabot.yml"],
}


def run(tool, *arguments):
    """The exit code and the output of a tool, which asks nobody."""
    tools = Path(binary("GITHUB_PYTHON")).parent
    ended = subprocess.run(
        [tools / tool, *arguments], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60
    )
    return ended.returncode, ended.stdout


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_have_the_form_that_github_documents(schema, tmp_path):
    assert SCHEMAS[schema]
    code, output = run("check-jsonschema", "--builtin-schema", schema, *SCHEMAS[schema])
    assert code == 0, output
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(SCHEMAS[schema][0].read_text().replace("schedule:", "timetable:").replace("runs-on:", "runs_on:"))
    assert run("check-jsonschema", "--builtin-schema", schema, wrong)[0] == 1


def test_zizmor_finds_nothing(tmp_path):
    code, output = run("zizmor", "--offline", "--no-progress", GITHUB)
    assert code == 0, output
    unpinned = tmp_path / "checks.yml"
    unpinned.write_text(re.sub(r"@\w{40} #.*", "@main", (GITHUB / "workflows" / "checks.yml").read_text()))
    assert run("zizmor", "--offline", "--no-progress", unpinned)[0] != 0


def test_what_workflows_run_is_there():
    text = "\n".join(file.read_text() for file in WORKFLOWS)
    scripts = set(re.findall(r"\.ci/\w+", text))
    assert {".ci/run", ".ci/release"} <= scripts
    assert all((REPOSITORY / script).exists() for script in scripts)


def test_a_release_is_one_archive_with_what_is_attested_and_its_section_of_the_changelog(tmp_path):
    """The step of the workflow, with a folder as .ci/release makes it."""
    steps = yaml.safe_load((GITHUB / "workflows" / "release.yml").read_text())["jobs"]["release"]["steps"]
    (script,) = (step["run"] for step in steps if "notes.md" in step.get("run", "") and "gh release" not in step["run"])
    folder = tmp_path / "target" / "batch-cancel-0.3.0"
    folder.mkdir(parents=True)
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  stacks/sweep.yaml\n")
    shutil.copy(REPOSITORY / "CHANGELOG.md", tmp_path)
    environment = {"PATH": os.environ["PATH"], "GITHUB_REF_NAME": "v0.3.0"}
    subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=tmp_path, env=environment, check=True)
    archive = folder.parent / "batch-cancel-0.3.0.tar.gz"
    subjects = dict(line.split("  ")[::-1] for line in (folder.parent / "subjects").read_text().splitlines())
    assert subjects == {
        "stacks/sweep.yaml": "0" * 64,
        archive.name: hashlib.sha256(archive.read_bytes()).hexdigest(),
    }
    assert tarfile.open(archive).getnames() == ["batch-cancel-0.3.0", "batch-cancel-0.3.0/SHA256SUMS"]
    notes = (folder.parent / "notes.md").read_text()
    assert "**`bcancel`, the [command line]" in notes and "## [" not in notes and "The first release" not in notes


def test_dependabot_knows_each_folder_with_dependencies():
    updates = yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]
    known = {
        (update["package-ecosystem"], folder)
        for update in updates
        for folder in update.get("directories", [update.get("directory")])
    }
    tracked = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    kinds = {"Cargo.lock": "cargo", "package.json": "npm"} | {
        Path(name).name: "pip" for name in tracked if re.fullmatch(r"requirements.*\.txt", Path(name).name)
    }
    there = {(kinds[path.name], f"/{path.parent}".rstrip(".")) for name in tracked if (path := Path(name)).name in kinds}
    assert known == there | {("github-actions", "/")}


FORMS = [file for file in sorted((GITHUB / "ISSUE_TEMPLATE").iterdir()) if file.name != "config.yml"]


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.name)
def test_issue_forms_ask_each_question_once_and_say_what_they_are_for(file):
    """The rules that https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests
    /syntax-for-issue-forms names."""
    form = yaml.safe_load(file.read_text())
    assert form.keys() >= {"name", "description", "body"} and form.keys() <= {"name", "description", "body", "labels", "title"}
    questions = [part for part in form["body"] if part["type"] != "markdown"]
    assert questions
    for part in form["body"]:
        assert part["type"] in ("checkboxes", "dropdown", "input", "markdown", "textarea")
        assert ("value" if part["type"] == "markdown" else "label") in part["attributes"]
    ids, labels = [part["id"] for part in questions], [part["attributes"]["label"] for part in questions]
    assert len(set(ids)) == len(ids) and len(set(labels)) == len(labels)

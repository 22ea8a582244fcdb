"""A first deployment as README says it, without a dialogue: three commands from a clone to the answer of a dry run. The
first of them, `sam build`, is in tests/interop/run."""

import json
import re
import shlex
import subprocess
import uuid

import pytest

from deployment import Deployment, deployed
from documents import commands
from servers import REPOSITORY, binary, plain_environment

JOB = str(uuid.UUID(int=1))
SEED = {"queues": [{"name": "render"}], "jobs": [{"jobId": JOB, "jobQueue": "render", "status": "RUNNABLE"}]}


def shown(page):
    """The commands of the first block that deploys, on a page."""
    blocks = re.findall(r"```console\n(.*?)```", (REPOSITORY / page).read_text(), re.DOTALL)
    (block, *_) = (text for text in blocks if "sam deploy" in text)
    return [command for command, _ in commands(block)]


class First(Deployment):
    """The stack, deployed by the command that README shows; what it shows of an endpoint is AWS's own."""

    def deploy_first(self):
        (command,) = (shlex.split(command) for command in shown("README.md") if command.startswith("sam deploy"))
        return self.sam_deploy(*command[2:], f"BatchEndpointUrl={self.batch}", answers="y\n")


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    with deployed(tmp_path_factory.mktemp("user"), SEED, kind=First) as deployment:
        yield deployment


def test_readme_and_deploy_page_show_the_same_commands():
    ours = [command for command in shown("README.md") if not command.startswith("pip ")]
    assert [command.split()[:2] for command in ours] == [["sam", "build"], ["sam", "deploy"], ["sam", "remote"]]
    assert ours == shown("docs/deploy.md")


def test_it_asks_for_one_y(deployment):
    assert deployment.output.count("[y/N]") == 1
    assert "Parameter AllowedJobQueues" not in deployment.output
    assert "Successfully created/updated stack - batch-cancel" in deployment.output


def test_the_third_command_prints_the_answer_of_a_dry_run(deployment):
    (command,) = (command for command in shown("README.md") if command.startswith("sam remote"))
    done = subprocess.run(
        [binary("SAM"), *shlex.split(command.replace("1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01", JOB))[1:]],
        cwd=deployment.folder,
        env=plain_environment(**deployment.variables, AWS_ENDPOINT_URL=deployment.aws),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["dryRun"], report["summary"]) == (True, {"jobs": 1, "wouldCancel": 1})
    assert deployment.status(JOB) == "RUNNABLE"


def test_the_next_deployment_changes_one_parameter_and_keeps_the_others(deployment):
    deployment.change(DryRun="false")
    variables = deployment.function["Environment"]["Variables"]
    assert (variables["DRY_RUN"], variables["ALLOWED_QUEUES"]) == ("false", "render")
    assert deployment.invoke({"jobIds": [JOB]})["summary"] == {"jobs": 1, "cancelled": 1}

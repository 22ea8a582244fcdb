"""Takes one thing after another out of each template, and wants the templates' tests to notice each.

    tests/interop/mutate_template [FILE…]      (after tests/interop/run, whose Python packages and tools it uses)

Taken out are: each resource, each statement of a policy, each action, resource and condition of a statement, each variable,
each dead-letter queue and retry policy, each condition of a resource, each rule, each output and each export. It takes some
minutes, so it is no part of .ci/run. The exit code is 1 if a mutation was not noticed."""

import copy
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cloudformation import COMPANIONS, CORE, transformed

HERE = Path(__file__).parent
TESTS = {CORE: ["test_template.py"]} | dict.fromkeys(COMPANIONS, ["test_stacks.py", "test_template.py"])
# Properties that are taken out wherever they stand.
SAFEGUARDS = {
    "AccessLogSettings",
    "AlarmActions",
    "DeadLetterConfig",
    "DefaultRouteSettings",
    "DelaySeconds",
    "DestinationConfig",
    "EncryptionConfiguration",
    "Export",
    "FunctionResponseTypes",
    "KmsKeyArn",
    "KmsKeyId",
    "KmsMasterKeyId",
    "LoggingConfig",
    "LoggingConfiguration",
    "MaxConcurrency",
    "MaxInputBytesPerBatch",
    "MaximumEventAgeInSeconds",
    "OKActions",
    "PermissionsBoundary",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "ReservedConcurrentExecutions",
    "ResultWriter",
    "RetentionInDays",
    "Retry",
    "RetryPolicy",
    "ScalingConfig",
    "ScheduleExpressionTimezone",
    "SqsManagedSseEnabled",
    "State",
    "ToleratedFailurePercentage",
    "TracingConfig",
    "TracingConfiguration",
    "TreatMissingData",
    "VisibilityTimeout",
    "VpcConfig",
    "WarmUpConfiguration",
    "security",
}


def is_statement(node):
    return isinstance(node, dict) and "Effect" in node


def paths(node, path=()):
    """The paths of everything that is taken out."""
    if is_statement(node):
        yield path
        for part in ("Action", "Resource"):
            if isinstance(node.get(part), list):
                yield from (path + (part, index) for index in range(len(node[part])))
        yield from (path + ("Condition", operator) for operator in node.get("Condition", {}))
        yield from (
            path + ("Condition", operator, key)
            for operator, keys in node.get("Condition", {}).items()
            if isinstance(keys, dict)
            for key in keys
        )
    if isinstance(node, dict):
        for key, value in node.items():
            here = path + (key,)
            if key in SAFEGUARDS or (path and path[-1] == "Variables"):
                yield here
            yield from paths(value, here)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from paths(value, path + (index,))


def mutations(template):
    resources = template["Resources"]
    for name, resource in resources.items():
        yield ("Resources", name)
        if "Condition" in resource:
            yield ("Resources", name, "Condition")
    yield from paths(resources, ("Resources",))
    yield from (("Rules", name) for name in template.get("Rules", {}))
    yield from (("Outputs", name) for name in template["Outputs"])
    yield from paths(template["Outputs"], ("Outputs",))


def without(template, path):
    mutated = copy.deepcopy(template)
    node = mutated
    for key in path[:-1]:
        node = node[key]
    del node[path[-1]]
    return mutated


def run_tests(file, template):
    """Whether the tests of `file` pass with `template` in its place."""
    with tempfile.TemporaryDirectory() as folder:
        for name in (CORE, *COMPANIONS):
            given = Path(folder) / Path(name).with_suffix(".json").name
            given.write_text(json.dumps(template if name == file else transformed(name)))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-x", *TESTS[file]],
            cwd=HERE,
            env=os.environ | {"TRANSFORMED_TEMPLATES": folder},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    # 1: a test failed. Anything else is no answer.
    assert done.returncode in (0, 1), done.stdout
    return done.returncode == 0


def mutate(file):
    """Mutates a template, and returns the mutations that were not noticed."""
    template = transformed(file)
    assert run_tests(file, template), f"{file}: its tests fail without a mutation"
    found = list(dict.fromkeys(mutations(template)))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        passed = list(pool.map(lambda path: run_tests(file, without(template, path)), found))
    missed = [path for path, is_missed in zip(found, passed) if is_missed]
    for path in missed:
        print("not noticed:", ".".join(map(str, path)))
    print(f"{file}: {len(found)} mutations, {len(found) - len(missed)} noticed", flush=True)
    return missed


def main():
    missed = [mutate(file) for file in sys.argv[1:] or (CORE, *COMPANIONS)]
    return 1 if any(missed) else 0


if __name__ == "__main__":
    sys.exit(main())

"""Takes one thing after another out of the template, and wants the template's tests to notice each.

    tests/interop/mutate_template      (after tests/interop/run, whose Python packages and tools it uses)

Taken out are: each resource, each statement of a policy, each action, resource and condition of a statement, each variable,
each dead-letter queue and retry policy, each condition of a resource, each rule and each output. It takes some minutes, so it
is no part of .ci/run. The exit code is 1 if a mutation was not noticed."""

import copy
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cloudformation import transformed

HERE = Path(__file__).parent
# Properties that are taken out wherever they stand.
SAFEGUARDS = {
    "AccessLogSettings",
    "AlarmActions",
    "DeadLetterConfig",
    "DefaultRouteSettings",
    "DelaySeconds",
    "DestinationConfig",
    "FunctionResponseTypes",
    "KmsKeyArn",
    "KmsKeyId",
    "KmsMasterKeyId",
    "LoggingConfig",
    "MaximumEventAgeInSeconds",
    "OKActions",
    "PermissionsBoundary",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "ReservedConcurrentExecutions",
    "RetentionInDays",
    "RetryPolicy",
    "ScalingConfig",
    "SqsManagedSseEnabled",
    "State",
    "TracingConfig",
    "TreatMissingData",
    "VisibilityTimeout",
    "VpcConfig",
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
    yield from (("Rules", name) for name in template["Rules"])
    yield from (("Outputs", name) for name in template["Outputs"])


def without(template, path):
    mutated = copy.deepcopy(template)
    node = mutated
    for key in path[:-1]:
        node = node[key]
    del node[path[-1]]
    return mutated


def is_noticed(template, path):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(without(template, path), file)
        file.flush()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-x", "test_template.py"],
            cwd=HERE,
            env=os.environ | {"TRANSFORMED_TEMPLATE": file.name},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return done.returncode != 0


def main():
    template = transformed()
    found = list(dict.fromkeys(mutations(template)))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        noticed = list(pool.map(lambda path: is_noticed(template, path), found))
    missed = [path for path, is_found in zip(found, noticed) if not is_found]
    for path in missed:
        print("not noticed:", ".".join(map(str, path)))
    print(f"{len(found)} mutations of the template, {len(found) - len(missed)} noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

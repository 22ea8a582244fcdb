"""The resources that CloudFormation would create: the SAM transform, then parameters, conditions and functions."""

import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path

from servers import REPOSITORY, binary

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/batch-cancel/3f2b1c70-c6a1-11ee-8d2f-0a1b2c3d4e5f",
    "AWS::StackName": "batch-cancel",
    "AWS::URLSuffix": "amazonaws.com",
}
# samtranslator comes with the SAM CLI, in a virtual environment of its own.
TRANSFORM = """
import json, sys
from types import SimpleNamespace
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse
template = yaml_parse(open(sys.argv[1]).read())
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["CodeUri"] = "s3://bucket/key"
json.dump(transform(template, {}, SimpleNamespace(load=dict)), sys.stdout)
"""
REMOVED = object()


@cache
def transformed():
    """template.yaml after the SAM transform; or what stands in the file TRANSFORMED_TEMPLATE, for mutate_template."""
    if file := os.environ.get("TRANSFORMED_TEMPLATE"):
        return json.loads(Path(file).read_text())
    command = [binary("SAM_PYTHON"), "-c", TRANSFORM, str(REPOSITORY / "template.yaml")]
    environment = os.environ | {"AWS_DEFAULT_REGION": PSEUDO["AWS::Region"]}
    return json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)


def stack(**parameters):
    """The resources of a stack with these parameters; `GetAtt` of X.Y reads `<X.Y>`, `Ref` of a resource `<X>`."""
    return Stack(transformed(), parameters).resources()


def refusals(**parameters):
    """Why CloudFormation would not create a stack with these parameters, by the template's rules."""
    return Stack(transformed(), parameters).refusals()


def of_type(resources, kind):
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


class Stack:
    def __init__(self, template, parameters):
        self._template = template
        defaults = {name: body["Default"] for name, body in template["Parameters"].items() if "Default" in body}
        unknown = parameters.keys() - template["Parameters"].keys()
        assert not unknown, f"the template has no parameter {unknown}"
        lists = {name for name, body in template["Parameters"].items() if body["Type"] == "CommaDelimitedList"}
        given = {name: value.split(",") if name in lists else value for name, value in (defaults | parameters).items()}
        self._values = PSEUDO | given
        missing = template["Parameters"].keys() - self._values.keys()
        assert not missing, f"no value for {missing}"

    def resources(self):
        return {
            name: self._value({key: part for key, part in resource.items() if key != "Condition"})
            for name, resource in self._template["Resources"].items()
            if "Condition" not in resource or self._condition(resource["Condition"])
        }

    def refusals(self):
        rules = self._template["Rules"].values()
        applied = [rule for rule in rules if self._value(rule["RuleCondition"])]
        assertions = [assertion for rule in applied for assertion in rule["Assertions"]]
        return [found["AssertDescription"] for found in assertions if not self._value(found["Assert"])]

    def _condition(self, name):
        return self._value(self._template["Conditions"][name])

    def _value(self, node):
        if isinstance(node, list):
            return [value for value in map(self._value, node) if value is not REMOVED]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument) = next(iter(node.items()))
            if function := self._functions().get(name):
                return function(argument)
            assert not name.startswith("Fn::"), f"{name} is unknown here"
        values = {name: self._value(value) for name, value in node.items()}
        return {name: value for name, value in values.items() if value is not REMOVED}

    def _functions(self):
        return {
            "Ref": self._ref,
            "Condition": self._condition,
            "Fn::Equals": lambda pair: str(self._value(pair[0])) == str(self._value(pair[1])),
            "Fn::EachMemberEquals": lambda pair: all(member == pair[1] for member in self._value(pair[0])),
            "Fn::Or": lambda conditions: any(self._value(condition) for condition in conditions),
            "Fn::Not": lambda condition: not self._value(condition[0]),
            "Fn::If": lambda choice: self._value(choice[1] if self._condition(choice[0]) else choice[2]),
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": lambda path: f"<{path if isinstance(path, str) else '.'.join(path)}>",
            "Fn::Select": lambda pair: self._value(pair[1])[int(pair[0])],
            "Fn::Split": lambda pair: self._value(pair[1]).split(pair[0]),
            "Fn::Join": lambda pair: pair[0].join(self._value(pair[1])),
            "Fn::Sub": self._substitute,
        }

    def _ref(self, name):
        if name == "AWS::NoValue":
            return REMOVED
        return self._values.get(name, f"<{name}>")

    def _find_in_map(self, path):
        table, first, second = (str(self._value(part)) for part in path)
        return self._template["Mappings"][table][first][second]

    def _substitute(self, argument):
        text, own = (argument, {}) if isinstance(argument, str) else argument
        own = {name: self._value(value) for name, value in own.items()}
        return re.sub(r"\$\{([^!}]+)\}", lambda match: str(own.get(match[1], self._ref(match[1]))), text)

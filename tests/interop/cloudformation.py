"""The resources that CloudFormation would create of template.yaml or of a file of stacks/: the SAM transform, then
parameters, conditions and functions."""

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
CORE = "template.yaml"
COMPANIONS = ("stacks/sweep.yaml", "stacks/lists.yaml", "stacks/dashboard.yaml")


@cache
def transformed(file=CORE):
    """A template of the repository after the SAM transform; or what stands in its place in the folder
    TRANSFORMED_TEMPLATES, for mutate_template."""
    if folder := os.environ.get("TRANSFORMED_TEMPLATES"):
        mutated = Path(folder) / Path(file).with_suffix(".json").name
        if mutated.exists():
            return json.loads(mutated.read_text())
    return transform(REPOSITORY / file)


def transform(path):
    """Any template after the SAM transform."""
    command = [binary("SAM_PYTHON"), "-c", TRANSFORM, str(path)]
    environment = os.environ | {"AWS_DEFAULT_REGION": PSEUDO["AWS::Region"]}
    return json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)


PARSE = "import json, sys; from samtranslator.yaml_helper import yaml_parse; json.dump(yaml_parse(open(sys.argv[1])), sys.stdout)"


def parsed(path):
    """A template whose intrinsic functions have their long names."""
    command = [binary("SAM_PYTHON"), "-c", PARSE, str(path)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def stack(file=CORE, **parameters):
    """The resources of a stack with these parameters; `GetAtt` of X.Y reads `<X.Y>`, `Ref` of a resource `<X>`, the
    export of another stack `<import of X>`, what is split off one of them `<part N of X>`."""
    return Stack(transformed(file), parameters).resources()


def outputs(file=CORE, **parameters):
    """The outputs of such a stack."""
    return Stack(transformed(file), parameters).outputs()


def refusals(**parameters):
    """Why CloudFormation would not create a stack with these parameters, by the template's rules."""
    return Stack(transformed(), parameters).refusals()


def of_type(resources, kind):
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def listed(value):
    return value if isinstance(value, list) else [value]


def statements(document):
    document = json.loads(document) if isinstance(document, str) else document
    assert document["Version"] == "2012-10-17"
    return document["Statement"]


def statements_of_role(role, effect):
    """The statements of a role that allow, or those that deny."""
    assert "ManagedPolicyArns" not in role["Properties"]
    policies = role["Properties"]["Policies"]
    found = [statement for policy in policies for statement in statements(policy["PolicyDocument"])]
    return [statement for statement in found if statement["Effect"] == effect]


def grants(some):
    """action → resource or resources, of statements in each of which an action stands once."""
    pairs = [(action, statement["Resource"]) for statement in some for action in listed(statement["Action"])]
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


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
        return self._there("Resources")

    def outputs(self):
        return self._there("Outputs")

    def _there(self, section):
        return {
            name: self._value({key: part for key, part in found.items() if key != "Condition"})
            for name, found in self._template[section].items()
            if "Condition" not in found or self._condition(found["Condition"])
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
            "Fn::ImportValue": lambda name: f"<import of {self._value(name)}>",
            "Fn::GetAtt": lambda path: f"<{path if isinstance(path, str) else '.'.join(path)}>",
            "Fn::Select": self._select,
            "Fn::Split": lambda pair: self._value(pair[1]).split(pair[0]),
            "Fn::Join": lambda pair: pair[0].join(self._value(pair[1])),
            "Fn::Sub": self._substitute,
        }

    def _ref(self, name):
        if name == "AWS::NoValue":
            return REMOVED
        return self._values.get(name, f"<{name}>")

    def _select(self, pair):
        index, parts = int(pair[0]), self._value(pair[1])
        # Of what is known after the deployment only, there are no parts yet.
        return f"<part {index} of {parts[0].strip('<>')}>" if len(parts) == 1 and parts[0][:1] == "<" else parts[index]

    def _find_in_map(self, path):
        table, first, second = (str(self._value(part)) for part in path)
        return self._template["Mappings"][table][first][second]

    def _substitute(self, argument):
        text, own = (argument, {}) if isinstance(argument, str) else argument
        own = {name: self._value(value) for name, value in own.items()}
        return re.sub(r"\$\{([^!}]+)\}", lambda match: str(own.get(match[1], self._ref(match[1]))), text)

"""Each list in the documentation is that of the code, of the template or of the OpenAPI document, in both directions."""

import json
import re
import subprocess

import yaml

from documents import FILES, PAGES, REFERENCE, blocks, code, none, place, rows, spans
from servers import REPOSITORY, binary, plain_environment

README, DOCS = REPOSITORY / "README.md", REPOSITORY / "docs"
CONFIGURATION, COSTS, HTTP = DOCS / "configuration.md", DOCS / "costs.md", DOCS / "http.md"
REQUEST, RESULTS = DOCS / "request.md", DOCS / "results.md"


def source(name):
    """The text of a file of the function, without its tests."""
    return (REPOSITORY / "src" / name).read_text().split("#[cfg(test)]")[0]


def body(text, function):
    """The body of a method of Rust code."""
    return text.split(f"fn {function}(", 1)[1].split("\n    }\n", 1)[0].split("\n}\n", 1)[0]


def camel(name):
    return name[0].lower() + name[1:]


class Template(yaml.SafeLoader):
    """CloudFormation without its functions."""


Template.add_multi_constructor("!", lambda loader, suffix, node: None)
TEMPLATE = yaml.load((REPOSITORY / "template.yaml").read_text(), Template)
PARAMETERS = TEMPLATE["Parameters"]
COMPANIONS = {file.stem: yaml.load(file.read_text(), Template) for file in (REPOSITORY / "stacks").glob("*.yaml")}


def test_variables_are_those_of_the_function():
    """That each parameter is there is in test_template.py."""
    variables, parameters = set(), {}
    for names, parameter, default, _ in rows(CONFIGURATION, None, "Variable"):
        variables.update(code(names))
        parameters |= {name: default for name in code(parameter)}
    read = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', source("config.rs")))
    assert variables == read | {"AWS_ENDPOINT_URL_BATCH"}
    none(parameters.keys() - PARAMETERS.keys())
    for name, cell in parameters.items():
        default = str(PARAMETERS[name].get("Default", ""))
        if own := re.search("the parameter: (?:`(.*)`|empty)", cell):
            assert (own[1] or "") == default, name
        elif cell.startswith("empty"):
            assert default == "", name
        elif cell.startswith("`"):
            assert code(cell)[0] == default, name


def test_parameters_of_companions_are_those_of_their_templates():
    documented = {}
    for parameter, of, default, _ in rows(CONFIGURATION, "Companions", "Parameter"):
        for companion in sorted(COMPANIONS) if of == "each" else of.split(", "):
            (name,) = code(parameter)
            documented.setdefault(companion, {})[name] = "" if default.startswith("empty") else "".join(code(default))
    assert documented == {
        companion: {name: str(body.get("Default", "")) for name, body in template["Parameters"].items()}
        for companion, template in COMPANIONS.items()
    }


def parameters_of(command):
    """Those of the template that a command of sam deploys."""
    companion = re.search(r"--template-file stacks/(\w+)\.yaml", command)
    return COMPANIONS[companion[1]]["Parameters"] if companion else PARAMETERS


def test_parameters_in_commands_are_those_of_the_template():
    """`Name=value` after --parameter-overrides of sam, and in the text."""
    given = [
        (block.place, name, name in parameters_of(command))
        for block in blocks(pages=PAGES)
        for command in re.findall(r"sam (?:deploy|build)(?:[^\n]|\\\n)*", block.text)
        for name in re.findall(r"(?<=[ '])([A-Z]\w+)=", command.partition("--parameter-overrides")[2])
    ]
    assert len(given) > 10
    everywhere = PARAMETERS.keys() | {name for template in COMPANIONS.values() for name in template["Parameters"]}
    in_text = ((page, span) for page in REFERENCE for span in spans(page))
    given += [(place(page), name, name in everywhere) for page, span in in_text for name in re.findall(r"^'?([A-Z][a-z]\w+)=", span)]
    none({f"{at}: {name}" for at, name, is_there in given if not is_there})


def test_outputs_are_those_of_the_template():
    documented = [name for names, _ in rows(CONFIGURATION, "Outputs", "Output") for name in code(names)]
    assert sorted(documented) == sorted(TEMPLATE["Outputs"])
    of_companions = [(of, code(name)[0]) for of, name, _ in rows(CONFIGURATION, "Companions", "Output of")]
    assert sorted(of_companions) == sorted((of, name) for of, template in COMPANIONS.items() for name in template["Outputs"])
    used = {
        (block.place, stack, name)
        for block in blocks()
        for stack, name in re.findall(r"(?<!end-children )\b(?:STACK=batch-cancel-(\w+) )?output ([A-Z]\w+)\)", block.text)
    }
    assert len(used) > 5
    none({f"{at}: {name}" for at, stack, name in used if name not in COMPANIONS.get(stack, TEMPLATE)["Outputs"]})


def outcomes():
    """Each outcome with its class and the status that DELETE answers."""
    text, http = source("report/outcome.rs"), body(source("respond/http.rs"), "result_body")
    names = re.findall(r"^    (\w+),$", text.split("pub enum Outcome {")[1].split("\n}")[0], re.MULTILINE)
    arms = re.findall(r"((?:Self::\w+[\s|]*)+)=>\s*\{?\s*Class::(\w+)", body(text, "class"))
    classes = {name: kind for some, kind in arms for name in re.findall(r"Self::(\w+)", some)}
    arms = re.findall(r"((?:Outcome::\w+[\s|]*)+)=>\s*\{?\s*(?:StatusCode::(\w+)|return Ok)", http)
    statuses = {name: status or "OK" for some, status in arms for name in re.findall(r"Outcome::(\w+)", some)}
    numbers = {
        "OK": 200,
        "BAD_REQUEST": 400,
        "FORBIDDEN": 403,
        "NOT_FOUND": 404,
        "CONFLICT": 409,
        "BAD_GATEWAY": 502,
        "SERVICE_UNAVAILABLE": 503,
    }
    # That its time has not come is a class of its own in the code only.
    kinds = {"TooSoon": "retryable"}
    return {camel(name): (kinds.get(classes[name], camel(classes[name])), numbers[statuses[name]]) for name in names}


def test_outcomes_are_those_of_the_function():
    documented = {
        outcome: (kind.split(",")[0], int(status or 200))  # DELETE has no maxJobs, so overLimit has no status
        for names, _, kind, status in rows(RESULTS, "Outcomes", "Outcome")
        for outcome in code(names)
    }
    assert documented == outcomes()
    summary = {
        outcome: kind for kind, names, _ in rows(README, "Outcomes", "Class") for outcome in code(names)
    }
    assert summary == {outcome: kind for outcome, (kind, _) in outcomes().items()}


# What else has a capital in the lines of metrics: the words of the embedded metric format, dimensions and properties.
NO_METRICS = (
    "CloudWatchMetrics Count Dimensions Milliseconds Metrics Name Namespace Seconds Timestamp Unit "
    "ErrorType FunctionName HttpStatus JobQueueName Source"
).split()


def metrics():
    """The metrics of an invocation, and those of a queue."""
    text, queues = source("telemetry/metrics.rs").split("fn queue_metrics(")
    sent = set(re.findall(r'"([A-Z][A-Za-z]+)"', text)) - {"Jobs", *NO_METRICS}
    of_queues = set(re.findall(r'"([A-Z][A-Za-z]+)"', queues)) - set(NO_METRICS)
    of_outcomes = {f"Jobs{outcome[0].upper()}{outcome[1:]}" for outcome in outcomes()}
    assert len(sent) > 8 and of_queues
    return sent | of_outcomes, of_queues


def test_metrics_are_those_of_the_function():
    sent, of_queues = metrics()
    documented = [name for names, *_ in rows(RESULTS, "Metrics", "Metric") for name in code(names)]
    assert len(documented) == len(set(documented))
    assert set(documented) == sent | of_queues


def test_routes_and_their_statuses_are_those_of_the_openapi_document():
    run = subprocess.run(
        [binary("BCANCEL"), "event", REPOSITORY / "events" / "http-v2-openapi.json"],
        env=plain_environment(),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    document = run.stdout
    routes = {}
    for path, item in json.loads(document)["paths"].items():
        for method in item.keys() & {"get", "post", "put", "patch", "delete"}:
            operation = item[method]
            query = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"}
            routes[f"{method.upper()} {path}"] = (query, {int(status) for status in operation["responses"]})
    documented = {}
    for route, _, statuses in rows(HTTP, "HTTP", "Route"):
        route, _, query = code(route)[0].partition("?")
        numbers = {int(status) for status in statuses.split(", ")}
        documented[route] = (set(re.findall(r"(\w+)=", query)), numbers)
    assert documented == routes
    meanings = {int(status) for status, *_ in rows(HTTP, "Errors", "Status")}
    assert meanings == {status for _, statuses in routes.values() for status in statuses} - {200}


def test_error_types_are_those_of_the_function():
    types = set(re.findall(r'=> "(\w+)"', body(source("session/queue.rs"), "error_type")))
    for file, enum in [("command/refused.rs", "RequestRefused"), ("respond/failure.rs", "Failure")]:
        variants = source(file).split(f"pub enum {enum} {{")[1].split("\n}")[0]
        types |= set(re.findall(r"^    ([A-Z]\w+)", variants, re.MULTILINE))
    # Two that are named as another, or as what they hold.
    types -= {"NoQueue", "Event"}
    assert len(types) > 8
    documented = [name for names, *_ in rows(RESULTS, "Errors", "Error type") for name in code(names)]
    assert sorted(documented) == sorted(types)
    (problem,) = re.findall(r'kind: "(.+)"', source("problem.rs"))
    members = json.loads(source("respond/openapi.json"))["components"]["schemas"]["Problem"]["properties"].keys()
    none({problem, *members} - set(spans(HTTP)))


def test_log_lines_and_their_fields_are_those_of_the_function():
    files = sorted((REPOSITORY / "src").rglob("*.rs"))
    texts = {file: source(file) for file in files if "tests" not in file.parts and file.name != "tests.rs"}
    ordinary = {
        message: (level.upper(), {field.split("=")[0].strip(" \n%?") for field in fields.split(",") if field.strip()})
        for text in texts.values()
        for level, fields, message in re.findall(r'\b(error|warn|info|debug|trace)!\(([^;"]*)"([^"]+)",?\s*\)', text)
    }
    always = {message for text in texts.values() for message in re.findall(r'Line::new\(\w[\w:]*, "([^"]+)"\)', text)}
    assert len(ordinary) > 4 and len(always) > 2
    documented = {code(names)[0]: (level, code(meaning)) for names, level, meaning in rows(RESULTS, "Logs", "`message`")}
    assert documented.keys() == ordinary.keys() | always
    for message, (level, fields) in ordinary.items():
        assert documented[message][0] == level, message
        none(fields - {"requestId"} - set(documented[message][1]), message)
    done = source("telemetry/done.rs")
    fields = set(re.findall(r'line\.push(?:_some|_count)?\(\s*"(\w+)"', done.split("pub(super) fn done(")[1])) - {"requestId"}
    # `reasons` and the like are named beside the field that they stand for.
    table = rows(RESULTS, "Logs", "Field of `done`")
    named = {name for names, _ in table for name in code(names)}
    beside = {name for _, meaning in table for name in code(meaning)}
    none(named - fields, "no fields of done")
    none(fields - named - beside, "not documented")
    (documented,) = (meaning for names, meaning in table if names == "`source`")
    assert code(documented) == sources()


def sources():
    variants = source("command/source.rs").split("pub enum Source {")[1].split("\n}")[0]
    return [name.lower() for name in re.findall(r"^    ([A-Z]\w+),", variants, re.MULTILINE)]


def test_sources_are_those_of_the_function():
    """Each with one of its samples."""
    samples = [cell for _, cell, *_ in rows(DOCS / "sources.md", "Sources", "Service")]
    linked = {name for cell in samples for name in re.findall(r"\(\.\./events/(\w+)-", cell)}
    assert linked == set(sources())


# Names in the docs that neither the code nor the template has, by their owners.
OF_OTHERS = {
    "AWS": "AWS_ENDPOINT_URL_EVENTBRIDGE ApplicationLogLevel ERROR_CODE ERROR_MESSAGE EventAgeExceeded FunctionError "
    "RetriesExhausted SERVICE_MANAGED SetAlarmState errorMessage requestID requestPayload responsePayload",
    "workflow engines": "BatchOperator METAFLOW_BATCH_EMIT_TAGS SNAKEMAKE_AWS_BATCH_JOB_TAGS TOWER_WORKFLOW_ID "
    "resourceLabels terminateUnschedulableJobs",
}


def test_names_in_the_docs_are_there():
    """Each `NAME_LIKE_THIS`, `nameLikeThis` and `NameLikeThis` in the text, so that nothing outlives its new name."""
    folders = ("src", "events", "benches", ".ci", "tests/emulator", "cli")
    files = [file for folder in folders for file in (REPOSITORY / folder).rglob("*") if file.is_file()]
    known = {word for file in files for word in re.findall(r"\w+", file.read_text(errors="replace"))}
    known.update(re.findall(r"\w+", (REPOSITORY / "template.yaml").read_text()))
    known.update(word for file in (REPOSITORY / "stacks").iterdir() for word in re.findall(r"\w+", file.read_text()))
    known.update(*metrics(), *(names.split() for names in OF_OTHERS.values()))
    name = r"(?<![\w:$-])([A-Z]+(?:_[A-Z]+)+|[a-z]{2,}[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*)(?![\w*])"
    used = {(place(page), word) for page in REFERENCE for span in spans(page) for word in re.findall(name, span)}
    assert len(used) > 100
    none({f"{at}: {word}" for at, word in used if word not in known}, "not in the code; of others? add it to OF_OTHERS")


def test_fields_of_a_request_are_those_of_its_schema():
    schemas = json.loads(source("respond/openapi.json"))["components"]["schemas"]
    documented = rows(REQUEST, "The request", "Field")
    # The table of `select` has no column for types.
    fields, of_select = ({name for row in documented if len(row) == columns for name in code(row[0])} for columns in (3, 2))
    # A watch is not for HTTP, and jobId is told with jobIds.
    assert fields == schemas["Request"]["properties"].keys() - {"jobId"} | {"watch"}
    assert of_select == schemas["Select"]["properties"].keys()
    assert "jobId" in code(documented[0][2])


EVENTS = json.loads(source("publish/events.schema.json"))["$defs"]


def properties(*definitions):
    return {name: schema for definition in definitions for name, schema in EVENTS[definition]["properties"].items()}


def test_fields_of_a_report_and_of_its_event_are_those_of_the_schema():
    documented = rows(RESULTS, "The report", "Field")
    of_jobs = {name.removeprefix("jobs[].") for names, _ in documented if "jobs[]" in names for name in code(names)}
    assert of_jobs == properties("JobResult").keys()
    of_report = {name for names, _ in documented if "jobs[]" not in names for name in code(names)}
    assert of_report == properties("Report").keys() - {"jobs"}
    documented = dict(rows(RESULTS, "Reports on a bus", "Field beside those of the report"))
    fields = {name for names in documented for name in code(names)}
    assert fields == properties("ReportDetail", "RefusedDetail").keys() - properties("Report").keys()
    assert properties("Asked").keys() <= set(code(documented["`requests`"]))


def test_actions_on_batch_are_those_of_the_role():
    documented = [name for names, *_ in rows(DOCS / "security.md", "What the role may do", "Action") for name in code(names)]
    given = re.findall(r"\bbatch:[A-Z]\w+", (REPOSITORY / "template.yaml").read_text())
    assert len(given) > 5
    assert {name for name in documented if name.startswith("batch:")} == set(given)


def hive(text):
    """A type of Hive as a JSON value: the fields of a `struct`, the one type in an `array` or a `map`, a name."""
    kind, _, inner = text.partition("<")
    if not inner:
        return kind
    parts, depth = [""], 0
    for letter in inner.removesuffix(">"):
        depth += (letter == "<") - (letter == ">")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    if kind == "struct":
        return {name.strip("`"): hive(rest) for name, _, rest in (part.partition(":") for part in parts)}
    return [kind, hive(parts[-1])]


def as_hive(schema):
    """The same of a JSON schema."""
    if "$ref" in schema:
        return as_hive(EVENTS[schema["$ref"].split("/")[-1]])
    match schema.get("type"):
        case "object" if "additionalProperties" in schema:
            return ["map", as_hive(schema["additionalProperties"])]
        case "object":
            return {name: as_hive(member) for name, member in schema["properties"].items()}
        case "array":
            return ["array", as_hive(schema["items"])]
    return {"integer": "int", "boolean": "boolean"}.get(schema.get("type"), "string")


def test_the_table_for_athena_holds_what_an_event_may_hold():
    table, query = (FILES / "reports.sql").read_text().split(";\n")[:2]
    columns = re.search(r"\((.*)\n\)\nROW FORMAT", table, re.S)[1]
    columns = hive("struct<" + re.sub(r"\s+(?!string|array|struct)|(?<=[<,])\s+", "", columns).replace(" ", ":") + ">")
    detail = {"type": "object", "properties": properties("ReportDetail", "Report", "RefusedDetail")}
    expected = as_hive(detail)
    # Nothing is published of what is ignored, and nothing of it is cut.
    del expected["ignored"], expected["truncated"]
    detail = columns.pop("detail")
    assert detail == expected
    event = json.loads((REPOSITORY / "events/eventbridge-own-report.json").read_text())
    assert {name.replace("_", "-") for name in columns} == event.keys() - {"version", "source", "detail"}
    _, jobs = detail["jobs"]
    assert re.search(r"AS job \((.*)\)", query)[1].split(", ") == list(jobs)


# --- Figures ---


def test_prices_follow_from_the_metrics_and_alarms():
    sent, _ = metrics()
    # JobsAsked is there in total and for each source.
    count = len(sent) + len(sources())
    text = " ".join(COSTS.read_text().split())
    assert f"it is {len(sent) - 1}, and `JobsAsked` in total and for {len(sources())} sources: {count} metrics, {count} ×" in text
    alarms = [body for body in TEMPLATE["Resources"].values() if body["Type"] == "AWS::CloudWatch::Alarm"]
    # By default there is a bus, and no watch and no lists.
    default = [alarm for alarm in alarms if alarm.get("Condition") in (None, "Publishes")]
    assert f'"{len(default)} alarms, $0.10 each": {len(default)} *' in (FILES / "costs.py").read_text()
    sums = [match for page in REFERENCE for match in re.findall(r"([\d.]+) × \$([\d.]+) = \$([\d.]*\d)", page.read_text())]
    assert sums
    none([some for some in sums if abs(float(some[0]) * float(some[1]) - float(some[2])) > 0.005])


def test_prices_of_the_readme_are_what_the_calculation_prints():
    """Of other figures no test can tell which command prints them."""
    (block,) = (block for block in blocks("console", [COSTS]) if "costs.py month" in block.text)
    printed = [float(price) for price in re.findall(r"^\$ *([\d.]+)  ", block.text, re.MULTILINE)]
    section = README.read_text().split("\n## What it costs\n")[1].split("\n## ")[0]
    prices = re.findall(r"\$(\d+(?:\.\d+)?)", section)
    assert len(prices) > 4

    def is_printed(price):
        return any(round(value, len(price.partition(".")[2])) == float(price) for value in printed)

    none([price for price in prices if not is_printed(price)])

"""The documentation against what it documents: what can be run is run, and each list is held against the code in both
directions."""

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from documents import PAGES, REFERENCE, Shell, anchors, blocks, code, commands, links, place, rows, says, spans
from servers import REPOSITORY, binary, plain_environment

DOCS = REPOSITORY / "docs"
RESULTS, HTTP, REQUEST = DOCS / "results.md", DOCS / "http.md", DOCS / "request.md"

# --- Events and requests ---


def error(block):
    """What `cargo local -` says is wrong with a request or an event, or None."""
    run = subprocess.run(
        [binary("CARGO_LOCAL"), "-"],
        input=block.text,
        env=plain_environment(ALLOW_TERMINATE="true", API_CALLS_PER_SECOND="0", RUST_LOG="info"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    lines = (json.loads(line) for line in run.stderr.splitlines() if line.startswith("{"))
    done = next((line for line in lines if line["message"] == "done"), None)
    if run.returncode == 2 or done is None:
        return run.stderr
    if done.get("refused") or done.get("errorType") or done.get("httpStatus", 200) >= 400:
        return done.get("error", run.stderr)
    return None


def errors(some):
    with ThreadPoolExecutor(2) as pool:
        return list(zip(some, pool.map(error, some)))


def test_each_json_block_is_a_valid_request_or_event():
    """`<!-- refused -->` before a block says that it is refused."""
    some = blocks("json")
    assert len(some) > 30
    results = errors(some)
    assert not {block.place: text for block, text in results if text and block.comment != "<!-- refused -->"}
    assert not [block.place for block, text in results if not text and block.comment == "<!-- refused -->"]


def test_no_fragment_is_a_request_that_could_be_tried():
    def is_json(text):
        try:
            return json.loads(text) is not None
        except ValueError:
            return False

    some = [block for block in blocks("jsonc") if is_json(block.text)]
    assert not [block.place for block, text in errors(some) if not text], "mark these as json"


# --- Consoles ---

RUN_HERE = r"(?:\w+=\S+ )*(?:cargo (?:local|emulator)|curl (?:-\S+ )*(?:http://)?(?:127\.0\.0\.1|localhost)|python3 -)(?: |$)"
PIPED_HERE = r"(?:cat|echo|printf) .*\| *(?:\w+=\S+ )*cargo local "
# What a console may hold beside that, with the reason why it does not run here.
HELD_ELSEWHERE = {
    r"cargo test\b": "takes minutes; .ci/run does it",
    r"sam (?:build|deploy|delete|local|validate)\b": "needs a build: test_deploy.py deploys, and holds the dialogue of deploy.md",
    r"cargo lambda\b": "needs a build: test_cargo_lambda.py",
    r"pip install\b|cp samconfig\.toml|sha256sum": "first steps of a deployment: test_deploy.py, test_release.py",
}


def is_run_here(command):
    return re.match(RUN_HERE, command) or re.match(PIPED_HERE, command)


def is_held_elsewhere(command):
    return any(re.match(pattern, command) for pattern in HELD_ELSEWHERE)


def test_each_console_block_can_be_run_or_is_held_by_another_test():
    assert not {
        f"{block.place}: {command}"
        for block in blocks("console", PAGES)
        for command, _ in commands(block.text)
        if not is_run_here(command) and not is_held_elsewhere(command)
    }, "make these sh, without what they print"


def consoles():
    """For each page, its blocks of commands that run here. What comes after `sam …` depends on it."""
    for page in PAGES:
        some = [(block.place, commands(block.text)) for block in blocks("console", [page])]
        some = [(at, block) for at, block in some if not any(re.match("sam |cargo lambda", command) for command, _ in block)]
        some = [(at, command, shown) for at, block in some for command, shown in block if is_run_here(command)]
        if some:
            yield pytest.param(some, id=place(page))


@pytest.mark.parametrize("page", list(consoles()))
def test_consoles_print_what_they_show(page, tmp_path):
    with Shell(tmp_path) as shell:
        for at, command, shown in page:
            printed = shell.run(command, shown)
            assert says(shown, printed), f"{at}: {command}\n{printed}"


def test_shown_lines_stand_for_what_they_say():
    printed = "a  1 b\nsecond\nthird\n"
    for shown in (["a  1 b", "second", "third"], ["a  … b", "…", "third"], ["…"], ["…", "third"], ["a…", "…"]):
        assert says(shown, printed), shown
    for shown in (["a 1 b", "…"], ["a  1 b"], ["…", "second"], [], ["a  1 b", "second", "third", "fourth"]):
        assert not says(shown, printed), shown
    text = "$ one \\\n    'two\nthree'\n1\n$ four <<'END'\n$ five\nEND\n4"
    assert commands(text) == [("one \\\n    'two\nthree'", ["1"]), ("four <<'END'\n$ five\nEND", ["4"])]


# --- Lists ---


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
PARAMETERS = yaml.load((REPOSITORY / "template.yaml").read_text(), Template)["Parameters"]


def test_variables_are_those_of_the_function():
    """That each parameter is there is in test_template.py."""
    variables, parameters = set(), {}
    for names, parameter, default, _ in rows(DOCS / "configuration.md", "Configuration", "Variable"):
        variables.update(code(names))
        parameters |= {name: default for name in code(parameter)}
    read = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', source("config.rs")))
    assert variables == read | {"AWS_ENDPOINT_URL_BATCH"}
    assert not parameters.keys() - PARAMETERS.keys()
    for name, cell in parameters.items():
        default = str(PARAMETERS[name].get("Default", ""))
        if own := re.search("the parameter: `(.*)`", cell):
            assert own[1] == default, name
        elif cell.startswith("empty"):
            assert default == "", name
        elif cell.startswith("`"):
            assert code(cell)[0] == default, name


def test_parameters_in_commands_are_those_of_the_template():
    """`Name=value` after --parameter-overrides of sam, and in the text."""
    given = {
        (block.place, name)
        for block in blocks()
        for command in re.findall(r"sam (?:deploy|build)(?:[^\n]|\\\n)*", block.text)
        for name in re.findall(r"(?<=[ '])([A-Z]\w+)=", command.partition("--parameter-overrides")[2])
    }
    assert len(given) > 5
    given |= {(place(page), name) for page in REFERENCE for span in spans(page) for name in re.findall(r"^'?([A-Z][a-z]\w+)=", span)}
    assert not {(at, name) for at, name in given if name not in PARAMETERS}


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
        outcome: kind for kind, names, _ in rows(REPOSITORY / "README.md", "Outcomes", "Class") for outcome in code(names)
    }
    assert summary == {outcome: kind for outcome, (kind, _) in outcomes().items()}


# What else has a capital in the lines of metrics: the words of the embedded metric format, dimensions and properties.
NO_METRICS = (
    "CloudWatchMetrics Count Dimensions Milliseconds Metrics Name Namespace Seconds Timestamp Unit "
    "ErrorType FunctionName HttpStatus JobQueueName Source"
).split()


def test_metrics_are_those_of_the_function():
    sent = set(re.findall(r'"([A-Z][A-Za-z]+)"', source("telemetry/metrics.rs"))) - {"Jobs", *NO_METRICS}
    of_queues = set(re.findall(r'"([A-Z][A-Za-z]+)"', source("telemetry/queues.rs"))) - set(NO_METRICS)
    of_outcomes = {f"Jobs{outcome[0].upper()}{outcome[1:]}" for outcome in outcomes()}
    assert len(sent) > 8 and of_queues
    documented = [name for names, *_ in rows(RESULTS, "Metrics", "Metric") for name in code(names)]
    assert len(documented) == len(set(documented))
    assert set(documented) == sent | of_queues | of_outcomes


def test_routes_and_their_statuses_are_those_of_the_openapi_document():
    run = subprocess.run(
        [binary("CARGO_LOCAL"), REPOSITORY / "events" / "http-v2-openapi.json"],
        env=plain_environment(),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    status, _, document = run.stdout.partition("\n")
    assert status.startswith("HTTP 200")
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
    types = {
        name
        for file in ("event/error.rs", "respond/failure.rs", "panel.rs")
        for name in re.findall(r'=> "(\w+)"', body(source(file), "error_type"))
    }
    assert len(types) > 8
    documented = [name for names, *_ in rows(RESULTS, "Errors", "Error type") for name in code(names)]
    assert sorted(documented) == sorted(types)
    (problem,) = re.findall(r'kind: "(.+)"', source("problem.rs"))
    members = json.loads(source("respond/openapi.json"))["components"]["schemas"]["Problem"]["properties"].keys()
    assert not {problem, *members} - set(spans(HTTP))


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
        assert not fields - {"requestId"} - set(documented[message][1]), message
    done = source("telemetry/done.rs")
    fields = set(re.findall(r'line\.push(?:_some)?\(\s*"(\w+)"', done.split("pub(super) fn done(")[1])) - {"requestId"}
    # `reasons` and the like are named beside the field that they stand for.
    table = rows(RESULTS, "Logs", "Field of `done`")
    named = {name for names, _ in table for name in code(names)}
    beside = {name for _, meaning in table for name in code(meaning)}
    assert not named - fields, "no fields of done"
    assert not fields - named - beside, "not documented"
    (sources,) = (meaning for names, meaning in table if names == "`source`")
    assert code(sources) == re.findall(r'=> "(\w+)"', body(source("event.rs"), "as_str"))


def test_fields_of_a_request_are_those_of_its_schema():
    schemas = json.loads(source("respond/openapi.json"))["components"]["schemas"]
    documented = rows(REQUEST, "The request", "Field")
    # The table of `select` has no column for types.
    fields, of_select = ({name for row in documented if len(row) == columns for name in code(row[0])} for columns in (3, 2))
    # A watch is not for HTTP, and jobId is told with jobIds.
    assert fields == schemas["Request"]["properties"].keys() - {"jobId"} | {"watch"}
    assert of_select == schemas["Select"]["properties"].keys()
    assert "jobId" in code(documented[0][2])


def test_queries_in_the_docs_are_those_of_the_template():
    template = " ".join((REPOSITORY / "template.yaml").read_text().split())
    some = [block for page in REFERENCE for block in blocks("text", [page]) if "\n| " in block.text]
    assert some
    assert not [block.place for block in some if " ".join(block.text.split()) not in template]


# --- Links, paths, figures ---


def test_links_lead_somewhere():
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    files = {REPOSITORY / name for name in tracked.stdout.splitlines()}
    known = {path for file in files if file.exists() for path in (file, *file.parents)}
    wrong = []
    for page in PAGES:
        for link in links(page):
            target, _, anchor = link.partition("#")
            if re.match(r"[a-z]+:", link):
                good = link.startswith(("https://", "mailto:"))
            else:
                path = (page.parent / target).resolve() if target else page
                good = path in known and (not anchor or path.suffix == ".md" and anchor in anchors(path))
            if not good:
                wrong.append(f"{place(page)}: {link}")
    assert not wrong


def test_each_page_is_linked_from_the_readme():
    linked = {link.partition("#")[0] for link in links(REPOSITORY / "README.md")}
    assert not [place(page) for page in REFERENCE[1:] if place(page) not in linked]


def test_readme_is_short():
    assert len((REPOSITORY / "README.md").read_text().splitlines()) <= 200


def test_paths_and_tests_that_the_docs_name_are_there():
    text = "\n".join(file.read_text() for folder in ("src", "tests") for file in (REPOSITORY / folder).rglob("*.rs"))
    tests = re.findall(r"fn (\w+)\(", text)
    soak = (REPOSITORY / "tests/soak").read_text()
    wrong = []
    for page in PAGES:
        shown = [*spans(page), *(block.text for block in blocks(pages=[page]) if block.language in ("sh", "console"))]
        for path in re.findall(r"^(?:\$ )?((?:src|tests|docs|events|benches|\.ci)/[\w./-]*)", "\n".join(shown), re.MULTILINE):
            if not list(REPOSITORY.glob(f"{path}*")):
                wrong.append(f"{place(page)}: {path}")
        for name in re.findall(r"cargo test (\w+)", "\n".join(shown)):
            if not any(name in test for test in tests):
                wrong.append(f"{place(page)}: cargo test {name}")
        for name in re.findall(r"tests/soak (\w+)", "\n".join(shown)):
            if not re.search(rf"^ *{name}\)", soak, re.MULTILINE):
                wrong.append(f"{place(page)}: tests/soak {name}")
    assert not wrong


def test_prices_of_the_readme_are_what_the_calculation_prints():
    """Of other figures no test can tell which command prints them."""
    (block,) = (block for block in blocks("console", [DOCS / "operations.md"]) if "month = {" in block.text)
    printed = [float(price) for price in re.findall(r"^\$ *([\d.]+)  ", block.text, re.MULTILINE)]
    section = (REPOSITORY / "README.md").read_text().split("\n## What it costs\n")[1].split("\n## ")[0]
    prices = re.findall(r"\$(\d+(?:\.\d+)?)", section)
    assert len(prices) > 4

    def is_printed(price):
        return any(round(value, len(price.partition(".")[2])) == float(price) for value in printed)

    assert not [price for price in prices if not is_printed(price)]

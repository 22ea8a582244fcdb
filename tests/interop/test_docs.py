"""The documentation does what it says: events and consoles run, links and paths lead somewhere."""

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from documents import FILES, PAGES, REFERENCE, Shell, anchors, blocks, commands, fits, links, none, pattern, place, says, spans
from servers import REPOSITORY, binary, plain_environment

# --- Events and requests ---


def local(event):
    """`cargo local -` with this text."""
    return subprocess.run(
        [binary("BCANCEL"), "event", "-"],
        input=event,
        env=plain_environment(ALLOW_TERMINATE="true", API_CALLS_PER_SECOND="0", RUST_LOG="info"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )


def error(block):
    """What is wrong with a request or an event, or None."""
    run = local(block.text)
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
    assert len(some) > 20
    results = errors(some)
    none({block.place: text for block, text in results if text and block.comment != "<!-- refused -->"})
    none([block.place for block, text in results if not text and block.comment == "<!-- refused -->"], "not refused")


def test_each_selection_finds_jobs_of_the_demo_account():
    def found(block):
        answer = json.loads(local(block.text).stdout)
        return json.loads(answer.get("body", "null") or "null") or answer

    some = [block for block in blocks("json") if '"select"' in block.text and '"Records"' not in block.text]
    assert len(some) > 15
    none([block.place for block in some if not found(block).get("summary", {}).get("jobs")], "it finds no job")


def test_no_fragment_is_a_request_that_could_be_tried():
    def is_json(text):
        try:
            return json.loads(text) is not None
        except ValueError:
            return False

    some = [block for block in blocks("jsonc") if is_json(block.text)]
    none([block.place for block, text in errors(some) if not text], "mark these as json")


def test_the_input_of_a_schedule_is_a_request():
    (target,) = (json.loads(block.text) for block in blocks("jsonc") if "SCHEDULER_ROLE" in block.text)
    report = json.loads(local(target["Input"]).stdout)
    assert report["dryRun"] and report["summary"]["jobs"] > 0, report


def test_answers_are_what_the_function_answers():
    """`<!-- answer -->` before a block: to the event before it. `<!-- answer to events/NAME.json -->`: to that."""
    answers, before = 0, None
    for block in blocks():
        if block.language == "json":
            before = block.text
        elif asked := re.fullmatch(r"<!-- answer(?: to (\S+))? -->", block.comment):
            answers += 1
            given = json.loads(local((REPOSITORY / asked[1]).read_text() if asked[1] else before).stdout)
            assert fits(pattern(block.text), given), f"{block.place}: {json.dumps(given, indent=1)}"
    assert answers > 1


# --- Consoles ---

RUN_HERE = r"(?:\w+=\S+ )*(?:cargo (?:local|emulator)|bcancel|curl (?:-\S+ )*(?:http://)?(?:127\.0\.0\.1|localhost)|python3 (?:-|docs/files/\w+\.py))(?: |$)"
PIPED_HERE = r"(?:cat|echo|printf) .*\| *(?:\w+=\S+ )*cargo local "
# What a console may hold beside that, with the reason why it does not run here.
HELD_ELSEWHERE = {
    r"cargo tests?\b": "takes minutes; .ci/run does it",
    r"sam (?:build|deploy|delete|local|remote|validate)\b": "needs a build: test_deploy.py deploys, and holds the dialogue of deploy.md",
    r"cargo lambda\b": "needs a build: test_cargo_lambda.py",
    r"pip install\b|cp samconfig\.toml|sha256sum": "first steps of a deployment: test_deploy.py, test_release.py",
}


def is_run_here(command):
    return re.match(RUN_HERE, command) or re.match(PIPED_HERE, command)


def is_held_elsewhere(command):
    return any(re.match(pattern, command) for pattern in HELD_ELSEWHERE)


def test_each_console_block_can_be_run_or_is_held_by_another_test():
    wrong = [
        f"{block.place}: {command}"
        for block in blocks("console", PAGES)
        for command, _ in commands(block.text)
        if not is_run_here(command) and not is_held_elsewhere(command)
    ]
    none(wrong, "make these sh, without what they print")


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


def test_a_page_may_serve_the_emulator_and_ask_it(tmp_path):
    """On a free port, whatever the page says; nothing of it is left in the repository."""
    with Shell(tmp_path) as shell:
        listens = ["batch-emulator listening on http://127.0.0.1:4000 with … jobs in … queues"]
        assert says(listens, shell.run("cargo emulator", listens))
        assert '"jobQueue":"demo-queue"' in shell.run("curl http://127.0.0.1:4000/_emulator/jobs | tee jobs.json", [])
        assert (tmp_path / "jobs.json").exists() and not (REPOSITORY / "jobs.json").exists()
        assert "only cargo local and cargo emulator run here" in shell.run("cargo build", [])


def test_parts_of_an_answer_stand_for_what_they_say():
    given = {"id": "a-1", "at": "2026-11-26T15:53:45.338Z", "jobs": [{"n": 1, "more": None}, {"n": 2}]}
    for shown in (
        '{"id": "a-…", "at": "2020-01-01T00:00:00Z", "jobs": [{"n": 1, …}, {"n": 2}]}',
        '{"id": "a-1", …}',
        '{"jobs": [{"n": 1, "more": null}, …], …}',
    ):
        assert fits(pattern(shown), given), shown
    for shown in (
        '{"id": "a-1"}',
        '{"id": "b…", …}',
        '{"name": "a", …}',
        '{"at": "yesterday", …}',
        '{"jobs": [{"n": 1, …}], …}',
        '{"jobs": [{"n": true, …}, …], …}',
        '{"jobs": [{"n": 1}, …], …}',
    ):
        assert not fits(pattern(shown), given), shown


# --- Links and paths ---


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
    none(wrong)


def test_each_page_is_linked_from_the_readme():
    linked = {link.partition("#")[0] for link in links(REPOSITORY / "README.md")}
    none([place(page) for page in REFERENCE[1:] if place(page) not in linked])


def test_readme_and_all_pages_together_are_short():
    assert len((REPOSITORY / "README.md").read_text().splitlines()) <= 180
    # What has a letter or a digit: the bars of a table are no words.
    words = [word for page in REFERENCE for word in page.read_text().split() if re.search(r"\w", word)]
    assert len(words) <= 21_000


def test_the_address_of_this_repository_stands_in_one_place():
    """So that whoever hosts it sets it in the README, and nowhere else."""
    (address,) = re.findall(r"^REPOSITORY=(https://\S+)", (REPOSITORY / "README.md").read_text(), re.MULTILINE)
    tracked = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True).stdout
    files = [file for name in tracked.splitlines() if (file := REPOSITORY / name).is_file()]
    assert [place(file) for file in files if address.encode() in file.read_bytes()] == ["README.md"]


def test_each_variable_of_a_command_is_set_somewhere():
    shells = [block for block in blocks(pages=PAGES) if block.language in ("sh", "console")]
    set_somewhere = {name for block in shells for name in re.findall(r"\b([A-Z]\w+)=", block.text)}
    wrong = {
        f"{block.place}: ${name}"
        for block in shells
        for name in re.findall(r"(?<!\\)\$\{?([A-Z][A-Z_]+)\b", block.text)
        if name not in set_somewhere and not name.startswith("AWS_")
    }
    none(wrong)


def test_each_sh_block_is_shell():
    parsed = {block.place: subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True) for block in blocks("sh", PAGES)}
    none({at: done.stderr for at, done in parsed.items() if done.returncode})


def test_each_file_beside_the_pages_is_linked_from_one():
    linked = {(page.parent / link).resolve() for page in REFERENCE for link in links(page) if not re.match("[a-z]+:", link)}
    none([place(file) for file in FILES.iterdir() if file not in linked])


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
    none(wrong)

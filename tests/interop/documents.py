"""The pages of the documentation, read as GitHub renders them: blocks, tables, links and anchors; and consoles that run."""

import contextlib
import functools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

from markdown_it import MarkdownIt

from servers import LOOPBACK, REPOSITORY, binary, free_port, plain_environment

MARKDOWN = MarkdownIt("commonmark").enable("table")
REFERENCE = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
OTHERS = "CHANGELOG CONTRIBUTING SECURITY .ci/README benches/README events/README tests/interop/README"
PAGES = REFERENCE + [REPOSITORY / f"{name}.md" for name in OTHERS.split()]
# What pages point to and people run or deploy.
FILES = REPOSITORY / "docs" / "files"


@functools.cache
def parsed(page):
    return MARKDOWN.parse(page.read_text())


def place(page, line=None):
    """`docs/http.md:7`."""
    name = str(page.relative_to(REPOSITORY))
    return f"{name}:{line}" if line else name


def none(wrong, hint=""):
    """Fails with all that is wrong, a line each."""
    lines = [f"{key}: {value}" for key, value in wrong.items()] if isinstance(wrong, dict) else map(str, wrong)
    assert not wrong, "\n".join([hint, *sorted(lines)])


class Block:
    """A fenced block."""

    def __init__(self, page, token, comment):
        self.page = page
        self.language = token.info.split()[0] if token.info else ""
        self.text = token.content
        # The HTML comment right before it.
        self.comment = comment
        self.place = place(page, token.map[0] + 1)


def blocks(language=None, pages=REFERENCE):
    found = []
    for page in pages:
        comment = ""
        for token in parsed(page):
            if token.type == "fence":
                found.append(Block(page, token, comment))
            comment = token.content.strip() if token.type == "html_block" else ""
    return [block for block in found if language in (None, block.language)]


def tables(page, heading=None):
    """The tables of a page, or of what is below a heading; each a list of rows, each row a list of cells."""
    found, here = [], heading is None
    tokens = parsed(page)
    for before, token in zip([None, *tokens], tokens):
        if heading and before is not None and before.type == "heading_open":
            here = token.content == heading
        elif here and token.type == "table_open":
            found.append([])
        elif here and token.type == "tr_open":
            found[-1].append([])
        elif here and token.type == "inline" and before.type in ("th_open", "td_open"):
            found[-1][-1].append(token.content)
    return found


def rows(page, heading, title):
    """The rows of the tables below a heading whose first column has this title."""
    found = [row for table in tables(page, heading) if table[0][0] == title for row in table[1:]]
    assert found, f"{place(page)} has no table of {title!r} below {heading!r}"
    return found


def code(text):
    """What is in backticks."""
    return re.findall(r"`([^`]+)`", text)


def spans(page):
    """What is in backticks in the text of a page."""
    inline = (token for token in parsed(page) if token.type == "inline")
    return [child.content for token in inline for child in token.children if child.type == "code_inline"]


def anchors(page):
    """The anchors that GitHub gives the headings of a page."""
    tokens, taken, found = parsed(page), Counter(), set()
    for before, token in zip(tokens, tokens[1:]):
        if before.type == "heading_open":
            text = "".join(part.content for part in token.children if part.type in ("text", "code_inline"))
            name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            found.add(f"{name}-{taken[name]}" if taken[name] else name)
            taken[name] += 1
        elif token.type == "html_block":
            found.update(re.findall(r'\bid="([^"]+)"', token.content))
    return found


def links(page):
    """The targets of links and pictures, Markdown's and HTML's."""
    found = []
    for token in parsed(page):
        for child in [token, *(token.children or [])]:
            if child.type in ("link_open", "image"):
                found.append(child.attrs.get("href") or child.attrs.get("src"))
            elif child.type in ("html_block", "html_inline"):
                found += re.findall(r'\b(?:href|src)="([^"]+)"', child.content)
    return found


def commands(text):
    """(command, what it prints) for each `$ …` of a console block."""
    found, lines = [], text.splitlines()
    while lines:
        line = lines.pop(0)
        if not line.startswith("$ "):
            if not found:
                raise ValueError(f"a console block begins with a command, not with {line!r}")
            found[-1][1].append(line)
            continue
        command = line[2:]
        while lines and is_open(command):
            command += "\n" + lines.pop(0)
        found.append((command, []))
    return found


def is_open(command):
    """Whether a command goes on in the next line: by a backslash, a quote or a here-document."""
    if here := re.search(r"<<-?\s*['\"]?(\w+)", command):
        return not re.search(rf"\n{here[1]}$", command)
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return True
    return command.endswith("\\")


def says(shown, printed):
    """Whether what is printed is what is shown. A line `…` stands for any lines, `…` in a line for any text. Empty lines and
    blanks at the end of a line do not count."""
    lines = (line.rstrip() for line in shown if line.strip())
    pattern = "".join(r"(?:.*\n)*?" if line.strip() == "…" else re.escape(line).replace("…", ".*") + r"\n" for line in lines)
    text = "".join(f"{line.rstrip()}\n" for line in printed.splitlines() if line.strip())
    return re.fullmatch(pattern, text) is not None


def pattern(text):
    """An answer as the docs show it, as JSON: `, …` at the end of an object or a list is an entry of its own."""
    text = re.sub(r",\s*…\s*}", ', "…": "…"}', text)
    return json.loads(re.sub(r",\s*…\s*]", ', "…"]', text))


TIME = r"\d{4}-\d\d-\d\dT[\d:.]+Z"


def fits(shown, given):
    """Whether JSON is what is shown. `…` stands for any text, for more entries or for more fields; times are not compared."""
    if isinstance(shown, dict) and isinstance(given, dict):
        if not shown.keys() - {"…"} <= given.keys() or "…" not in shown and shown.keys() != given.keys():
            return False
        return all(fits(value, given[name]) for name, value in shown.items() if name != "…")
    if isinstance(shown, list) and isinstance(given, list):
        is_cut = shown[-1:] == ["…"]
        entries = shown[:-1] if is_cut else shown
        is_long_enough = len(entries) <= len(given) if is_cut else len(entries) == len(given)
        return is_long_enough and all(map(fits, entries, given))
    if isinstance(shown, str) and isinstance(given, str):
        if re.fullmatch(TIME, shown):
            return re.fullmatch(TIME, given) is not None
        return re.fullmatch(re.escape(shown).replace("…", ".*"), given, re.DOTALL) is not None
    return type(shown) is type(given) and shown == given


class Shell:
    """Runs the commands of a page, one after the other, in a folder that looks like the repository. Servers run on until
    the end of the page, on free ports; what is shown has the ports of the page."""

    def __init__(self, folder):
        self.folder = folder
        self._ports = {}
        self._servers = []
        for entry in REPOSITORY.iterdir():
            if entry.name not in ("target", ".git"):
                (folder / entry.name).symlink_to(entry)
        tools = folder / ".tools"
        tools.mkdir()
        cargo = tools / "cargo"
        bcancel, emulator = (shlex.quote(binary(name)) for name in ("BCANCEL", "BATCH_EMULATOR"))
        cargo.write_text(
            "#!/bin/sh\nkind=$1; shift\n"
            f'case $kind in local) exec {bcancel} event "$@" ;; emulator) exec {emulator} --demo "$@" ;; esac\n'
            'echo "only cargo local and cargo emulator run here" >&2; exit 127\n'
        )
        cargo.chmod(0o755)
        program = tools / "bcancel"
        program.write_text(f'#!/bin/sh\nexec {bcancel} "$@"\n')
        program.chmod(0o755)
        # It shows its progress, unless it writes to a terminal.
        curl = tools / "curl"
        curl.write_text(f'#!/bin/sh\nexec {shutil.which("curl")} --silent --show-error "$@"\n')
        curl.chmod(0o755)
        self._environment = plain_environment(API_CALLS_PER_SECOND="0")
        self._environment["PATH"] = f"{tools}:{self._environment['PATH']}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self._servers:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()

    def run(self, command, shown):
        """What a command prints, its errors included. A server is waited for until it has printed what is shown."""
        serves = re.match(r"(?:\w+=\S+ )*cargo emulator\b(?!.*--help)", command)
        if serves and "--port" not in command:
            command = command.replace("cargo emulator", "cargo emulator --port 4000", 1)
        command = re.sub(r"--port (\d+)", lambda at: f"--port {self._port(at[1])}", command)
        command = re.sub(rf"(?:localhost|{LOOPBACK}|0\.0\.0\.0):(\d+)", lambda at: f"{LOOPBACK}:{self._port(at[1])}", command)
        with open(self.folder / ".printed", "w+") as printed:
            process = subprocess.Popen(
                ["bash", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self._environment,
                start_new_session=True,
            )
            self._servers.append(process)
            end = time.monotonic() + 60
            while time.monotonic() < end and process.poll() is None:
                if serves and says(shown, self._shown(printed)):
                    break
                time.sleep(0.01)
            return self._shown(printed)

    def _port(self, port):
        return self._ports.setdefault(port, free_port())

    def _shown(self, file):
        text = Path(file.name).read_text(errors="replace")
        for port, own in self._ports.items():
            text = text.replace(f"{LOOPBACK}:{own}", f"{LOOPBACK}:{port}")
        return text

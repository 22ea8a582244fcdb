"""A dashboard with one widget, the function behind it, and AWS Batch behind that: a page in Chromium that does what AWS
documents of the console (console/console.js), the function's binary, and the emulator."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import sync_playwright

from lambda_host import FunctionError, LambdaHost
from servers import LOOPBACK, binary, emulator, http

FOLDER = Path(__file__).parent / "console"
KINDS = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript"}

# What would run or load anything that came with a job is refused, and is an error of the page.
RULES = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'"

CHANGES = ("CancelJob", "CancelJobs", "TerminateJob", "TerminateJobs")


@contextlib.contextmanager
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        try:
            yield chromium
        finally:
            chromium.close()


class Dashboard:
    """`with Dashboard(seed, browser, ALLOWED_QUEUES="render") as dashboard: dashboard.show({"panel": …})`"""

    def __init__(self, seed, chromium, **environment):
        self._stack = contextlib.ExitStack()
        self._seed = seed
        self._chromium = chromium
        self._environment = environment
        self._one_at_a_time = threading.Lock()
        self.events = []
        self.errors = []

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.url = stack.enter_context(emulator(self._seed))
            settings = {"API_CALLS_PER_SECOND": "0", "AWS_ENDPOINT_URL_BATCH": self.url} | self._environment
            self.function = stack.enter_context(LambdaHost(binary("BATCH_CANCEL"), **settings))
            server = ThreadingHTTPServer((LOOPBACK, 0), self._handler())
            threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            self.page = stack.enter_context(contextlib.closing(self._chromium.new_page()))
            self.page.set_default_timeout(20_000)
            self.page.on("console", lambda said: self.errors.append(said.text) if said.type in ("error", "warning") else None)
            self.page.on("pageerror", lambda error: self.errors.append(str(error)))
            self.page.goto(f"http://{LOOPBACK}:{server.server_port}/console.html")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.__exit__(*exception)

    def show(self, params, theme="light", width=1200, height=None, merges=False):
        """Shows the widget with these saved parameters."""
        self.page.set_viewport_size({"width": width + 30, "height": 900})
        settings = {
            "params": params,
            "theme": theme,
            "width": width,
            "height": height,
            "merges": merges,
            "name": "batch-night-shift",
            "title": "Render farm",
            "endpoint": LambdaHost.arn,
        }
        self.page.evaluate("settings => dashboard.show(settings)", settings)

    def refresh(self):
        self.page.evaluate("dashboard.refresh()")

    @property
    def widget(self):
        return self.page.locator(".widget")

    def text(self):
        return self.widget.inner_text()

    def html(self):
        return self.widget.inner_html()

    def buttons(self):
        return self.widget.locator(".btn")

    def button(self, name):
        return self.widget.get_by_role("button", name=name)

    def press(self, button, confirm=True):
        """Presses a button, answers its question, and waits for what the function answers."""
        calls = len(self.events)
        asked = len(self.record()["questions"])
        button.click()
        questions = self.record()["questions"]
        if len(questions) > asked:
            self.page.locator("dialog button", has_text="Confirm" if confirm else "Cancel").click()
        if confirm:
            while len(self.events) == calls:
                self.page.wait_for_timeout(10)
            self.page.locator(".busy").wait_for(state="detached")
        return questions[asked:]

    def record(self):
        return self.page.evaluate("dashboard.record")

    def changes(self):
        """The calls to Batch that change something, by the emulator's record."""
        _, calls = http(f"{self.url}/_emulator/calls")
        return [call for call in calls if call["operation"] in CHANGES]

    def jobs(self):
        """The jobs by their names, as the emulator has them, without the children of arrays."""
        _, jobs = http(f"{self.url}/_emulator/jobs")
        return {job["jobName"]: job for job in jobs if ":" not in job["jobId"]}

    def check(self):
        """No error of the page, nothing that the console would remove, no action that is bound to nothing."""
        record = self.record()
        assert self.errors == [] and record["removed"] == [] and record["broken"] == [], (self.errors, record)

    def _handler(outer):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                file = FOLDER / self.path.lstrip("/")
                if file.parent != FOLDER or not file.is_file():
                    return self._answer(204, b"", "text/plain")
                self._answer(200, file.read_bytes(), KINDS[file.suffix])

            def do_POST(self):
                call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert call["endpoint"] == LambdaHost.arn
                with outer._one_at_a_time:
                    outer.events.append(call["event"])
                    try:
                        answer = outer.function.invoke(call["event"])
                    except FunctionError as error:
                        answer = {"errorType": error.type, "errorMessage": error.message}
                self._answer(200, json.dumps(answer).encode(), "application/json")

            def _answer(self, status, body, kind):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Security-Policy", RULES)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

"""The HTTP API against its OpenAPI description: schemathesis reads /openapi.json and tests every operation."""

import base64
import contextlib
import hashlib
import json
import re
import subprocess
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest

from lambda_host import LambdaHost
from servers import LOOPBACK, TOOLS, binary, emulator, http, plain_environment

CALLER = "arn:aws:iam::123456789012:user/ann"
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
STATUSES = ["RUNNABLE", "RUNNABLE", "SUBMITTED", "RUNNING", "SUCCEEDED"]
PROTECTED = {"tags": {"batch-cancel:protect": "yes"}}

# Generated requests for each operation. One takes milliseconds.
EXAMPLES = 40


class Function(LambdaHost):
    arn = "arn:unknown"  # of no region: so jobs' ARNs of all regions are its own


class Gateway:
    """An HTTP API in front of a function: a request becomes an event in API Gateway's format 2.0, and back.

    Each job that a request names is there, as new, in one status or another, except for a few unknown ids.
    """

    def __init__(self, function, batch):
        self.answers = Counter()
        self._function = function
        self._batch = batch
        self._one_at_a_time = threading.Lock()
        self._server = ThreadingHTTPServer((LOOPBACK, 0), self._handler())
        self.url = f"http://{LOOPBACK}:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method, target, headers, body):
        """The response of the function to a request."""
        url = urlsplit(target)
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": url.path,
            "rawQueryString": url.query,
            "headers": {name.lower(): value for name, value in headers.items()},
            "requestContext": {
                "http": {"method": method, "path": url.path, "protocol": "HTTP/1.1", "sourceIp": LOOPBACK},
                "authorizer": {"iam": {"userArn": CALLER}},
                "stage": "$default",
            },
            "isBase64Encoded": False,
        }
        if url.query:
            event["queryStringParameters"] = dict(parse_qsl(url.query, keep_blank_values=True))
        if body:
            try:
                event["body"] = body.decode()
            except UnicodeDecodeError:
                event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
        with self._one_at_a_time:
            self._seed(target + body.decode(errors="replace"))
            return self._function.invoke(event)

    def _seed(self, text):
        jobs = []
        for job_id in sorted({found.lower() for found in UUID.findall(text)}):
            dice = hashlib.sha256(job_id.encode()).digest()
            if dice[0] % 16:
                status = STATUSES[dice[1] % len(STATUSES)]
                more = PROTECTED if dice[2] % 8 == 0 else {}
                jobs.append({"jobId": job_id, "jobQueue": "demo-queue", "status": status} | more)
        if jobs:
            assert http(f"{self._batch}/_emulator/jobs", "POST", jobs)[0] == 200

    def _handler(outer):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = outer.answer(self.command, self.path, self.headers, body)
                outer.answers[self.command, answer["statusCode"]] += 1
                payload = answer["body"].encode()
                with contextlib.suppress(ConnectionError):
                    self.send_response(answer["statusCode"])
                    for name, value in answer["headers"].items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(payload)))
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(payload)

            def __getattr__(self, name):
                if name.startswith("do_"):
                    return self._any
                raise AttributeError(name)

            def log_message(self, *_):
                pass

        return Handler


@pytest.fixture
def gateway():
    with emulator({"jobs": [], "queues": [{"name": "demo-queue"}]}) as batch:
        settings = {"AWS_ENDPOINT_URL_BATCH": batch, "ALLOWED_QUEUES": "*", "ALLOW_TERMINATE": "true"}
        settings |= {"API_CALLS_PER_SECOND": "0"}
        with Function(binary("BATCH_CANCEL"), **settings) as function, Gateway(function, batch) as gateway:
            yield gateway


def test_http_api_conforms_to_its_description(gateway, tmp_path):
    began = time.monotonic()
    run = subprocess.run(
        [
            TOOLS / "schemathesis",
            "run",
            f"{gateway.url}/openapi.json",
            "--checks=all",
            "--phases=examples,coverage,fuzzing",
            f"--max-examples={EXAMPLES}",
            "--seed=1",
            "--generation-deterministic",
            "--continue-on-failure",
            "--suppress-health-check=all",
            "--warnings=off",
            "--no-color",
        ],
        cwd=tmp_path,
        env=plain_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    print(run.stdout, dict(gateway.answers), f"{time.monotonic() - began:.0f} s")
    assert run.returncode == 0, run.stdout
    assert not any(status >= 500 for _, status in gateway.answers)
    # Requests have passed the first checks of each operation.
    expected = {("POST", 200), ("POST", 400), ("POST", 415), ("GET", 200), ("GET", 400), ("GET", 404)}
    expected |= {("DELETE", 200), ("DELETE", 400), ("DELETE", 409)}
    assert expected <= set(gateway.answers)

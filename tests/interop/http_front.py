"""Real HTTP in front of the function, with jobs for the ids that a request names.

`Gateway` is a gateway of our own, whose caller IAM has authenticated. `watch` is `cargo lambda watch`, which turns HTTP
into the events of a function URL without a caller."""

import base64
import contextlib
import hashlib
import http.client
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from servers import LOOPBACK, REPOSITORY, Process, binary, free_port, http as call

CALLER = "arn:aws:iam::123456789012:user/ann"
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
STATUSES = ["RUNNABLE", "RUNNABLE", "SUBMITTED", "RUNNING", "SUCCEEDED"]
PROTECTED = {"tags": {"batch-cancel:protect": "yes"}}


class Front:
    """An HTTP server whose answers are those of `answer(method, target, headers, body)`: status, headers and body.

    Each job that a request names is there, as new, in one status or another, except for a few unknown ids."""

    def __init__(self, batch):
        self.answers = Counter()
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

    def _seed(self, text):
        jobs = []
        for job_id in sorted({found.lower() for found in UUID.findall(text)}):
            dice = hashlib.sha256(job_id.encode()).digest()
            if dice[0] % 16:
                status = STATUSES[dice[1] % len(STATUSES)]
                more = PROTECTED if dice[2] % 8 == 0 else {}
                jobs.append({"jobId": job_id, "jobQueue": "demo-queue", "status": status} | more)
        if jobs:
            assert call(f"{self._batch}/_emulator/jobs", "POST", jobs)[0] == 200

    def _handler(outer):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with outer._one_at_a_time:
                    outer._seed(self.path + body.decode(errors="replace"))
                    status, headers, payload = outer.answer(self.command, self.path, self.headers, body)
                # Schemathesis looks at what the server bears before its cases begin.
                if "X-Schemathesis-Probe" not in self.headers:
                    outer.answers[self.command, status] += 1
                with contextlib.suppress(ConnectionError):
                    self.send_response(status)
                    for name, value in headers.items():
                        if name.lower() not in ("content-length", "connection", "transfer-encoding", "date"):
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


class Gateway(Front):
    """An HTTP API: a request becomes an event in API Gateway's format 2.0, and back."""

    def __init__(self, function, batch):
        super().__init__(batch)
        self._function = function

    def answer(self, method, target, headers, body):
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
        answer = self._function.invoke(event)
        return answer["statusCode"], answer["headers"], answer["body"].encode()


class Watched(Front):
    """What stands behind `port` at the path of a function's URL."""

    def __init__(self, port, batch):
        super().__init__(batch)
        self.port = port

    def answer(self, method, target, headers, body):
        # cargo lambda watch fails for a body that is no UTF-8, which AWS's gateways pass on in Base64, as `Gateway` does.
        body = body.decode(errors="replace").encode()
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=60)
        try:
            connection.putrequest(method, f"/lambda-url/batch-cancel{target}", skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, dict(answer.headers.items()), answer.read()
        finally:
            connection.close()


@contextlib.contextmanager
def watch(batch, **settings):
    """The function behind `cargo lambda watch`."""
    port = free_port()
    command = [binary("CARGO_LAMBDA"), "lambda", "watch", "--only-lambda-apis", "--ignore-changes", "--disable-cors"]
    with Process(*command, "-A", LOOPBACK, "-P", port, cwd=REPOSITORY) as runtime:
        runtime.wait_for_port(port)
        with Process(
            binary("BATCH_CANCEL"),
            AWS_LAMBDA_RUNTIME_API=f"http://{LOOPBACK}:{port}/.rt/batch-cancel",
            AWS_LAMBDA_FUNCTION_NAME="batch-cancel",
            AWS_LAMBDA_FUNCTION_VERSION="1",
            AWS_LAMBDA_FUNCTION_MEMORY_SIZE="128",
            AWS_LAMBDA_LOG_GROUP_NAME="/aws/lambda/batch-cancel",
            AWS_LAMBDA_LOG_STREAM_NAME="test",
            AWS_ENDPOINT_URL_BATCH=batch,
            **settings,
        ):
            with Watched(port, batch) as front:
                yield front

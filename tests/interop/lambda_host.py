"""Runs a function's binary the way Lambda does: serves the Runtime API to it and hands it one event at a time."""

import contextlib
import json
import queue
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from servers import ACCOUNT, LOOPBACK, REGION, Process

API = "/2018-06-01/runtime"


class FunctionError(Exception):
    """The function returned an error for an event, or failed to start."""

    def __init__(self, body):
        super().__init__(f"{body.get('errorType')}: {body.get('errorMessage')}")
        self.type = body.get("errorType")
        self.message = body.get("errorMessage")


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a function that is stopped just hangs up
            super().handle_error(request, client_address)


class LambdaHost:
    """`with LambdaHost(binary, **environment) as function: report = function.invoke(event)`"""

    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:batch-cancel"

    def __init__(self, binary, timeout=60, **environment):
        self.timeout = timeout
        self.request_ids = []
        self._events = queue.Queue()
        self._answers = queue.Queue()
        self._server = Server((LOOPBACK, 0), self._handler())
        self._binary = binary
        self._environment = environment

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()
        self._process = Process(
            self._binary,
            AWS_LAMBDA_RUNTIME_API=f"{LOOPBACK}:{self._server.server_port}",
            AWS_LAMBDA_FUNCTION_NAME="batch-cancel",
            AWS_LAMBDA_FUNCTION_VERSION="$LATEST",
            AWS_LAMBDA_FUNCTION_MEMORY_SIZE="128",
            AWS_LAMBDA_FUNCTION_TIMEOUT=str(self.timeout),
            AWS_LAMBDA_LOG_GROUP_NAME="/aws/lambda/batch-cancel",
            AWS_LAMBDA_LOG_STREAM_NAME="test",
            **self._environment,
        )
        return self

    def __exit__(self, *exception):
        self._process.__exit__(*exception)
        self._events.put(None)
        self._server.shutdown()
        self._server.server_close()

    def invoke(self, event):
        """The response of the function to `event`."""
        self._events.put(json.dumps(event).encode())
        end = time.monotonic() + self.timeout + 10
        while time.monotonic() < end:
            gone = self._process.exit_code
            with contextlib.suppress(queue.Empty):
                kind, body = self._answers.get(timeout=0.2)
                if kind == "response":
                    return body
                raise FunctionError(body)
            if gone is not None:
                raise RuntimeError(f"the function ended with {gone}:\n{self.logs()}")
        raise TimeoutError(f"no answer within the function's {self.timeout} s:\n{self.logs()}")

    def logs(self):
        return self._process.output()

    def _handler(outer):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                event = outer._events.get() if self.path == f"{API}/invocation/next" else None
                if event is None:
                    return self._answer(410, b"")
                request_id = str(uuid.uuid4())
                outer.request_ids.append(request_id)
                deadline = int((time.time() + outer.timeout) * 1000)
                self._answer(
                    200,
                    event,
                    {
                        "Lambda-Runtime-Aws-Request-Id": request_id,
                        "Lambda-Runtime-Deadline-Ms": str(deadline),
                        "Lambda-Runtime-Invoked-Function-Arn": outer.arn,
                        "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
                    },
                )

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"null")
                outer._answers.put((self.path.rsplit("/", 1)[1], body))
                self._answer(202, b'{"status":"OK"}')

            def _answer(self, status, body, headers={}):
                with contextlib.suppress(ConnectionError):  # the function was stopped meanwhile
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

"""Starts the servers that the tests call, on free loopback ports, and always stops them."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LOOPBACK = "127.0.0.1"
REGION = "eu-west-1"
ACCOUNT = "123456789012"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
TOOLS = Path(sys.executable).parent
HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]


def binary(name):
    """The file that the environment variable `name` points at; tests/interop/run sets them all."""
    value = os.environ.get(name)
    if not value:
        raise RuntimeError(f"{name} is not set: run these tests with tests/interop/run")
    if not Path(value).exists():
        raise RuntimeError(f"{name}={value} is not there")
    return value


def plain_environment(**variables):
    """PATH and HOME, dummy AWS credentials and the given variables; nothing of the caller's own account."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return inherited | CREDENTIALS | variables


def free_port():
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


def http(url, method="GET", body=None, headers=None, timeout=60):
    """Status and body of a response; the body is parsed if it is JSON."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers or {}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    with contextlib.suppress(ValueError):
        return status, json.loads(text)
    return status, text


class Process:
    """A program with its output kept; leaving the `with` block ends it and its children."""

    def __init__(self, *command, cwd=None, **variables):
        self._log = tempfile.NamedTemporaryFile("w+", prefix="interop-", suffix=".log")
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=plain_environment(**variables),
            cwd=cwd,
            start_new_session=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for ending, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, ending)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
                break
        self._log.close()

    @property
    def exit_code(self):
        return self._process.poll()

    def output(self):
        return Path(self._log.name).read_text(errors="replace")

    def wait_for_output(self, pattern, seconds=60):
        """The first match of `pattern` in the output of the program."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            gone = self.exit_code is not None
            if match := re.search(pattern, self.output()):
                return match
            if gone:
                break
            time.sleep(0.02)
        raise RuntimeError(f"no {pattern!r} from {self._process.args}:\n{self.output()}")

    def wait_for_port(self, port, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.exit_code is None:
            with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), 1):
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self._process.args} does not listen:\n{self.output()}")


@contextlib.contextmanager
def emulator(seed):
    """batch-emulator with the account `seed`; yields its URL."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(seed, file)
        file.flush()
        with Process(binary("BATCH_EMULATOR"), "--seed", file.name) as process:
            yield process.wait_for_output(r"listening on (http://\S+)")[1]


@contextlib.contextmanager
def demo_account(*options):
    """batch-emulator with the demo account, where `sam local` runs functions; yields its URL."""
    with Process(binary("BATCH_EMULATOR"), "--demo", *options) as process:
        yield process.wait_for_output(r"listening on (http://\S+)")[1]


@contextlib.contextmanager
def moto():
    """moto's server; yields its URL."""
    with Process(TOOLS / "moto_server", "-H", LOOPBACK, "-p", "0") as process:
        yield process.wait_for_output(r"Running on (http://[\d.:]+)")[1]


# Where ministack knows less than AWS:
# - PutEvents refuses the sources of AWS itself, as it does on AWS. The tests stand in for Batch and for CloudWatch.
# - A Distributed Map ignores ItemBatcher and ResultWriter. Here each batch is an item, in the form that the documentation of
#   ItemBatcher gives, and with a ResultWriter the result names the map run.
MINISTACK = """
from ministack.services import eventbridge, stepfunctions
refusing = eventbridge._put_events
eventbridge._put_events = lambda data: refusing(data, allow_aws_source=True)
run_items = stepfunctions._run_distributed_map
def run_batches(state, raw_input, effective, iterator, execution, context):
    state = dict(state)
    batcher, writer = state.pop("ItemBatcher", None), state.pop("ResultWriter", None)
    if batcher:
        items = stepfunctions._read_map_items(state.pop("ItemReader"), effective, context)
        selector = state.pop("ItemSelector", None)
        if selector:
            resolve = stepfunctions._resolve_params_obj
            items = [resolve(selector, effective, context | {"Map": {"Item": {"Value": item}}}) for item in items]
        common = stepfunctions._resolve_params_obj(batcher["BatchInput"], effective, context)
        size = batcher["MaxItemsPerBatch"]
        effective = [{"BatchInput": common, "Items": items[n:n + size]} for n in range(0, len(items), size)]
        state["ItemsPath"] = "$"
    output, next_state = run_items(state, raw_input, effective, iterator, execution, context)
    if writer:
        runs = stepfunctions._map_runs.values()
        (run,) = [run["mapRunArn"] for run in runs if run["executionArn"] == execution["executionArn"]]
        output = {"MapRunArn": run, "ResultWriterDetails": writer["Parameters"]}
    return output, next_state
stepfunctions._run_distributed_map = run_batches
from ministack.app import main
main()
"""


@contextlib.contextmanager
def ministack():
    """A local AWS with CloudFormation, Lambda, EventBridge, Scheduler and SQS, whose functions are plain processes; yields
    its URL."""
    port = free_port()
    variables = {"BIND_HOST": LOOPBACK, "MINISTACK_HOST": LOOPBACK, "GATEWAY_PORT": str(port)}
    with tempfile.TemporaryDirectory(prefix="ministack-") as scratch:
        command = [Path(binary("MINISTACK")).parent / "python", "-c", MINISTACK]
        with Process(*command, LAMBDA_EXECUTOR="local", SFN_WAIT_SCALE="0.02", TMPDIR=scratch, **variables) as process:
            process.wait_for_port(port)
            yield f"http://{LOOPBACK}:{port}"


@contextlib.contextmanager
def sts(arn=f"arn:aws:iam::{ACCOUNT}:user/ann"):
    """AWS STS that knows one caller; yields its URL."""
    answer = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
        <Arn>{arn}</Arn><UserId>AIDA</UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class RecordingProxy:
    """Passes requests on to `upstream`, and keeps (method, path, parsed body, status) of each in `calls`."""

    def __init__(self, upstream):
        self.calls = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                request = urllib.request.Request(upstream + self.path, body, headers, method=self.command)
                opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                try:
                    answer = opener.open(request, timeout=60)
                except urllib.error.HTTPError as error:
                    answer = error
                with answer:
                    payload = answer.read()
                outer.calls.append((self.command, self.path, json.loads(body or b"null"), answer.status))
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.url = f"http://{LOOPBACK}:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def bodies(self, path):
        """The bodies of the calls to `path`, in order."""
        return [body for _, called, body, _ in self.calls if called == path]

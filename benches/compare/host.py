"""A Lambda Runtime API for one function process, on bare sockets so that it hardly shows in what is measured."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from queue import Queue

CPU = Path("/sys/fs/cgroup/cpu")
PERIOD = 20_000


def share_of_core(share):
    """A CPU group whose processes have this share of one core (cgroup v1), or None where none can be made."""
    group = CPU / "batch-cancel-benches"
    try:
        group.mkdir(exist_ok=True)
        (group / "cpu.cfs_period_us").write_text(str(PERIOD))
        (group / "cpu.cfs_quota_us").write_text(str(round(PERIOD * share)))
    except OSError:
        return None
    return group


class Host:
    """`with Host(command, environment) as function:` starts a function and measures it.

    In Lambda the start phase has a full core, so the process joins its CPU group when it asks for its first event."""

    def __init__(self, command, environment, group=None):
        self._group, self._started = group, threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._events, self._answers, self._ready = Queue(), Queue(), threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()
        address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": address,
            "AWS_LAMBDA_FUNCTION_NAME": "function",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_LOG_GROUP_NAME": "group",
            "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "INFO",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_EC2_METADATA_DISABLED": "true",
            **environment,
        }
        self.started = time.perf_counter()
        # Where a function's log goes in Lambda is a pipe that is read; a file costs it about as much.
        self._log = open(os.devnull, "wb")
        self._process = subprocess.Popen(command, env=environment, stdout=self._log, stderr=self._log)
        self._started.set()

    def __enter__(self):
        if not self._ready.wait(30):
            raise RuntimeError("the function did not ask for an event")
        return self

    def __exit__(self, *exception):
        if self._process.returncode is None:
            self.end()
        self._listener.close()

    def end(self):
        """Ends the process: its CPU time in seconds and its peak memory in MB."""
        # Not ru_maxrss, which counts this interpreter as it was when it forked.
        with open(f"/proc/{self._process.pid}/status") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
        self._process.send_signal(signal.SIGKILL)
        _, _, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = -9
        self._log.close()
        return usage.ru_utime + usage.ru_stime, peak / 1024

    @property
    def start(self):
        """Seconds from the start to the wish for the first event."""
        return self.ready_at - self.started

    def invoke(self, event):
        """The answer to an event (bytes), and the seconds that it took."""
        began = time.perf_counter()
        self._events.put(event)
        status, body, ended = self._answers.get(timeout=900)
        if status != "response":
            raise RuntimeError(body)
        return body, ended - began

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(ConnectionError):  # a function that is stopped just hangs up
            self._answer(connection)

    def _answer(self, connection):
        number, pending = 0, b""
        while True:
            while b"\r\n\r\n" not in pending:
                part = connection.recv(1 << 20)
                if not part:
                    return
                pending += part
            arrived = time.perf_counter()
            head, body = pending.split(b"\r\n\r\n", 1)
            first, *lines = head.decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines)
            if "transfer-encoding" in headers:
                while not body.endswith(b"0\r\n\r\n"):
                    body += connection.recv(1 << 20)
            parts, length, expected = [body], len(body), int(headers.get("content-length", 0))
            while length < expected:
                parts.append(connection.recv(1 << 20))
                length += len(parts[-1])
            body, pending = b"".join(parts), b""
            path = first.split(" ")[1]
            if path.endswith("/next"):
                if not self._ready.is_set():
                    self.ready_at = arrived
                    if self._group:
                        self._started.wait()
                        (self._group / "cgroup.procs").write_text(str(self._process.pid))
                    self._ready.set()
                event = self._events.get()
                number += 1
                deadline = int((time.time() + 900) * 1000)
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
                    b"lambda-runtime-aws-request-id: 00000000-0000-4000-8000-%012d\r\n"
                    b"lambda-runtime-deadline-ms: %d\r\n"
                    b"lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-west-1:123456789012:function:function\r\n\r\n"
                    % (len(event), number, deadline)
                    + event
                )
            else:
                kind = path.rsplit("/", 1)[1]
                self._answers.put((kind, body, time.perf_counter() if length < 65536 else arrived))
                connection.sendall(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")

"""Docker for `sam local`: the daemon that runs here, or one of the tests' own, and the image of the Lambda runtime."""

import contextlib
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from servers import Process

IMAGE = "public.ecr.aws/lambda/provided:al2023-x86_64"
# What the real image has in its environment.
VARIABLES = {
    "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
    "LD_LIBRARY_PATH": "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    "LAMBDA_TASK_ROOT": "/var/task",
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
}
FOLDERS = ("bin", "lib", "lib64", "opt", "tmp", "usr", "var", "var/task", "var/runtime", "var/rapid", "etc")
# What SAM runs in a container beside the function.
PROGRAMS = ("sh", "mv", "chmod")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


class NoDocker(Exception):
    """There is no Docker here, and none can be started; the text says why."""


@contextlib.contextmanager
def docker(bootstrap):
    """Docker with the image for the function `bootstrap`: the variables for its clients, and the host's address for
    containers."""
    with daemon() as variables:
        run = lambda *words, **more: subprocess.run(
            ["docker", *words], env={**os.environ, **variables}, capture_output=True, **more
        )
        if run("image", "inspect", IMAGE).returncode != 0:
            with contextlib.suppress(subprocess.TimeoutExpired):
                run("pull", IMAGE, timeout=90)
        if run("image", "inspect", IMAGE).returncode != 0:
            changes = [f"ENV {name}={value}" for name, value in VARIABLES.items()] + ["WORKDIR /var/task"]
            options = [word for change in changes for word in ("--change", change)]
            run("import", *options, "-", IMAGE, input=stand_in(bootstrap), check=True)
        gateway = run("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}", text=True).stdout
        yield variables, gateway.strip() or "172.17.0.1"


@contextlib.contextmanager
def daemon():
    """A Docker daemon: the one that answers already, or a new one in a folder of its own."""
    if shutil.which("docker") and subprocess.run(["docker", "info"], capture_output=True).returncode == 0:
        yield {}
        return
    if not shutil.which("dockerd") or not shutil.which("docker"):
        raise NoDocker("there is no docker here, and no dockerd to start: apt-get install docker.io iptables")
    if os.geteuid() != 0:
        raise NoDocker("no Docker daemon answers, and only root can start one")
    with tempfile.TemporaryDirectory(prefix="interop-docker-", ignore_cleanup_errors=True) as folder:
        socket = f"unix://{folder}/docker.sock"
        options = [f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid"]
        offline = ["--iptables=false", "--ip6tables=false", "--ip-masq=false"]
        with Process("dockerd", f"--host={socket}", "--storage-driver=overlay2", *options, *offline) as process:
            try:
                process.wait_for_output("API listen on", 30)
            except RuntimeError as error:
                raise NoDocker(f"dockerd does not start: {error}") from error
            yield {"DOCKER_HOST": socket}


def stand_in(bootstrap):
    """A root folder in which SAM and the function run, as a tar file, where AWS's image cannot be had."""
    files = {Path(shutil.which(name)).resolve(): f"bin/{name}" for name in PROGRAMS}
    needed = subprocess.run(["ldd", *files, bootstrap], capture_output=True, text=True, check=True).stdout
    libraries = {path for path in re.findall(r"(/\S+) \(0x", needed)}
    text = io.BytesIO()
    with tarfile.open(fileobj=text, mode="w") as archive:
        for folder in FOLDERS:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            archive.addfile(entry)
        for path, name in files.items():
            add(archive, path, name)
        for path in libraries:
            name = "lib64" if "ld-linux" in path else "lib"
            add(archive, Path(path).resolve(), f"{name}/{Path(path).name}")
        add(archive, CERTIFICATES, "etc/pki/tls/certs/ca-bundle.crt")
        users = b"root:x:0:0:root:/root:/bin/sh\n"
        entry = tarfile.TarInfo("etc/passwd")
        entry.size = len(users)
        archive.addfile(entry, io.BytesIO(users))
    return text.getvalue()


def add(archive, path, name):
    data = Path(path).read_bytes()
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o755
    archive.addfile(entry, io.BytesIO(data))

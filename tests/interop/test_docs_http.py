"""The Python of docs/http.md: it is run, and what arrives is signed as a gateway of AWS computes it from the wire."""

import hashlib
import hmac
import os
import subprocess
import sys
from urllib.parse import parse_qsl, quote, urlsplit

from documents import blocks
from http_front import Gateway
from lambda_host import LambdaHost
from servers import CREDENTIALS, REGION, REPOSITORY, binary, emulator, plain_environment

ARRAY = "1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01"
WAITING = {"jobQueue": "render", "age": "1h"}
ACCOUNT = {
    "queues": [{"name": "render"}],
    "jobs": [{**WAITING, "status": "RUNNABLE"}, {**WAITING, "jobId": ARRAY, "arraySize": 8, "children": ["RUNNABLE"] * 8}],
}


def signature(method, target, headers, body):
    """What https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html makes of a request."""
    url, given = urlsplit(target), headers["Authorization"]
    scope, names = (given.split(f"{part}=")[1].split(",")[0] for part in ("Credential", "SignedHeaders"))
    date, region, service, kind = scope.split("/")[1:]
    query = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parse_qsl(url.query))
    lines = [method, quote(url.path, safe="/-_.~"), "&".join(map("=".join, query))]
    lines += [f"{name}:{headers[name].strip()}" for name in names.split(";")]
    lines += ["", names, hashlib.sha256(body).hexdigest()]
    text = "\n".join(
        ["AWS4-HMAC-SHA256", headers["X-Amz-Date"], f"{date}/{region}/{service}/{kind}"]
        + [hashlib.sha256("\n".join(lines).encode()).hexdigest()]
    )
    key = f"AWS4{CREDENTIALS['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in (date, region, service, kind, text):
        key = hmac.digest(key, part.encode(), "sha256")
    return region, service, key.hex()


class Signed(Gateway):
    """Answers what is signed as a whole. Jobs are those of the account."""

    def _seed(self, text):
        pass

    def answer(self, method, target, headers, body):
        region, service, computed = signature(method, target, headers, body)
        if (region, service) != (REGION, "execute-api") or not headers["Authorization"].endswith(f"Signature={computed}"):
            return 403, {}, b'{"message": "the signature does not match"}'
        return super().answer(method, target, headers, body)


def run(script, url):
    return subprocess.run(
        [sys.executable, "-c", script],
        env=plain_environment(AWS_DEFAULT_REGION=REGION, HTTP_API_URL=url, AWS_CONFIG_FILE=os.devnull),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    ).stdout.splitlines()


def test_python_of_the_docs_signs_what_it_sends():
    (block,) = blocks("python", [REPOSITORY / "docs" / "http.md"])
    settings = {"ALLOWED_QUEUES": "render", "API_CALLS_PER_SECOND": "0"}
    with emulator(ACCOUNT) as batch, LambdaHost(binary("BATCH_CANCEL"), AWS_ENDPOINT_URL_BATCH=batch, **settings) as function:
        with Signed(function, batch) as front:
            cancelled, deleted = run(block.text, front.url)
            unsigned = block.text.replace(".add_auth(request)", ".add_auth(request); request.params['reason'] = 'Another'", 1)
            assert unsigned != block.text
            changed = run(unsigned, front.url)
    assert cancelled.startswith("(200, {") and "'wouldCancel': 2" in cancelled, cancelled
    assert deleted.startswith("(200, {") and f"'jobId': '{ARRAY}:7'" in deleted and "wouldCancel" in deleted, deleted
    assert all(line.startswith("(403, ") for line in changed), changed

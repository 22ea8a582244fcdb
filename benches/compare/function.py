"""What a user would write instead: a function on boto3. MODE says which."""

import http.client
import json
import os
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

MODE = os.environ["MODE"]
client = boto3.client("batch", config=Config(max_pool_connections=32))


def cancel(job_id):
    try:
        client.cancel_job(jobId=job_id, reason="benchmark")
    except client.exceptions.ClientError as error:
        return str(error)
    return None


def handle(event):
    ids = event["jobIds"]
    if MODE == "describe":
        return client.describe_jobs(jobs=ids)["jobs"][0]["status"]
    if MODE == "full":
        client.describe_jobs(jobs=ids)
        cancel(ids[0])
        return client.describe_jobs(jobs=ids)["jobs"][0]["status"]
    if MODE == "serial":
        return [error for error in map(cancel, ids) if error]
    if MODE == "bulk":
        return [
            client.cancel_jobs(jobs=ids[start : start + 50], reason="benchmark").get("errors")
            for start in range(0, len(ids), 50)
        ]
    with ThreadPoolExecutor(32) as pool:
        return [error for error in pool.map(cancel, ids) if error]


api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    answer = api.getresponse()
    request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
    result = json.dumps(handle(json.loads(answer.read())))
    api.request("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", result)
    api.getresponse().read()

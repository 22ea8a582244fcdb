"""A night on a render farm: two hundred jobs wait and run, and one that no machine is large enough for is first in line."""

import random
import time

QUEUE = "render-gpu"

STUCK = "kestrel-sc042-fluid-sim"
TOO_LARGE = (
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) is higher than that can be "
    "met by the CE(s) attached to the job queue."
)


def render_farm():
    """The emulator's seed. The same jobs each time; only the time is now."""
    dice = random.Random(42)
    now = time.time()

    def job(name, status, minutes, **more):
        identifier = f"{dice.getrandbits(32):08x}-{dice.getrandbits(16):04x}-4{dice.getrandbits(12):03x}"
        identifier += f"-a{dice.getrandbits(12):03x}-{dice.getrandbits(48):012x}"
        at = {"jobId": identifier, "jobQueue": QUEUE, "createdAt": int((now - 60 * minutes) * 1000)}
        return {"jobName": name, "status": status} | at | more

    first = {"positionTime": {"at": int((now - 60 * 192) * 1000)}}
    jobs = [job(STUCK, "RUNNABLE", 205, statusReason=TOO_LARGE, **first)]
    jobs += [job(f"kestrel-sc042-frame-{1001 + n:04}", "RUNNABLE", 198 - n * 1.1) for n in range(127)]
    jobs += [job(f"kestrel-sc{41 + n:03}-composite", "PENDING", 197 - 9 * n) for n in range(14)]
    jobs[2] |= {"tags": {"batch-cancel:protect": ""}}
    denoise = {"arraySize": 12, "children": ["RUNNABLE"] * 7 + ["RUNNING"] * 5}
    jobs += [job("kestrel-sc041-denoise", "PENDING", 180, **denoise)]
    jobs += [job(f"owl-teaser-frame-{n:04}", "SUBMITTED", 2) for n in range(1, 7)]
    jobs += [job(f"kestrel-sc041-frame-{1301 + n:04}", "STARTING", 210 + n) for n in range(4)]
    for n in range(47):
        started = int((now - 60 * (170 - 3.4 * n)) * 1000)
        jobs.append(job(f"kestrel-sc041-frame-{1201 + n:04}", "RUNNING", 240 - n, startedAt=started))
    limit = {"reason": "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", "maxTimeSeconds": 4 * 3600}
    used = {"capacityUnit": "VCPU", "quantity": 1632}
    queue = {"name": QUEUE, "jobStateTimeLimitActions": [limit], "totalCapacityUsage": [used]}
    return {"queues": [queue], "jobs": jobs}

"""celery: one solo worker, a task that does nothing."""

import json
import os
import sys
import threading
import time

from celery import Celery
from celery.contrib.testing.worker import start_worker

url, number = sys.argv[1], int(sys.argv[2])
app = Celery("peer", broker=url)
app.conf.update(
    task_ignore_result=True, worker_prefetch_multiplier=100, task_default_queue="peer-celery",
    task_acks_late=True, worker_hijack_root_logger=False,
)  # fmt: skip
done = threading.Event()
state = {"seen": 0, "begun": 0.0}


@app.task
def nothing(text):
    state["begun"] = state["begun"] or time.perf_counter()
    state["seen"] += 1
    if state["seen"] == number:
        done.set()


for _ in range(number):
    nothing.delay("x" * 600)
with start_worker(app, pool="solo", perform_ping_check=False, loglevel="ERROR"):
    done.wait(120)
    taken = time.perf_counter() - state["begun"]
    print(json.dumps(number / taken), flush=True)
    os._exit(0)  # a solo worker in a thread does not end when it is asked to

"""dramatiq: one worker thread, an actor that does nothing."""

import json
import sys
import threading
import time

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker

url, number = sys.argv[1], int(sys.argv[2])
broker = RabbitmqBroker(url=url)
dramatiq.set_broker(broker)
done = threading.Event()
state = {"seen": 0, "begun": 0.0}


@dramatiq.actor(queue_name="peer-dramatiq")
def nothing(text):
    state["begun"] = state["begun"] or time.perf_counter()
    state["seen"] += 1
    if state["seen"] == number:
        done.set()


for _ in range(number):
    nothing.send("x" * 600)
worker = dramatiq.Worker(broker, worker_threads=1)
worker.start()
done.wait(120)
taken = time.perf_counter() - state["begun"]
worker.stop()
print(json.dumps(number / taken))

"""nameko: one service container, an event handler that does nothing."""

import eventlet

eventlet.monkey_patch()

import json  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402

from nameko.events import event_handler  # noqa: E402
from nameko.runners import ServiceRunner  # noqa: E402
from nameko.standalone.events import event_dispatcher  # noqa: E402

url, number = sys.argv[1], int(sys.argv[2])
config = {"AMQP_URI": url, "max_workers": 10, "prefetch_count": 100}
state = {"seen": 0, "begun": 0.0}
done = eventlet.event.Event()


class Peer:
    name = "peer_nameko"

    @event_handler("source", "said", reliable_delivery=True)
    def nothing(self, payload):
        state["begun"] = state["begun"] or time.perf_counter()
        state["seen"] += 1
        if state["seen"] == number:
            done.send(None)


first = ServiceRunner(config)
first.add_service(Peer)
first.start()
first.stop()
dispatch = event_dispatcher(config)
for _ in range(number):
    dispatch("source", "said", "x" * 600)
runner = ServiceRunner(config)
runner.add_service(Peer)
runner.start()
done.wait()
taken = time.perf_counter() - state["begun"]
runner.stop()
print(json.dumps(number / taken))

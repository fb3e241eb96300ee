"""faststream: one process, a subscriber that does nothing."""

import asyncio
import json
import sys
import time

from faststream.rabbit import RabbitBroker, RabbitQueue

url, number = sys.argv[1], int(sys.argv[2])


async def main() -> float:
    filler = RabbitBroker(url, logger=None)
    await filler.connect()
    await filler.declare_queue(RabbitQueue("peer-faststream"))
    for _ in range(number):
        await filler.publish("x" * 600, queue="peer-faststream")
    broker = RabbitBroker(url, logger=None)
    done, state = asyncio.Event(), {"seen": 0, "begun": 0.0}

    @broker.subscriber("peer-faststream")
    async def nothing(text: str) -> None:
        state["begun"] = state["begun"] or time.perf_counter()
        state["seen"] += 1
        if state["seen"] == number:
            done.set()

    await broker.start()
    await asyncio.wait_for(done.wait(), 120)
    return number / (time.perf_counter() - state["begun"])


print(json.dumps(asyncio.run(main())))

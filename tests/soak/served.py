"""The server that is soaked: the real one, over an engine that costs nothing, with a look at its inside.

    python -m tests.soak.served [--pace SECONDS]

It listens on a free port of 127.0.0.1 and says which. `GET /inside` tells how late its event loop was since it was
asked last, and what it holds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from latticework import Settings, create_app, lifespan
from latticework.serving import server
from tests.free import free_engine

BEAT = 0.01


@dataclass
class Heart:
    """A task that should beat every 10 ms, and how many seconds late it was each time."""

    late: list[float] = field(default_factory=list)

    async def beat(self) -> None:
        while True:
            due = time.perf_counter() + BEAT
            await asyncio.sleep(BEAT)
            self.late.append(time.perf_counter() - due)

    def take(self) -> list[float]:
        taken, self.late = sorted(self.late), []
        return taken


def soaked(pace: float) -> Starlette:
    engine = free_engine(pace)
    app, heart = create_app(engine), Heart()

    @asynccontextmanager
    async def running(host: Starlette) -> AsyncIterator[None]:
        async with lifespan(app)(host):
            beating = asyncio.create_task(heart.beat())
            yield
            beating.cancel()

    async def inside(request: Request) -> JSONResponse:
        late = heart.take()
        return JSONResponse(
            {
                "beats": len(late),
                "p50_late": quantile(late, 0.5),
                "p99_late": quantile(late, 0.99),
                "most_late": quantile(late, 1),
                "tasks": len(asyncio.all_tasks()),
                "threads": threading.active_count(),
                "answers": engine.open,
            }
        )

    return Starlette(routes=[Route("/inside", inside), Mount("/", app)], lifespan=running)


def quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pace", type=float, default=0.002)
    listener = server.bind("127.0.0.1", 0)
    ready = json.dumps({"url": server.base_url(listener)})
    app = soaked(parser.parse_args().pace)
    server.run(app, listener, Settings(drain_timeout=5), ready=lambda: print(ready, flush=True))


if __name__ == "__main__":
    main()

"""A server over an engine that costs next to nothing, with the options of `latticework serve`.

python -m benchmarks.free_server [OPTION...]
"""

from __future__ import annotations

import sys

from latticework import create_app
from latticework.commands.launch import launch_of_words
from latticework.fronts import serving
from latticework.served import Served
from latticework.serving import server
from tests.free import free_engine

MODEL = "scripted"


def main() -> None:
    settings = launch_of_words(sys.argv[1:], "benchmarks.free_server").settings
    with server.bind(settings.host, settings.port) as listener:
        if settings.api_servers > 1:
            serving.serve_with_fronts([Served(free_engine())], listener, settings, lambda: None)
        else:
            server.run(create_app(free_engine(), settings=settings), listener, settings, lambda: None)


if __name__ == "__main__":
    main()

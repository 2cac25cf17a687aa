"""`latticework batch`: asks a file of requests, and resumes where it was stopped."""

from __future__ import annotations

import os
import signal
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from latticework.commands import DONE, NEGATIVE, Command, CommandFailed, WrongUsage, columns, say, show, with_json
from latticework.commands.launch import add_launch_options, collect_launch, launch_flags
from latticework.commands.models import KEY
from latticework.config import CONFIG
from latticework.settings import Settings

if TYPE_CHECKING:
    from latticework.batch.results import Answered, OutputFile
    from latticework.batch.senders import Sender
    from latticework.batch.tally import BatchTally
    from latticework.served import Served

DESCRIPTION = """Send each request of a file, a line in OpenAI's batch format:

  {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": ...}}

`url` is one of /v1/chat/completions, /v1/responses, /v1/completions and /v1/messages. Each answer becomes a line of
OUT as soon as it is complete: {"id", "custom_id", "response": {"status_code", "request_id", "body"}, "error"}. Run the
same command again after it was stopped or killed: requests with a line in OUT are not sent again. A summary ends it.

FILE comes before all options. Without --server, this process starts an engine: further options are those of
`latticework serve` and of its engine, --model for one. After a 429, 502, 503 or 504 without `x-should-retry: false`, or
a lost connection, a request is sent again; after other errors it is not. Ctrl-C and SIGTERM let running requests end
within 30 seconds, and a second one drops them; the exit status is then 130 or 143."""

# Settings of a socket and its clients, which a batch in process does not have.
SERVER_ONLY = (
    *("host", "port", "api_servers", "root_path", "api_keys", "api_key_file", "no_auth", "allowed_origins"),
    *("allowed_methods", "allowed_headers", "allow_credentials", "requests_per_minute", "concurrent_requests"),
    *("read_timeout", "write_timeout", "drain_timeout", "playground"),
)
# Requests at a time that a server is asked.
CONCURRENCY = 32
TRIES = 6
STDOUT, STDERR = 1, 2
STOPS = (signal.SIGINT, signal.SIGTERM)
STOPPING = "Stopping: running requests may end within {:g} s. Again to drop them. The same command continues from here."


def add_batch_options(parser: ArgumentParser) -> None:
    parser.usage = "%(prog)s FILE -o OUT [--server URL] [OPTION ...]"
    parser.add_argument("file", metavar="FILE", help="the requests: a file of JSON lines")
    parser.add_argument("-o", "--out", metavar="OUT", required=True, help="the file to which answers are appended")
    parser.add_argument(
        "--server", metavar="URL", help="the server to ask, without /v1; by default, an engine is started"
    )
    parser.add_argument(
        "--api-key",
        metavar="KEY",
        default=os.environ.get(KEY),
        help=f"the server's API key; better set in {KEY}: other users of the machine can read command lines",
    )
    parser.add_argument(
        "--concurrency",
        type=_positive,
        metavar="N",
        help=f"requests at a time ({CONCURRENCY} with --server, else as many as the engine runs at once)",
    )
    parser.add_argument(
        "--tries", type=_positive, default=TRIES, metavar="N", help="times that a request is sent at most (%(default)s)"
    )
    with_json(parser)
    add_launch_options(parser, without=SERVER_ONLY)


def _positive(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise ArgumentTypeError(f"must be an integer from 1 to 10000, not {text!r}")
    return int(text)


@dataclass
class _Run:
    """One run of the command: what is asked, where its answers go, and how it ended."""

    given: Namespace
    file: Path
    output: OutputFile
    earlier: Answered
    left: int
    tally: BatchTally
    seconds: float = 0.0
    signals: list[int] = field(default_factory=list)
    failure: str | None = None


def run_batch(given: Namespace) -> int:
    from latticework.batch.results import OutputFile, OutputInUse
    from latticework.batch.tally import BatchTally

    if given.server:
        _refuse_engine_options(given)
    file, out = Path(given.file), Path(given.out)
    _refuse_files(file, out)
    ids = _checked_ids(file)
    try:
        output = OutputFile(out)
    except OutputInUse as error:
        raise CommandFailed(str(error)) from None
    except OSError as error:
        raise WrongUsage(f"{out}: {error.strerror}") from None
    with output:
        earlier = _earlier_answers(out, output, ids)
        run = _Run(given, file, output, earlier, len(ids) - len(earlier.ids), BatchTally())
        del ids  # of a million requests
        if run.left:
            _ask_server(run) if given.server else _ask_in_process(run)
    return _status(run)


def _refuse_engine_options(given: Namespace) -> None:
    """Raises WrongUsage."""
    config = ["--config"] if given.config != os.environ.get(CONFIG) else []
    if options := [*launch_flags(given), *config, *given.rest]:
        raise WrongUsage(f"{' '.join(options)}: can't be combined with --server, which has an engine")


def _refuse_files(file: Path, out: Path) -> None:
    """Raises WrongUsage for those that can be read or written only once, and for one that is both."""
    for path, use in ((file, "it is read twice"), (out, "the next run continues it")):
        if path.exists() and not path.is_file():
            raise WrongUsage(f"{path}: must be a regular file: {use}")
    if out.exists() and file.exists() and out.samefile(file):
        raise WrongUsage(f"{out}: must be another file than that of the requests")


def _checked_ids(file: Path) -> set[str]:
    """Raises WrongUsage."""
    from latticework.batch.requests import BadLines, check_requests

    try:
        return check_requests(file)
    except OSError as error:
        raise WrongUsage(f"{file}: {error.strerror}. FILE comes before all options") from None
    except BadLines as error:
        raise WrongUsage(f"{file} has lines that are not requests of a batch:\n{error}") from None


def _earlier_answers(out: Path, output: OutputFile, ids: set[str]) -> Answered:
    """Raises WrongUsage for another file than a batch's, or another batch's."""
    from latticework.batch.results import NotAnOutput

    try:
        earlier = output.answered()
    except NotAnOutput as error:
        raise WrongUsage(f"{out}: {error}. Choose another file with -o") from None
    if foreign := earlier.ids - ids:
        raise WrongUsage(
            f"{out} has {len(foreign)} answers to requests that are not in this file, such as custom_id "
            f"{min(foreign)!r}. Choose another file with -o"
        )
    return earlier


def _ask_server(run: _Run) -> None:
    import asyncio

    from latticework.commands.engines import require_remote

    require_remote()
    from latticework.batch.server import server_address, server_sender

    try:
        address = server_address(run.given.server)
    except ValueError as error:
        raise WrongUsage(f"--server: {error}") from None

    async def ask() -> None:
        async with server_sender(address, run.given.api_key) as sender:
            await _ask_all(run, sender, CONCURRENCY)

    asyncio.run(ask())


def _ask_in_process(run: _Run) -> None:
    import asyncio

    from latticework.commands import engines
    from latticework.engines.base import EngineDead
    from latticework.serving import server

    launch = collect_launch(run.given, run.given.rest)
    defaults = Settings()
    settings = replace(launch.settings, **{name: getattr(defaults, name) for name in SERVER_ONLY})
    with _output_of_engines(settings):
        models = engines.served_models(launch.engine_arguments, settings, launch.config)

        async def ask() -> None:
            async with _app_sender(models, settings) as sender:
                await _ask_all(run, sender, max(model.engine.max_running for model in models))

        try:
            with asyncio.Runner(loop_factory=server.loop_factory()) as runner:
                runner.run(ask())
        except EngineDead as error:
            raise CommandFailed(str(error)) from None


@asynccontextmanager
async def _app_sender(models: Sequence[Served], settings: Settings) -> AsyncIterator[Sender]:
    from latticework.app import create_app
    from latticework.batch.senders import AppSender

    app = create_app(*models, settings=settings)
    async with app.router.lifespan_context(app):
        yield AppSender(app)


async def _ask_all(run: _Run, sender: Sender, concurrency: int) -> None:
    from tqdm import tqdm

    from latticework.batch.requests import requests_without
    from latticework.batch.run import Batch, CannotGoOn

    left = requests_without(run.file, run.earlier.ids)
    done = len(run.earlier.ids)
    started = time.perf_counter()
    # disable=None: no bar without a terminal.
    with tqdm(total=done + run.left, initial=done, unit="request", disable=None) as bar:
        at_once = min(run.given.concurrency or concurrency, run.left)
        batch = Batch(sender, run.output, left, at_once, run.given.tries, bar.update, run.tally)
        with _stopping(batch.stop) as run.signals:
            try:
                await batch.run()
            except CannotGoOn as error:
                run.failure = str(error)
            except OSError as error:
                run.failure = f"{run.given.out}: {error.strerror}"
    run.seconds = time.perf_counter() - started


@contextmanager
def _stopping(stop: Callable[[], None]) -> Iterator[list[int]]:
    """Calls `stop` on the event loop for the first two signals; the third ends the process. Yields those that came."""
    import asyncio

    from latticework.batch.run import GRACE_SECONDS

    received: list[int] = []
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: object) -> None:
        received.append(number)
        if len(received) > 2:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        if len(received) == 1:
            say(STOPPING.format(GRACE_SECONDS))
        loop.call_soon_threadsafe(stop)

    former = {number: signal.signal(number, handle) for number in STOPS}
    try:
        yield received
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@contextmanager
def _output_of_engines(settings: Settings) -> Iterator[None]:
    """Warnings only, and on standard error: vLLM's processes write to standard output, which is for the summary."""
    import logging.config

    from latticework.logs import ENGINE_LEVEL, export_settings, log_config

    former = dict(os.environ)
    os.environ.setdefault(ENGINE_LEVEL, "WARNING")
    export_settings(settings.log_format, settings.log_content)
    config = dict(log_config(settings.log_format, settings.log_content))
    config["loggers"]["latticework"]["level"] = "WARNING"
    logging.config.dictConfig(config)
    sys.stdout.flush()
    kept = os.dup(STDOUT)
    os.dup2(STDERR, STDOUT)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, STDOUT)
        os.close(kept)
        os.environ.clear()
        os.environ.update(former)


def _status(run: _Run) -> int:
    """The exit status, once the summary is shown. Raises CommandFailed."""
    from latticework.batch.tally import Summary

    earlier = len(run.earlier.ids)
    summary = Summary(run.tally, earlier, run.left - run.tally.requests, run.seconds)
    show(summary.fields(), columns(summary.rows()), as_json=run.given.json)
    if run.failure is not None:
        raise CommandFailed(f"{run.failure}. The same command continues from here")
    if run.signals and summary.open:
        return 128 + run.signals[0]
    return NEGATIVE if run.tally.failed or run.earlier.failed else DONE


BATCH = Command("ask a file of requests", DESCRIPTION, add_batch_options, run_batch, passes_on=True)

"""Structured data out of a pile of documents: 200 letters that order something, or your own.

    make serve                                                        # in another shell
    python -m examples.extract orders.jsonl
    python -m examples.extract orders.jsonl --documents letters/      # *.txt, or lines of {"id": ..., "text": ...}

Each answer is written as a line of JSON as soon as it is there, {"id": ..., "order": {...}}. Whatever ended the
program, the same command goes on where it was. LATTICEWORK_API_KEY holds the server's key, if it has any.

Exit status: 0 all are done; 1 some failed, each told on standard error, and the same command tries them again;
2 it can't go on: no server, no such model, a file of something else, a full disk; 130 Ctrl-C.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from openai import APIConnectionError, APIStatusError, AsyncOpenAI, OpenAIError
from pydantic import BaseModel, Field, ValidationError
from tqdm import tqdm

from examples.letters import letters

T = TypeVar("T")


class Line(BaseModel):
    article: str = Field(max_length=40)
    quantity: int = Field(ge=1, le=999)


# Bounds keep a small model from going on and on, and are what MAX_TOKENS is reckoned from.
class Order(BaseModel):
    customer: str = Field(max_length=60)
    city: str = Field(max_length=40)
    deliver_by: date | None
    lines: list[Line] = Field(min_length=1, max_length=4)


TASK = "Which order does this letter place?"
MAX_TOKENS = 600
# The server has too much to do, or is just being started again. It says when to come back.
COME_BACK = (429, 503)
# No key, no right, no such model or address: no other document would do better.
SAME_FOR_ALL = (401, 403, 404)
LONGEST_PAUSE = 30.0  # seconds


class CannotGoOn(Exception):
    """The message says why."""


class Document(BaseModel):
    id: str
    text: str


@dataclass
class Extraction:
    """One run. `left` is shared by its workers: each takes the next document when it has done the last."""

    client: AsyncOpenAI
    model: str
    tries: int
    left: Iterator[Document]
    out: BinaryIO
    bar: tqdm
    failed: int = 0

    async def work(self) -> None:
        for document in self.left:
            try:
                order = await patiently(partial(self._asked, document), self.tries)
            except (OpenAIError, ValidationError) as error:
                refuse_hopeless(error)
                self.failed += 1
                tqdm.write(f"{document.id}: {error}", sys.stderr)
            else:
                self._keep(document, order)
            self.bar.update()

    async def _asked(self, document: Document) -> Order:
        answer = await self.client.chat.completions.parse(
            model=self.model,
            messages=[{"role": "user", "content": f"{TASK}\n\n{document.text}"}],
            response_format=Order,
            max_tokens=MAX_TOKENS,
            temperature=0,
        )
        order = answer.choices[0].message.parsed
        assert order is not None  # parse raises where there is none, but for refusals, which this server never makes
        return order

    def _keep(self, document: Document, order: Order) -> None:
        """Whatever ends the program: at most the last line is unfinished."""
        line = json.dumps({"id": document.id, "order": order.model_dump(mode="json")}, ensure_ascii=False)
        self.out.write(line.encode() + b"\n")
        self.out.flush()


async def patiently(ask: Callable[[], Awaitable[T]], tries: int) -> T:
    """Asks again for as long as that may help. Raises the last of openai's errors."""
    for tried in range(1, tries):
        try:
            return await ask()
        except (APIConnectionError, APIStatusError) as error:
            seconds = pause(error, tried)
            if seconds is None:
                raise
        await asyncio.sleep(seconds)
    return await ask()


def pause(error: APIConnectionError | APIStatusError, tried: int) -> float | None:
    """Seconds until it is worth asking again, after so many tries; None where it never is."""
    longer = min(2.0 ** (tried - 1), LONGEST_PAUSE) * random.uniform(0.5, 1)
    if isinstance(error, APIConnectionError):
        return longer
    if error.status_code not in COME_BACK:
        return None
    told = error.response.headers.get("retry-after", "")
    return float(told) if told.isdecimal() else longer


def refuse_hopeless(error: Exception) -> None:
    """Raises CannotGoOn for what is not wrong with one document alone."""
    if isinstance(error, APIConnectionError) or getattr(error, "status_code", None) in SAME_FOR_ALL:
        raise CannotGoOn(f"{error} {error.__cause__ or ''}") from error


def documents(source: Path | None) -> list[Document]:
    """From a folder, a file, or made up. Raises CannotGoOn."""
    try:
        found = list(read(source)) if source else [Document(id=name, text=text) for name, text in letters()]
    except (OSError, ValueError) as error:
        raise CannotGoOn(f"{source} can't be read: {error}") from error
    if not found or len({document.id for document in found}) < len(found):
        raise CannotGoOn(f"{source} has no documents, or two of the same id")
    return found


def read(source: Path) -> Iterator[Document]:
    """Raises OSError and ValueError."""
    if source.is_dir():
        for file in sorted(source.glob("*.txt")):
            yield Document(id=file.stem, text=file.read_text("utf-8"))
    else:
        # As bytes: a str also breaks at characters that a text may hold.
        yield from map(Document.model_validate_json, source.read_bytes().splitlines())


def resumed(out: Path) -> set[str]:
    """The documents that are done. A line that was being written when the program ended is taken off the file.

    Raises CannotGoOn, and leaves the file alone, if it is none of this program's.
    """
    written = out.read_bytes() if out.exists() else b""
    whole = written.rfind(b"\n") + 1
    try:
        done = {json.loads(line)["id"] for line in written[:whole].splitlines()}
    except (ValueError, KeyError, TypeError) as error:
        raise CannotGoOn(f"{out} is not a file of this program's: {error!r}") from error
    if whole < len(written):
        if not written[whole:].startswith(b"{"):
            raise CannotGoOn(f"{out} is not a file of this program's")
        os.truncate(out, whole)
    return done


async def extract(given: Namespace) -> int:
    """The exit status. Raises CannotGoOn."""
    wanted = documents(given.documents)
    done = resumed(given.out)
    left = [document for document in wanted if document.id not in done]
    key = os.environ.get("LATTICEWORK_API_KEY", "none")
    async with AsyncOpenAI(base_url=given.url, api_key=key, max_retries=0, timeout=given.timeout) as client:
        model = given.model or await first_model(client, given.tries)
        with (
            given.out.open("ab") as out,
            # disable=None: no bar where there is no terminal
            tqdm(total=len(wanted), initial=len(wanted) - len(left), unit="doc", disable=None) as bar,
        ):
            run = Extraction(client, model, given.tries, iter(left), out, bar)
            await at_once(given.concurrency, run.work)
    print(f"{len(wanted) - run.failed} of {len(wanted)} are in {given.out}", file=sys.stderr)
    return 1 if run.failed else 0


async def at_once(count: int, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """So many workers. What one of them raises ends all, and is raised."""
    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(count):
                workers.create_task(work())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def first_model(client: AsyncOpenAI, tries: int) -> str:
    """Raises CannotGoOn."""
    try:
        return (await patiently(client.models.list, tries)).data[0].id
    except OpenAIError as error:
        raise CannotGoOn(f"{error} {error.__cause__ or ''}") from error


def positive(text: str) -> int:
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def arguments() -> Namespace:
    parser = ArgumentParser("python -m examples.extract", None, __doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the file that the answers are appended to")
    parser.add_argument("--documents", type=Path, help="a folder of *.txt, or a JSONL file; made up by default")
    parser.add_argument("--url", default="http://127.0.0.1:8000/v1", help="%(default)s")
    parser.add_argument("--model", help="the server's first by default")
    parser.add_argument("--concurrency", type=positive, default=16, help="documents at once (%(default)s)")
    parser.add_argument("--tries", type=positive, default=8, help="of each document (%(default)s)")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one answer (%(default)s)")
    return parser.parse_args()


def main() -> int:
    try:
        return asyncio.run(extract(arguments()))
    except (CannotGoOn, OSError) as error:  # a full disk, for one
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. The same command goes on from here.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())

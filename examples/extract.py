"""Structured data from many documents: 200 generated letters with orders, or your own documents.

    make serve                                                        # in another shell
    python -m examples.extract orders.jsonl
    python -m examples.extract orders.jsonl --documents letters/      # *.txt, or lines of {"id": ..., "text": ...}

Each answer is written immediately, as a line of JSON: {"id": ..., "order": {...}}. If the program is interrupted, the
same command continues where it stopped. LATTICEWORK_API_KEY holds the server's key, if it has any.

Exit status: 0 all documents are done; 1 some failed, each reported on standard error, and the same command retries
them; 2 can't continue: no server, unknown model, a file of another program, a full disk; 130 Ctrl-C.
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


# Without bounds a small model may not stop. MAX_TOKENS is computed from them.
class Order(BaseModel):
    customer: str = Field(max_length=60)
    city: str = Field(max_length=40)
    deliver_by: date | None
    lines: list[Line] = Field(min_length=1, max_length=4)


TASK = "Which order does this letter place?"
MAX_TOKENS = 600
# The server is overloaded or restarting. Its Retry-After header has the delay.
RETRIED = (429, 503)
# No key, no permission, unknown model or URL: every other document would fail too.
SAME_FOR_ALL = (401, 403, 404)
LONGEST_PAUSE = 30.0  # seconds


class CannotGoOn(Exception):
    """The message has the reason."""


class Document(BaseModel):
    id: str
    text: str


@dataclass
class Extraction:
    """One run. Its workers share `left`: each takes the next document when it has finished one."""

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
        assert order is not None  # None only for refusals, which this server never makes
        return order

    def _keep(self, document: Document, order: Order) -> None:
        """If the program is killed, at most the last line is incomplete."""
        line = json.dumps({"id": document.id, "order": order.model_dump(mode="json")}, ensure_ascii=False)
        self.out.write(line.encode() + b"\n")
        self.out.flush()


async def patiently(ask: Callable[[], Awaitable[T]], tries: int) -> T:
    """Retries while that may help. Raises the last of openai's errors."""
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
    """Seconds until the next try, after `tried` tries; None if a retry can't help."""
    longer = min(2.0 ** (tried - 1), LONGEST_PAUSE) * random.uniform(0.5, 1)
    if isinstance(error, APIConnectionError):
        return longer
    if error.status_code not in RETRIED:
        return None
    requested = error.response.headers.get("retry-after", "")
    return float(requested) if requested.isdecimal() else longer


def refuse_hopeless(error: Exception) -> None:
    """Raises CannotGoOn for errors that would recur with every document."""
    if isinstance(error, APIConnectionError) or getattr(error, "status_code", None) in SAME_FOR_ALL:
        raise CannotGoOn(f"{error} {error.__cause__ or ''}") from error


def documents(source: Path | None) -> list[Document]:
    """Documents of a folder or a file, or generated ones. Raises CannotGoOn."""
    try:
        all_documents = list(read(source)) if source else [Document(id=name, text=text) for name, text in letters()]
    except (OSError, ValueError) as error:
        raise CannotGoOn(f"{source} can't be read: {error}") from error
    if not all_documents or len({document.id for document in all_documents}) < len(all_documents):
        raise CannotGoOn(f"{source} has no documents, or two with the same id")
    return all_documents


def read(source: Path) -> Iterator[Document]:
    """Raises OSError and ValueError."""
    if source.is_dir():
        for file in sorted(source.glob("*.txt")):
            yield Document(id=file.stem, text=file.read_text("utf-8"))
    else:
        # As bytes: str.splitlines also splits at characters that a text may contain.
        yield from map(Document.model_validate_json, source.read_bytes().splitlines())


def resumed(out: Path) -> set[str]:
    """The ids of the documents that are done. An incomplete last line is removed from the file.

    Raises CannotGoOn, and doesn't change the file, if another program wrote it.
    """
    written = out.read_bytes() if out.exists() else b""
    whole = written.rfind(b"\n") + 1
    try:
        done = {json.loads(line)["id"] for line in written[:whole].splitlines()}
    except (ValueError, KeyError, TypeError) as error:
        raise CannotGoOn(f"{out} was not written by this program: {error!r}") from error
    if whole < len(written):
        if not written[whole:].startswith(b"{"):
            raise CannotGoOn(f"{out} was not written by this program")
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
            # disable=None: no progress bar without a terminal
            tqdm(total=len(wanted), initial=len(wanted) - len(left), unit="doc", disable=None) as bar,
        ):
            run = Extraction(client, model, given.tries, iter(left), out, bar)
            await at_once(given.concurrency, run.work)
    print(f"{len(wanted) - run.failed} of {len(wanted)} documents are in {given.out}", file=sys.stderr)
    return 1 if run.failed else 0


async def at_once(count: int, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs `count` workers. An exception of one ends all, and is raised."""
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
    parser.add_argument("out", type=Path, help="the file to which answers are appended")
    parser.add_argument("--documents", type=Path, help="a folder of *.txt, or a JSONL file; default: generated letters")
    parser.add_argument("--url", default="http://127.0.0.1:8000/v1", help="the server's URL (%(default)s)")
    parser.add_argument("--model", help="the server's first model by default")
    parser.add_argument("--concurrency", type=positive, default=16, help="concurrent documents (%(default)s)")
    parser.add_argument("--tries", type=positive, default=8, help="tries per document (%(default)s)")
    parser.add_argument("--timeout", type=float, default=600, help="seconds per answer (%(default)s)")
    return parser.parse_args()


def main() -> int:
    try:
        return asyncio.run(extract(arguments()))
    except (CannotGoOn, OSError) as error:  # a full disk, for one
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. The same command continues from here.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())

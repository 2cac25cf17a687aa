"""Without a server: openai's client and the model in one process, without a socket.

    MODEL=Qwen/Qwen2.5-7B-Instruct python -m examples.in_process

With openai 2, use `httpx` instead of `httpx2`; openai 3 takes either. The ASGITransport of both returns a response only
when it is complete: a stream's chunks arrive together, so request whole answers.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx2
from openai import AsyncOpenAI
from pydantic import BaseModel, Field

from latticework import create_app, lifespan
from latticework.engines.base import Engine


class Person(BaseModel):
    name: str = Field(max_length=60)
    age: int = Field(ge=0, le=150)


TEXTS = ("Ada Lovelace, aged 36.", "Grace Hopper is 85 years old.", "Alan was born 41 years ago: Alan Turing.")


@asynccontextmanager
async def in_process(engine: Engine) -> AsyncIterator[AsyncOpenAI]:
    """A client of the app in this process. The engine runs while it is open."""
    llm = create_app(engine)
    # A bug of the app is a 500 to the client, as from a server.
    transport = httpx2.ASGITransport(llm, raise_app_exceptions=False)
    http = httpx2.AsyncClient(transport=transport)
    async with (
        lifespan(llm)(None),
        AsyncOpenAI(base_url="http://in-process/v1", api_key="none", http_client=http) as client,
    ):
        yield client


async def people(engine: Engine, texts: Sequence[str]) -> list[Person | None]:
    """The person in each text. All requests are concurrent: the engine batches them."""
    async with in_process(engine) as client:
        return list(await asyncio.gather(*(person(client, engine.model_ids[0], text) for text in texts)))


async def person(client: AsyncOpenAI, model: str, text: str) -> Person | None:
    answer = await client.chat.completions.parse(
        model=model,
        messages=[{"role": "user", "content": f"Who is it, and how old? {text}"}],
        response_format=Person,
        temperature=0,
    )
    return answer.choices[0].message.parsed


def main() -> None:
    from vllm.engine.arg_utils import AsyncEngineArgs  # slow to import

    from latticework.engines.vllm import VllmEngine

    engine = VllmEngine(AsyncEngineArgs(model=os.environ["MODEL"]))
    for answer in asyncio.run(people(engine, TEXTS)):
        print(answer)


if __name__ == "__main__":  # vLLM starts processes that import this file again
    main()

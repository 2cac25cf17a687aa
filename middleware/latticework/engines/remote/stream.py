"""One answer of one remote, while it comes."""

from __future__ import annotations

import asyncio

import msgspec

from latticework.engines.remote.client import Body, Client
from latticework.engines.remote.endpoints import Asked, Endpoint, Output, merged
from latticework.engines.remote.errors import RemoteError, Unreachable
from latticework.engines.remote.events import Events

# Seconds that the end of a body may take, once its answer has ended: after it the connection serves the next one.
END = 1.0


class Stream:
    """Outputs, the last of which has a finish reason."""

    def __init__(self, body: Body, endpoint: Endpoint) -> None:
        self._body = body
        self._read = endpoint.read
        self._events = Events()

    async def output(self) -> Output:
        """All that has come since the last, or else the next of it. Raises RemoteError."""
        while True:
            body = await self._body.read()
            if not body:
                raise Unreachable("it broke off an answer")
            outputs = self._outputs(body)
            if outputs:
                output = merged(outputs)
                if output.finish_reason is not None:
                    await self._end()
                return output

    def _outputs(self, body: bytes) -> list[Output]:
        try:
            return [output for data in self._events.feed(body) if (output := self._read(data)) is not None]
        except msgspec.DecodeError as error:
            raise Unreachable(f"it says what vLLM does not: {error}") from error

    async def _end(self) -> None:
        try:
            async with asyncio.timeout(END):
                while await self._body.read():
                    pass
        except (TimeoutError, RemoteError):
            self.close()

    def close(self) -> None:
        """Ends the remote's work at this answer, where it has not ended."""
        self._body.close()


async def begin(client: Client, endpoint: Endpoint, asked: Asked) -> Stream:
    """Raises RemoteError."""
    return Stream(await client.stream(endpoint.path, endpoint.body(asked)), endpoint)


async def whole(client: Client, endpoint: Endpoint, asked: Asked) -> Output:
    """A short answer, to its end. Raises RemoteError."""
    stream = await begin(client, endpoint, asked)
    try:
        outputs = [await stream.output()]
        while outputs[-1].finish_reason is None:
            outputs.append(await stream.output())
        return merged(outputs)
    finally:
        stream.close()

"""One answer of one remote, as it arrives."""

from __future__ import annotations

import asyncio

import msgspec

from latticework.engines.remote.client import Client, ResponseBody
from latticework.engines.remote.endpoints import Endpoint, RemoteOutput, RemoteRequest, is_streamed, merged_output
from latticework.engines.remote.errors import RemoteError, Unreachable
from latticework.sse_reader import EventReader

# Seconds that the end of a body may take after the answer's end; then the connection can serve another request.
END_TIMEOUT = 1.0


class OutputStream:
    """Outputs, the last of which has a finish reason."""

    def __init__(self, body: ResponseBody, endpoint: Endpoint, *, streamed: bool = True) -> None:
        """`streamed`: whether the body is of events, or else the whole response."""
        self._body = body
        self._read = endpoint.read
        self._events = EventReader()
        self._streamed = streamed

    async def output(self) -> RemoteOutput:
        """All that has arrived since the last call, or the next output. Raises RemoteError."""
        if not self._streamed:
            return await self._whole_output()
        while True:
            body = await self._body.read()
            if not body:
                raise Unreachable("it broke off an answer")
            outputs = self._outputs(body)
            if outputs:
                output = merged_output(outputs)
                if output.finish_reason is not None:
                    await self._end()
                return output

    async def _whole_output(self) -> RemoteOutput:
        parts = []
        while part := await self._body.read():
            parts.append(part)
        try:
            output = self._read(b"".join(parts))
        except msgspec.DecodeError as error:
            raise Unreachable(f"it sent a response that vLLM does not send: {error}") from error
        if output is None or output.finish_reason is None:
            raise Unreachable("it broke off an answer")
        return output

    def _outputs(self, body: bytes) -> list[RemoteOutput]:
        try:
            events = [data for data in self._events.feed(body) if data.startswith(b"{")]  # all but [DONE]
            return [output for data in events if (output := self._read(data)) is not None]
        except msgspec.DecodeError as error:
            raise Unreachable(f"it sent an event that vLLM does not send: {error}") from error

    async def _end(self) -> None:
        try:
            async with asyncio.timeout(END_TIMEOUT):
                while await self._body.read():
                    pass
        except (TimeoutError, RemoteError):
            self.close()

    def close(self) -> None:
        """Aborts the answer at the remote, unless it has ended."""
        self._body.close()


async def begin_stream(client: Client, endpoint: Endpoint, request: RemoteRequest) -> OutputStream:
    """Raises RemoteError."""
    body = await client.stream(endpoint.path, endpoint.body(request))
    return OutputStream(body, endpoint, streamed=is_streamed(request.sampling))


async def whole_answer(client: Client, endpoint: Endpoint, request: RemoteRequest) -> RemoteOutput:
    """A short answer, complete. Raises RemoteError."""
    stream = await begin_stream(client, endpoint, request)
    try:
        outputs = [await stream.output()]
        while outputs[-1].finish_reason is None:
            outputs.append(await stream.output())
        return merged_output(outputs)
    finally:
        stream.close()

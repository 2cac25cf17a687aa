"""Connections that pass from one process to another, here within one."""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from latticework.fronts.handover import ConnectionDropped, handed, taken
from latticework.fronts.owner import Accepting
from tests.serving import PATIENCE


@contextmanager
def channel() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for end in (ours, theirs):
            end.setblocking(False)
        yield ours, theirs


def test_a_connection_arrives_as_it_is() -> None:
    with channel() as (ours, theirs):
        assert taken(theirs) is None
        client, server = socket.socketpair()
        with client:
            assert handed(ours, server)
            server.close()
            with closing(taken(theirs) or socket.socket()) as arrived:
                client.send(b"hello")
                assert (arrived.getblocking(), arrived.recv(9)) == (False, b"hello")
        assert taken(theirs) is None
        ours.close()
        with pytest.raises(EOFError):
            taken(theirs)


def test_a_full_or_closed_channel_takes_none() -> None:
    with channel() as (ours, theirs), socket.socket() as connection:
        while handed(ours, connection):
            pass
        theirs.close()
        with pytest.raises(OSError, match="Broken pipe"):
            handed(ours, connection)


def test_a_process_without_descriptors_drops_a_connection_and_takes_the_next() -> None:
    with channel() as (ours, theirs), socket.socket() as connection:
        assert all(handed(ours, connection) for _ in range(2))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            with pytest.raises(ConnectionDropped):
                taken(theirs)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        with closing(taken(theirs) or connection) as arrived:
            assert arrived is not connection


class Crowded(socket.socket):
    """A listener of a process that can open no more files, for a while."""

    refusals = 2

    def accept(self) -> tuple[socket.socket, object]:
        if self.refusals:
            self.refusals -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


def test_connections_wait_until_they_can_be_accepted_and_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latticework.fronts.owner.OPEN_FILES_DELAY", 0.001)
    monkeypatch.setattr("latticework.fronts.owner.ACCEPT_DELAY", 0.001)

    async def run() -> None:
        refused, done = [False, False, True], asyncio.Event()

        def take(connection: socket.socket) -> bool:
            if refused:
                return refused.pop()
            connection.send(b"!")
            done.set()
            return True

        with Crowded() as listener:
            listener.bind(("127.0.0.1", 0))
            accepting = Accepting(listener, take)
            with socket.create_connection(listener.getsockname()), socket.create_connection(listener.getsockname()):
                async with asyncio.timeout(PATIENCE):
                    await done.wait()
            assert listener.refusals == 0
            accepting.close()

    asyncio.run(run())

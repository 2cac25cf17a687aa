"""Responses that are kept for later requests: in a SQLite database, in memory or in a file.

Each belongs to the API key that it was made with: for any other key it does not exist. The least recently used ones
are dropped beyond a number of bytes, and all beyond an age. Processes may share a file.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

import msgspec

from latticework.errors import StoreUnavailable

MEMORY = ":memory:"
# Seconds that a process waits for another one that writes to the same file.
BUSY_TIMEOUT = 5.0
# Responses in a row: what an endless chain would cost.
LONGEST_CHAIN = 10_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS responses (
    id TEXT PRIMARY KEY, owner BLOB NOT NULL, used REAL NOT NULL, bytes INTEGER NOT NULL, previous TEXT,
    body BLOB NOT NULL, input BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS responses_by_use ON responses (used);
CREATE TABLE IF NOT EXISTS items (
    id TEXT NOT NULL, response TEXT NOT NULL REFERENCES responses (id) ON DELETE CASCADE, item BLOB NOT NULL,
    PRIMARY KEY (id, response)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS items_by_response ON items (response);
CREATE TABLE IF NOT EXISTS total (bytes INTEGER NOT NULL);
INSERT INTO total SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM total);
CREATE TRIGGER IF NOT EXISTS added AFTER INSERT ON responses BEGIN UPDATE total SET bytes = bytes + new.bytes; END;
CREATE TRIGGER IF NOT EXISTS removed AFTER DELETE ON responses BEGIN UPDATE total SET bytes = bytes - old.bytes; END;
"""

# Bytes that SQLite needs for a row and its places in indices, beside the ids: measured, and rounded up.
_ROW, _ITEM_ROW = 400, 100

Item = dict[str, Any]


class StoredResponse(msgspec.Struct, frozen=True):
    """A response and its input.

    Attributes:
        body: the response as JSON.
        input: the items of its own input, each with an id.
        output: the items of its output.
    """

    id: str
    previous: str | None
    body: bytes
    input: Sequence[Item]

    @property
    def output(self) -> list[Item]:
        items: list[Item] = msgspec.json.decode(self.body)["output"]
        return items


class ResponseStore:
    """Safe to use from many threads. Its methods may wait for the disk, and raise StoreUnavailable where it fails."""

    def __init__(
        self, file: str = MEMORY, *, most_bytes: int, most_age: float, clock: Callable[[], float] = time.time
    ) -> None:
        """`most_age`: seconds since the last use. Raises sqlite3.Error for a file that is no database."""
        self._most_bytes = most_bytes
        self._most_age = most_age
        self._clock = clock
        self._lock = threading.Lock()
        self._database = sqlite3.connect(file, timeout=BUSY_TIMEOUT, check_same_thread=False, isolation_level=None)
        weakref.finalize(self, self._database.close)
        self._database.execute("PRAGMA foreign_keys = ON")
        self._database.execute("PRAGMA journal_mode = WAL")
        # A process that is killed loses nothing; a machine without power may lose the last responses.
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_SCHEMA)

    def save(self, owner: bytes, stored: StoredResponse) -> None:
        """Drops what the limits don't allow any more. A response that is larger than all may be is not kept."""
        input = msgspec.json.encode(stored.input)
        items = {item["id"]: msgspec.json.encode(item) for item in (*stored.input, *stored.output) if "id" in item}
        size = len(stored.body) + len(input) + _ROW + sum(_item_size(stored.id, *item) for item in items.items())
        if size > self._most_bytes:
            return
        with self._transaction():
            self._database.execute(
                "INSERT INTO responses VALUES (?, ?, ?, ?, ?, ?, ?)",
                (stored.id, owner, self._clock(), size, stored.previous, stored.body, input),
            )
            self._database.executemany(
                "INSERT INTO items VALUES (?, ?, ?)", ((name, stored.id, item) for name, item in items.items())
            )
            self._drop()

    @contextmanager
    def _used(self) -> Iterator[None]:
        """The database for one thread at a time. Raises StoreUnavailable where it fails."""
        try:
            with self._lock:
                yield
        except sqlite3.Error as error:
            raise StoreUnavailable(f"The store of responses failed: {error}.") from None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """The same for reading and writing: no other process comes between."""
        with self._used(), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            yield

    def _drop(self) -> None:
        self._database.execute("DELETE FROM responses WHERE used < ?", (self._clock() - self._most_age,))
        while self._one("SELECT bytes FROM total")[0] > self._most_bytes:
            oldest = "SELECT id FROM responses ORDER BY used LIMIT 1"
            self._database.execute(f"DELETE FROM responses WHERE id = ({oldest})")

    def get(self, owner: bytes, response_id: str) -> StoredResponse | None:
        """None also for a response of another owner, and for one that is too old."""
        with self._used():
            return self._get(owner, response_id)

    def chain(self, owner: bytes, response_id: str) -> list[StoredResponse] | None:
        """The response and all before it, the first one first, which counts as a use of each; None if one is gone."""
        chain: list[StoredResponse] = []
        following: str | None = response_id
        with self._transaction():
            while following is not None:
                stored = self._get(owner, following)
                if stored is None or len(chain) == LONGEST_CHAIN:
                    return None
                chain.append(stored)
                following = stored.previous
            now = self._clock()
            self._database.executemany(
                "UPDATE responses SET used = ? WHERE id = ?", ((now, stored.id) for stored in chain)
            )
        return chain[::-1]

    def delete(self, owner: bytes, response_id: str) -> bool:
        """Whether there was such a response."""
        with self._used(), closing(self._database.cursor()) as cursor:
            cursor.execute("DELETE FROM responses WHERE id = ? AND owner = ?", (response_id, owner))
            return cursor.rowcount > 0

    def items(self, owner: bytes, ids: Sequence[str]) -> Mapping[str, Item]:
        """The items of these ids, of inputs and outputs, without those that don't exist."""
        found = {}
        with self._used():
            for name in ids:
                row = self._one(
                    "SELECT item FROM items JOIN responses ON responses.id = response "
                    "WHERE items.id = ? AND owner = ? AND used >= ?",
                    (name, owner, self._clock() - self._most_age),
                )
                if row is not None:
                    found[name] = msgspec.json.decode(row[0])
        return found

    def _get(self, owner: bytes, response_id: str) -> StoredResponse | None:
        row = self._one(
            "SELECT previous, body, input FROM responses WHERE id = ? AND owner = ? AND used >= ?",
            (response_id, owner, self._clock() - self._most_age),
        )
        return row and StoredResponse(response_id, row[0], row[1], msgspec.json.decode(row[2]))

    def _one(self, query: str, parameters: Sequence[Any] = ()) -> Any:
        with closing(self._database.execute(query, parameters)) as cursor:
            return cursor.fetchone()


def _item_size(response_id: str, name: str, item: bytes) -> int:
    """Both ids are in the row and in an index."""
    return len(item) + 2 * (len(name.encode()) + len(response_id)) + _ITEM_ROW

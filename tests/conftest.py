"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from latticework import models
from latticework.compiling.workers import WorkerPool

if TYPE_CHECKING:
    from tests.real import RunningServer


# Folders whose tests start a real engine. They stay in one process: two engines at once would slow each other down.
ENGINES = ("clients", "e2e", "examples")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For runs in several processes: a file stays in one of them, because its tests share what is slow to make."""
    for item in items:
        folder, *_ = item.path.relative_to(Path(__file__).parent).parts
        item.add_marker(pytest.mark.xdist_group("engines" if folder in ENGINES else str(item.path)))


class _Shared(WorkerPool):
    """Processes that outlive the apps which use them: starting new ones for each would take longer than the tests."""

    def stop(self) -> None: ...


@pytest.fixture(scope="session", autouse=True)
def _shared_workers() -> Iterator[None]:
    shared = _Shared(2, 2**30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "WorkerPool", lambda size, memory: shared)
        yield
    WorkerPool.stop(shared)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The real server, with a real model: started once, when a test first asks for it."""
    from tests.real import serving_embedded  # not above: tests also run where its clients are not installed

    with serving_embedded(tmp_path_factory.mktemp("server") / "log") as server:
        yield server

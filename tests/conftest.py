"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from latticework import models
from latticework.compiling.workers import WorkerPool

if TYPE_CHECKING:
    from tests.real import RunningServer


# Folders whose tests start a real engine. They stay in one process: two engines at once would slow each other down.
ENGINES = ("clients", "e2e", "examples")


class _ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """For runs in several processes: a file stays in one of them, because its tests share what is slow to make."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "engines" if file.split("/")[1] in ENGINES else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _ByFile(config, log)


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

"""What clients are installed into: virtual environments and folders of node packages, in .venv-clients/.

Each is made once from its file in requirements/, and again when that file changes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.clients.table import Client

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements"
FOLDER = HERE.parents[1] / ".venv-clients"
PATIENCE = 900
# What pip and npm say where they reach no index, or one that doesn't have what is asked for.
UNREACHABLE = re.compile(
    r"NewConnectionError|ConnectTimeout|Max retries exceeded|name resolution|No matching distribution found"
    r"|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|E404|ETARGET"
)


class CannotInstall(Exception):
    """An environment that could not be made; the message is the installer's."""


class Unreachable(CannotInstall):
    """It is not the fault of the requirements: there is no network, or no such package in its index, or no node."""


def ready(client: Client) -> tuple[str, ...]:
    """The command that runs a script of the client in its environment: the script's name and packages come after it."""
    if client.environment is None:
        return (sys.executable, str(HERE / "python" / "run.py"))
    kind = _KINDS[client.language]
    folder = FOLDER / client.environment
    requirements = REQUIREMENTS / f"{client.environment}{kind.suffix}"
    _make(kind, folder, requirements)
    return kind.command(folder)


def _make(kind: _Kind, folder: Path, requirements: Path) -> None:
    """Unless it is there."""
    wanted, stamp = requirements.read_text(), folder / ".installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        kind.make(folder, requirements)
        stamp.write_text(wanted)  # last: an installation that was interrupted is begun again


def _make_python(folder: Path, requirements: Path) -> None:
    """By this environment's own pip: another one for each would take longer than some clients."""
    _install([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    options = ["--quiet", "--no-input", "--no-compile", "--retries", "2", "--disable-pip-version-check"]
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install"]
    _install([*pip, *options, "--requirement", str(requirements)])


def _make_node(folder: Path, requirements: Path) -> None:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise Unreachable("node and npm are not on the PATH")
    shutil.copy(requirements, folder / "package.json")
    options = ["--no-audit", "--no-fund", "--no-update-notifier", "--fetch-retries", "1"]
    _install([npm, "install", *options, "--prefix", str(folder)])


def _install(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=PATIENCE, env=_environ(), check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Unreachable(f"{Path(command[0]).name} took more than {PATIENCE} s") from error
    if done.returncode:
        told = (done.stdout + done.stderr).strip()
        kind = Unreachable if UNREACHABLE.search(told) else CannotInstall
        raise kind(told[-1000:])


def _environ() -> Mapping[str, str]:
    """Nothing of the environment that runs the tests is for the clients'."""
    return {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}


def _python(folder: Path) -> tuple[str, ...]:
    return (str(folder / "bin" / "python"), str(HERE / "python" / "run.py"))


def _node(folder: Path) -> tuple[str, ...]:
    """A script finds its packages from where it lies, so it is laid beside them."""
    for script in (HERE / "node").glob("*.mjs"):
        shutil.copy(script, folder)
    return ("node", str(folder / "run.mjs"))


@dataclass(frozen=True)
class _Kind:
    """How an environment of one language is made, and what runs a script in it."""

    suffix: str
    make: Callable[[Path, Path], None]
    command: Callable[[Path], tuple[str, ...]]


_KINDS = {"python": _Kind(".txt", _make_python, _python), "node": _Kind(".json", _make_node, _node)}

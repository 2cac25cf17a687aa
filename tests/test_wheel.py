"""A wheel of this checkout, installed without it, in an app that has its own `grammars`, `middleware` and `tests`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest

import latticework

ROOT = Path(__file__).parent.parent
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input")
# Their distributions, not their modules: to look for `pip` imports hooks of setuptools, which warn.
NEEDED = {"pip", "setuptools"}
pytestmark = pytest.mark.skipif(
    not {distribution.name for distribution in distributions()} >= NEEDED,
    reason="without pip and setuptools, no wheel is built offline",
)

MAIN = '''
"""An app with packages of its own called `middleware`, `grammars` and `tests`, which mounts latticework."""

import asyncio
import json
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

import grammars
import latticework
import middleware
import tests
from latticework import create_app, lifespan
from latticework.engines.base import Piece
from latticework.engines.vocabulary import Vocabulary

TEMPLATE = "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\\n' }}{% endfor %}"


class Tokenizer:
    """One token per byte."""

    chat_template = TEMPLATE
    response_template = None
    named_tokens, special_tokens, added_tokens = {}, {}, {}
    ends = ()
    vocabulary_size = 256
    vocabulary = Vocabulary("byte")
    encoder = None

    def encode(self, text, special=False):
        return list(text.encode())

    def encode_segments(self, segments, markup):
        return self.encode("".join(segments))

    def remember(self, grammar, trial):
        pass


class Scripted:
    """Answers every request with the same document."""

    model_ids = ("scripted",)
    max_model_len, max_running, recovers, learns_names = 10_000, 4, False, False
    degraded, details, adapters = (), {}, None
    tokenizer = Tokenizer()

    async def start(self): ...
    async def stop(self): ...
    async def check_health(self): ...

    def heartbeat(self): ...

    def running(self):
        return 0

    def metrics(self):
        return b""

    async def refusal(self, sampling):
        return None

    async def generate(self, prompt, sampling, request_id):
        yield Piece('{"city": "Oslo"}', (0,))
        yield Piece("", (0,), finish="stop")


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
BODY = {
    "model": "scripted",
    "messages": [{"role": "user", "content": "Where?"}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}},
}


async def main():
    llm = create_app(Scripted())
    host = Starlette(routes=[Mount("/llm", llm)])
    async with lifespan(llm)(host):
        transport = httpx.ASGITransport(host)
        async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
            response = await client.post("/llm/v1/chat/completions", json=BODY)
    own = [package.OWN for package in (grammars, middleware, tests)]
    content = response.json()["choices"][0]["message"]["content"]
    print(json.dumps({"file": latticework.__file__, "own": own, "status": response.status_code, "content": content}))


if __name__ == "__main__":
    asyncio.run(main())
'''


def run(*command: str | Path, cwd: Path) -> str:
    """The standard output, in an environment without variables of ours. Standard error is shown where it fails."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of a copy, so that nothing is left in the checkout."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in ("grammars", "middleware"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    run(
        sys.executable,
        *PIP,
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--wheel-dir",
        copy,
        ".",
        cwd=copy,
    )
    (built,) = copy.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def app(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The app's folder, with its environment in `.venv`: the wheel, and the third-party packages of this environment.

    A .pth file that names a folder does not run the .pth files in it, so the editable install stays out.
    """
    folder = tmp_path_factory.mktemp("app")
    run(sys.executable, "-m", "venv", "--without-pip", ".venv", cwd=folder)
    python = folder / ".venv" / "bin" / "python"
    run(sys.executable, *PIP, "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    (site / "third_party.pth").write_text("".join(f"{sysconfig.get_path(kind)}\n" for kind in ("purelib", "platlib")))
    for name in ("grammars", "middleware", "tests"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f'OWN = "{name}"\n')
    (folder / "main.py").write_text(MAIN)
    yield folder
    shutil.rmtree(folder)


def test_the_wheel_has_our_two_packages_and_no_others(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"latticework", "turngrammar"}
    assert {"latticework/playground.html", "latticework/py.typed", "turngrammar/py.typed"} <= set(names)
    sources = [path for root in ("grammars", "middleware") for path in (ROOT / root).rglob("*.py")]
    assert len([name for name in names if name.endswith(".py")]) == len(sources)


def test_an_app_with_packages_of_those_names_mounts_it(app: Path) -> None:
    answer = json.loads(run(app / ".venv" / "bin" / "python", "-W", "error", "main.py", cwd=app).splitlines()[-1])
    assert answer == {
        "file": str(next(app.glob(".venv/lib/*/site-packages")) / "latticework" / "__init__.py"),
        "own": ["grammars", "middleware", "tests"],
        "status": 200,
        "content": '{"city": "Oslo"}',
    }


def test_its_commands_run_there(app: Path) -> None:
    command = app / ".venv" / "bin" / "latticework"
    assert run(command, "--version", cwd=app) == f"latticework {latticework.__version__}\n"
    row = {"schema": {"type": "integer"}, "valid": [1], "invalid": [{"data": "1"}]}
    (app / "rows.jsonl").write_text(json.dumps(row))
    figures = json.loads(run(command, "check", "rows.jsonl", cwd=app).splitlines()[-1])
    assert (figures["schemas"], figures["exact"]) == (1, 1)

"""Every command, link, file, setting and snippet in README.md and docs/ exists."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest

from latticework.config import load_config
from latticework.settings import OPTIONS
from tests.docs import real, written
from tests.docs.made import PAGES, ROOT

SOURCES = ("grammars", "middleware", "tests", "benchmarks")
PACKAGES = ("turngrammar", "latticework", "tests", "benchmarks", "examples")
FOLDERS = r"(?:benchmarks|docker|docs|examples|grammars|middleware|tests)/[\w./-]*"
# Flags of other programs.
OTHERS = {"--no-deps", "--init", "--gpus", "--ipc", "--build-arg", "--shm-size"}
# Sources with flags that are not settings.
FLAGGED = ("benchmarks", "middleware/latticework/engines", "tests/soak")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@every_page
def test_every_command_exists(page: Path) -> None:
    found = {command: real.wrong(command) for command in written.commands(page.read_text(encoding="utf-8"))}
    assert {command: why for command, why in found.items() if why} == {}


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [link for link in written.links(page.read_text(encoding="utf-8")) if not leads(page, link)] == []


def leads(page: Path, link: str) -> bool:
    """External links are not checked: that would need a network."""
    if re.match(r"[a-z]+:", link):
        return True
    path, _, anchor = link.partition("#")
    target = (page.parent / unquote(path)).resolve() if path else page
    return target.exists() and (not anchor or anchor in written.anchors(target.read_text(encoding="utf-8")))


@every_page
def test_every_file_exists(page: Path) -> None:
    named = {span for span in written.spans(page.read_text(encoding="utf-8")) if re.fullmatch(FOLDERS, span)}
    assert {name for name in named if not (ROOT / name).exists()} == set()


@every_page
def test_every_flag_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    given = {span.partition(" ")[0].partition("=")[0] for span in written.spans(text) if re.match(r"--\w", span)}
    known = {flag for flags in real.options().values() for flag in flags} | OTHERS | real.vllm_flags()
    known |= {flag for folder in FLAGGED for flag in real.written_flags(folder)}
    known |= {flag for command in written.commands(text) for flag in real.foreign_flags(command)}
    if not real.vllm_flags() and given - known:
        pytest.skip(f"vLLM is not installed, and these may be its: {given - known}")
    assert given - known == set()


@every_page
def test_every_variable_is_read(page: Path) -> None:
    given = set(re.findall(r"LATTICEWORK_[A-Z_]+[A-Z]", page.read_text(encoding="utf-8")))
    files = [file for folder in SOURCES for file in (ROOT / folder).rglob("*.py")]
    sources = "".join(file.read_text(encoding="utf-8") for file in files)
    known = {option.variable for option in OPTIONS} | set(re.findall(r'"(LATTICEWORK_[A-Z_]+)"', sources))
    assert given - known == set()


@every_page
def test_every_snippet_is_valid(page: Path, tmp_path: Path) -> None:
    for fence in written.fences(page.read_text(encoding="utf-8")):
        match fence.language:
            case "python":
                check_python(fence.text)
            case "json":
                json.loads(fence.text)
            case "toml":
                tomllib.loads(fence.text)
                if "latticework" not in fence.text:
                    check_config(fence.text, tmp_path)


def check_python(text: str) -> None:
    """It compiles, and its imports from this project exist."""
    tree = compile(text, "snippet", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in PACKAGES:
            spec = importlib.util.find_spec(node.module)
            assert spec is not None and spec.origin, node.module
            source = Path(spec.origin).read_text(encoding="utf-8")
            assert [alias.name for alias in node.names if not re.search(rf"\b{alias.name}\b", source)] == []


def check_config(text: str, folder: Path) -> None:
    """`latticework serve --config` would accept it."""
    file = folder / "latticework.toml"
    file.write_text(text, encoding="utf-8")
    load_config(str(file))


# The checks can fail


WRONG = [
    "latticework sreve",
    "latticework explain FILE --no-such-flag",
    "latticework serve --no-client-grammar",
    "python -m benchmarks.nothing",
    "latticework check FILE --loud",
    "make everything",
    "make bench ARGS=--slowly",
    "make serve ARGS=--prot=81",
    "pip install '.[gpus]'",
    "docker build -f docker/Dockerfile.rocm .",
    "curl http://127.0.0.1:8000/v1/images",
]


@pytest.mark.parametrize("command", WRONG)
def test_a_wrong_command_is_reported(command: str) -> None:
    if "serve" in command and not real.vllm_flags():
        pytest.skip("vLLM is not installed: any flag may be its own")
    assert real.wrong(command)


RIGHT = [
    "latticework serve --model Qwen/Qwen2.5-7B-Instruct --tensor-parallel-size 2",
    "latticework formats --template FILE --json",
    "LATTICEWORK_URL=http://127.0.0.1:8000 .venv/bin/latticework models --url URL",
    "latticework bench forward_passes --quick",
    "latticework check FILE.jsonl.gz --verbose",
    "python -m pytest tests/turngrammar",
    "python -m tests.docs",
    "make test ARGS='tests/turngrammar -x'",
    "make bench ARGS=--quick",
    "pip install '.[gpu,otel]'",
    "curl -s http://127.0.0.1:8000/v1/models/some-name",
    "ls -l",
]


@pytest.mark.parametrize("command", RIGHT)
def test_a_right_command_passes(command: str) -> None:
    assert real.wrong(command) == ""


PAGE = """# A page: of words

`latticework explain FILE` and `--attempts`, [here](#a-page-of-words).

```console
$ curl -s http://x -d '{
  "a": 1}'
answer
$ make test
```

````text
```python
no code
```
````
"""


def test_a_page_is_read() -> None:
    assert list(written.commands(PAGE)) == [
        "curl -s http://x -d '{\n  \"a\": 1}'",
        "make test",
        "latticework explain FILE",
    ]
    assert written.spans(PAGE) == ["latticework explain FILE", "--attempts"]
    assert written.links(PAGE) == ["#a-page-of-words"]
    assert written.anchors(PAGE) == {"a-page-of-words"}
    assert [fence.language for fence in written.fences(PAGE)] == ["console", "text"]


def test_the_readme_is_two_screens() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 110

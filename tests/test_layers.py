"""The house: imports go downward only, and some packages are the business of some modules only."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# The import packages, and the folder that each is in.
SOURCES: Mapping[str, str] = {"turngrammar": "grammars", "latticework": "middleware"}

# From the roof down. A module stands on the floor that names it, or else the package that it is in; it imports from its
# own floor and from those below. A new module needs a floor.
FLOORS: Mapping[str, tuple[str, ...]] = {
    "turngrammar": (
        "format_docs",
        "audit completion fitting limits",
        "plan",
        "bad_tools names",
        "client lark parser render required_texts turn_tree",
        "turn",
        "analysis formats",
        "wire",
        "json_scalars notation",
        "schema",
        "lowered",
        "terminals",
        "string_formats",
        "regex",
        "cache errors events json_style lazy_fields matching spans",
        "scan",
        "exact",
        "__init__",
    ),
    "latticework": (
        "cli deployments",
        "commands",
        "batch",
        "__init__",
        "inprocess",
        "fronts",
        "app serving",
        "doors.openapi",
        "doors",
        "doors.openai.chunked http.cors http.endpoint http.quota",
        "http.auth http.record http.sse",
        "doors.envelopes",
        "doors.anthropic doors.openai",
        "doors.common",
        "generate",
        "prepare",
        "models prompts",
        "model",
        "compiling conformance",
        "http",
        "concurrency peers prompt turn",
        "embedded engines pulse served sse_reader supervisor",
        "ask config",
        "aliases caller errors lifeline logs memory options settings telemetry",
        "version",
        "engines.base",
        "engines.encoder engines.vocabulary",
        "engines.segments engines.text_tokens engines.token_texts",
        "engines.markup",
    ),
}

COMPILER_READS_AND_WRITES_NOTHING = r"latticework\b.*"

# A package or module, and a pattern of those who may import it.
ONLY: Mapping[str, str] = {
    "latticework": r"latticework\b.*",
    "latticework.embedded": r"latticework\.commands\.engines",
    "latticework.engines.portable": r"latticework\.(commands\.engines|engines\.portable(\.\w+)*)",
    "latticework.engines.vllm": r"latticework\.(commands\.engines|engines\.vllm(\.\w+)*)",
    "latticework.engines.remote": r"latticework\.(batch\.server|commands\.engines|engines\.remote(\.\w+)*)",
    "aiohttp": r"latticework\.engines\.remote\.client",
    "vllm": r"latticework\.engines\.vllm(\.\w+)*",
    # What vLLM does not document is used in one package, and only where it is there.
    "vllm.v1": r"latticework\.engines\.vllm\.compat(\.\w+)*",
    "torch": r"latticework\.(embedded|engines\.(vllm|portable)(\.\w+)*)",
    "transformers": r"latticework\.(embedded|engines\.portable(\.\w+)*|engines\.checkpoint|engines\.slow)",
    "outlines": r"latticework\.(inprocess\.output|engines\.portable(\.\w+)*)",
    "ray": r"latticework\.deployments\.ray",
    "starlette": r"latticework\b.*",
    "uvicorn": r"latticework\.(serving\.(connection|server)|logs)",
    "tests": r"",
    "benchmarks": r"",
    "examples": r"",
    "asyncio": COMPILER_READS_AND_WRITES_NOTHING,
    "io": COMPILER_READS_AND_WRITES_NOTHING,
    "os": COMPILER_READS_AND_WRITES_NOTHING,
    "pathlib": COMPILER_READS_AND_WRITES_NOTHING,
    "socket": COMPILER_READS_AND_WRITES_NOTHING,
    "subprocess": COMPILER_READS_AND_WRITES_NOTHING,
    "sys": COMPILER_READS_AND_WRITES_NOTHING,
}


# Whose modules know no field name of any API. Doors do; engines speak vLLM's.
CORE = re.compile(
    r"turngrammar\b|latticework\.(ask|model|models|prepare|prompts|turn|generate|compiling|concurrency|prompt|conformance)\b"
)
# Names of chat templates (Hugging Face's form), which some APIs share, and where they are at home.
TEMPLATE_NAMES = {"tool_calls", "tool_call_id", "reasoning_content", "reasoning_effort", "add_generation_prompt"}
TEMPLATE_MODULES = re.compile(
    r"latticework\.(prompt|conformance)\b|latticework\.(prepare|prompts|turn\.reasoning)|turngrammar\.formats\b"
)


def offences(sources: Mapping[str, str]) -> list[str]:
    """What is wrong with the imports of modules, given by name and text."""
    trees = {name: ast.parse(source) for name, source in sources.items()}
    pairs = [(name, target) for name in sorted(trees) for target in sorted(set(imports(trees[name], sources)))]
    return [
        *(f"{name} stands on no floor" for name in sorted(trees) if floor(name) is None),
        *(f"{name} imports {target}, which is above it" for name, target in pairs if climbs(name, target)),
        *(f"{name} may not import {target}" for name, target in pairs if barred(name, target)),
        *trespasses(trees),
        *cycles({name: set(imports(at_run_time(tree), sources)) for name, tree in trees.items()}),
    ]


def imports(tree: ast.AST, modules: Collection[str]) -> Iterator[str]:
    """What `tree` imports: for `from package import module`, the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = "." * node.level + (node.module or "")
            names = [f"{package}.{alias.name}" for alias in node.names]
            yield from (name if name in modules else package for name in names)


def at_run_time(tree: ast.Module) -> ast.Module:
    """Without `if TYPE_CHECKING:`, where two modules may speak of each other's types."""
    kept = [node for node in tree.body if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")]
    return ast.Module(kept, [])


def floor(module: str) -> int | None:
    """Counted from the roof of its house. None where it has none."""
    house, _, name = module.partition(".")
    levels = {known: level for level, names in enumerate(FLOORS.get(house, ())) for known in names.split()}
    name = name or "__init__"
    while name and name not in levels:
        name = name.rpartition(".")[0]
    return levels.get(name)


def climbs(module: str, target: str) -> bool:
    here, there = floor(module), floor(target)
    same_house = module.split(".")[0] == target.split(".")[0]
    return same_house and here is not None and there is not None and there < here


def barred(module: str, target: str) -> bool:
    owners = [name for name in ONLY if target == name or target.startswith(name + ".")]
    return any(not re.fullmatch(ONLY[name], module) for name in owners)


def cycles(graph: Mapping[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return ["a cycle: " + " -> ".join(error.args[1])]
    return []


def trespasses(trees: Mapping[str, ast.Module]) -> Iterator[str]:
    """Field names of APIs in the core, and doors that import each other."""
    fields = api_fields(trees)
    for name, tree in trees.items():
        if CORE.match(name):
            allowed = TEMPLATE_NAMES if TEMPLATE_MODULES.match(name) else set()
            yield from (
                f"{name} knows the field {field!r} of an API" for field in sorted(words(tree) & fields - allowed)
            )
        if (here := door(name)) is not None:
            others = {there for target in imports(tree, trees) if (there := door(target)) not in (None, here)}
            yield from (f"{name} imports the door {there}" for there in sorted(filter(None, others)))


def door(module: str) -> str | None:
    """The door that a module belongs to. What doors share is none."""
    match = re.match(r"latticework\.doors\.(\w+)", module)
    return match[1] if match and match[1] not in ("anthropic", "common", "envelopes", "openai", "openapi") else None


def api_fields(trees: Mapping[str, ast.Module]) -> set[str]:
    """Names of more than one word in the requests and responses of doors, but for those that engines and settings have.

    A single word, such as `model` or `text`, may mean anything.
    """
    of_doors = {
        field for name, tree in trees.items() if name.startswith("latticework.doors.") for field in fields_of(tree)
    }
    others = ("latticework.engines.base", "latticework.settings", "turngrammar.audit")
    known = {field for name in others if name in trees for field in fields_of(trees[name])}
    # Of engines, and of llguidance; and plain English.
    properties = {"max_model_len", "prompt_tokens", "is_error", "call_id", "request_id", "tool_name"}
    return {field for field in of_doors - known - properties if "_" in field.strip("_")}


def fields_of(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            targets = (part.target for part in node.body if isinstance(part, ast.AnnAssign))
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def words(tree: ast.AST) -> set[str]:
    """Identifiers, and the words of all strings, docstrings included."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                found.add(name)
            case ast.Constant(value=str(text)):
                found.update(re.findall(r"\w+", text))
    return found


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts[1:]).removesuffix(".__init__")


def test_the_house() -> None:
    files = [path for house in FLOORS for path in (ROOT / SOURCES[house] / house).rglob("*.py")]
    assert offences({module_name(path): path.read_text() for path in files}) == []


FIELDS = "class R:\n    max_completion_tokens: int\n    tool_choice: str"
BROKEN = [
    (
        {"turngrammar.wire": "import turngrammar.lark", "turngrammar.lark": ""},
        "turngrammar.wire imports turngrammar.lark, which is above it",
    ),
    (
        {"turngrammar.schema.a": "from turngrammar import plan", "turngrammar.plan": ""},
        "turngrammar.schema.a imports turngrammar.plan, which is above it",
    ),
    (
        {"turngrammar.plan": "from starlette.requests import Request"},
        "turngrammar.plan may not import starlette.requests",
    ),
    ({"turngrammar.plan": "def f():\n    import vllm"}, "turngrammar.plan may not import vllm"),
    ({"turngrammar.plan": "import latticework.settings"}, "turngrammar.plan may not import latticework.settings"),
    ({"turngrammar.plan": "from pathlib import Path"}, "turngrammar.plan may not import pathlib"),
    ({"latticework.doors.chat": "import vllm.config"}, "latticework.doors.chat may not import vllm.config"),
    ({"latticework.app": "from tests.http import Client"}, "latticework.app may not import tests.http"),
    (
        {"latticework.turn.sampling": "LIMIT = 'max_completion_tokens'", "latticework.doors.chat": FIELDS},
        "latticework.turn.sampling knows the field 'max_completion_tokens' of an API",
    ),
    (
        {"turngrammar.plan": "def f(request): return request.tool_choice", "latticework.doors.chat": FIELDS},
        "turngrammar.plan knows the field 'tool_choice' of an API",
    ),
    (
        {"latticework.doors.chat": "import latticework.doors.models", "latticework.doors.models": ""},
        "latticework.doors.chat imports the door models",
    ),
    ({"latticework.newcomer": ""}, "latticework.newcomer stands on no floor"),
    (
        {"turngrammar.parser": "import turngrammar.render", "turngrammar.render": "from turngrammar import parser"},
        "a cycle: turngrammar.parser -> turngrammar.render -> turngrammar.parser",
    ),
]


@pytest.mark.parametrize(("sources", "offence"), BROKEN)
def test_an_offence_is_seen(sources: dict[str, str], offence: str) -> None:
    assert offences(sources) == [offence]


SOUND = [
    {
        "latticework.commands.engines": "def f():\n    from latticework.engines.vllm import VllmEngine",
        "latticework.engines.vllm": "import vllm",
    },
    {
        "turngrammar.parser": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import turngrammar.render",
        "turngrammar.render": "import turngrammar.parser",
    },
    {
        "latticework.engines.vllm": "from latticework.engines.base import Piece",
        "latticework.engines.base": "import asyncio",
    },
]


@pytest.mark.parametrize("sources", SOUND)
def test_what_is_sound_passes(sources: dict[str, str]) -> None:
    assert offences(sources) == []

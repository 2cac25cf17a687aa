"""`make house`: measures of the code. None of them is a gate; tests/test_layers.py is."""

from __future__ import annotations

import argparse
import ast
import statistics
import sys
import threading
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from tests.test_layers import SOURCES, imports, module_name

ROOT = Path(__file__).parent.parent
SMALL = 50  # lines
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
PACKAGES = tuple(f"{name}." for name in SOURCES)


def modules() -> dict[str, Path]:
    """Every module of the product by its import name."""
    files = [path for name, root in SOURCES.items() for path in (ROOT / root / name).rglob("*.py")]
    return {module_name(path): path for path in sorted(files)}


def shared(names: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Names that stand in several modules."""
    return {name: where for name, where in sorted(names.items()) if len(set(where)) > 1}


def class_names(trees: Mapping[str, ast.Module]) -> dict[str, list[str]]:
    names = defaultdict(list)
    for module, tree in trees.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                names[node.name].append(module)
    return names


def function_names(trees: Mapping[str, ast.Module]) -> dict[str, list[str]]:
    """Functions of modules, methods left out: a method's class says what it is of."""
    names = defaultdict(list)
    for module, tree in trees.items():
        for node in tree.body:
            if isinstance(node, FUNCTIONS):
                names[node.name].append(module)
    return names


def function_lines(trees: Mapping[str, ast.Module]) -> list[int]:
    nodes = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
    return sorted((node.end_lineno or 0) - node.lineno + 1 for node in nodes)


def circles(trees: Mapping[str, ast.Module]) -> list[list[str]]:
    """Groups of modules that import each other, for types alone or not."""
    graph = {name: {other for other in imports(tree, trees) if other in trees} for name, tree in trees.items()}
    return [sorted(group) for group in components(graph) if len(group) > 1]


def components(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """Strongly connected ones."""
    reach = {name: reachable(graph, name) for name in graph}
    found: list[set[str]] = []
    for name in graph:
        if not any(name in group for group in found):
            found.append({other for other in reach[name] if name in reach[other]} | {name})
    return found


def reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += graph[name]
    return seen


def crossed() -> list[str]:
    """The modules whose functions a plain chat request calls before its first token, in order of their first call."""
    from latticework.app import create_app
    from tests.http import chat
    from tests.scripted import ScriptedEngine, says

    app = create_app(ScriptedEngine(says("Hello.")))
    chat(app, model="scripted", messages=[{"role": "user", "content": "What is loaded by the first request."}])
    entered: dict[str, None] = {}
    waiting = True

    def trace(frame: FrameType, event: str, _: Any) -> None:
        nonlocal waiting
        name = frame.f_globals.get("__name__", "")
        if frame.f_code.co_qualname == "ScriptedEngine.generate":
            waiting = False
        elif waiting and event == "call" and name.startswith(PACKAGES):
            entered[name] = None

    sys.setprofile(trace)
    threading.setprofile(trace)
    try:
        chat(app, model="scripted", messages=[{"role": "user", "content": "Hi"}])
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return list(entered)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.house")
    parser.add_argument("--names", action="store_true", help="list the shared names, the circles and the small files")
    listed = parser.parse_args().names
    paths = modules()
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in paths.items()}
    classes, functions = shared(class_names(trees)), shared(function_names(trees))
    small = [name for name, path in paths.items() if len(path.read_text(encoding="utf-8").splitlines()) <= SMALL]
    lines = function_lines(trees)
    groups = circles(trees)
    print(f"class names used twice: {len(classes)}")
    print(f"functions that share a name: {sum(map(len, functions.values()))} ({len(functions)} names)")
    print(f"import circles, type-only included: {len(groups)}")
    print(f"files of {SMALL} lines or fewer: {len(small)} of {len(paths)}")
    tenth = lines[int(len(lines) * 0.9)]
    print(f"function lines median / p90 / max: {statistics.median(lines):g} / {tenth} / {lines[-1]}")
    entered = crossed()
    print(f"modules that a plain request enters before its first token: {len(entered)}")
    if listed:
        for name, where in {**classes, **functions}.items():
            print(f"  {name}: {', '.join(where)}")
        for group in groups:
            print("  circle:", ", ".join(group))
        for name in small:
            print("  small:", name)
        for name in entered:
            print("  entered:", name)


if __name__ == "__main__":
    main()

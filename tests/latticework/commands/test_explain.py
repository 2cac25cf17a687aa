"""`latticework explain`: a line for each keyword, the grammar, and a status that a script can go by."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from latticework.cli import main

SCHEMA = {
    "title": "person",
    "type": "object",
    "properties": {"name": {"type": "string"}, "tags": {"type": "array", "uniqueItems": True, "items": {}}},
    "dependentRequired": {"name": ["tags"]},
}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
REQUEST = {
    "model": "any",
    "messages": [{"role": "user", "content": "hi"}],
    "tools": [FUNCTION],
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "array"}}},
}


@pytest.fixture
def explain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Status, standard output and standard error of the command for a value."""

    def run(value: Any, *options: str) -> tuple[int, str, str]:
        file = tmp_path / "request.json"
        file.write_text(value if isinstance(value, str) else json.dumps(value))
        return main(["explain", str(file), *options]), *capsys.readouterr()

    return run


def test_every_keyword_has_a_line(explain: Any) -> None:
    status, out, err = explain(SCHEMA)
    assert status == 0
    statuses = {(line.split()[0], line.split()[1]): line.split()[2] for line in out.splitlines()}
    assert statuses == {
        ("/", "title"): "annotation",
        ("/", "type"): "enforced",
        ("/", "properties"): "enforced",
        ("/", "dependentRequired"): "rewritten",
        ("/properties/name", "type"): "enforced",
        ("/properties/tags", "type"): "enforced",
        ("/properties/tags", "uniqueItems"): "checked",
        ("/properties/tags", "items"): "enforced",
    }
    assert "1 checked: the finished answer is validated too" in err


@pytest.mark.parametrize(("options", "closed"), [((), True), (("--open-objects",), False)])
def test_objects_are_closed_unless_opened(explain: Any, options: tuple[str, ...], closed: bool) -> None:
    function = {"name": "f", "parameters": {"type": "object", "properties": {"a": {}}}}
    for value in (SCHEMA, {"messages": [], "tools": [{"type": "function", "function": function}]}):
        _, out, _ = explain(value, *options)
        assert ("closed by default" in out) is closed


def test_of_a_request_tools_and_answer_are_explained(explain: Any) -> None:
    status, out, err = explain(REQUEST, "--json")
    value = json.loads(out)
    assert (status, value["exact"]) == (0, True)
    assert [row["pointer"] for row in value["report"]] == [
        "/tools/0/function/parameters",
        "/response_format/json_schema/schema",
    ]
    assert "the grammar enforces all of it" in err


@pytest.mark.parametrize(
    ("options", "markup"), [([], "<tool_call>"), (["--tool-format", "mistral_v11"], "[TOOL_CALLS]")]
)
def test_the_grammar_is_that_of_the_format(explain: Any, options: list[str], markup: str) -> None:
    _, text, _ = explain(REQUEST, "--grammar", *options)
    _, out, _ = explain(REQUEST, "--grammar", "--json", *options)
    assert text.startswith("%llguidance {}")
    assert markup in text
    assert json.loads(out)["grammar"] == text


REFUSED: list[tuple[Any, str, str]] = [
    ({"$ref": "http://example.com/x"}, "/$ref", "is a remote reference"),
    ({"type": "strnig"}, "/type", "'strnig'"),
    ({"properties": {"a": {"pattern": "("}}}, "/properties/a/pattern", "is not closed"),
    ({"tools": [{"type": "function"}]}, "tools[0].function", "Missing required parameter"),
    ({"structured_outputs": {"regex": "a("}}, "/structured_outputs/regex", "does not compile"),
    ({"tools": [FUNCTION], "tool_choice": {"type": "function", "function": {"name": "g"}}}, "tool_choice", "'g'"),
    ({"tools": [FUNCTION], "tool_format": "morse"}, "tool_format", "must be one of"),
    ({"enum": list(range(50_001))}, "/enum", "max_enum_values"),
    ("[]", "/", "request.json must be a JSON object"),
    ("{", "/", "request.json is not valid JSON"),
    ('{"const": NaN}', "/", "request.json is not valid JSON"),
]


@pytest.mark.parametrize(("value", "pointer", "reason"), REFUSED)
def test_what_is_refused_is_status_3(explain: Any, value: Any, pointer: str, reason: str) -> None:
    status, out, err = explain(value, "--json", "--grammar")
    report = json.loads(out)
    assert (status, report["exact"], report["grammar"]) == (3, False, None)
    assert [(row["pointer"], row["status"]) for row in report["report"]] == [(pointer, "refused")]
    assert reason in report["report"][0]["reason"]
    assert "status 400" in err


def test_a_skipped_tool_is_a_refused_row_beside_the_others(explain: Any) -> None:
    bad = {"type": "function", "function": {"name": "bad", "parameters": {"type": "objekt"}}}
    status, out, err = explain({**REQUEST, "tools": [FUNCTION, bad], "on_bad_tool": "skip"}, "--json")
    value = json.loads(out)
    assert (status, value["exact"], value["skipped_tools"]) == (0, True, ["bad"])
    statuses = {row["pointer"]: row["status"] for row in value["report"]}
    assert statuses["/tools/1/function/parameters/type"] == "refused"
    assert statuses["/tools/0/function/parameters"] == "enforced"
    assert "Left out: bad." in err


def test_standard_input_is_a_file(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"type": "string"}')))
    assert main(["explain", "-"]) == 0
    assert capsys.readouterr().out.split()[:3] == ["/", "type", "enforced"]


def test_free_text_is_told_as_such(explain: Any) -> None:
    status, out, err = explain({"response_format": {"type": "text"}}, "--grammar")
    assert (status, out) == (0, "")
    assert "Nothing is constrained" in err


@pytest.mark.parametrize(
    ("arguments", "message"), [(["/nowhere"], "/nowhere"), ([__file__, "--tool-format", "morse"], "morse")]
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["explain", *arguments])
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err

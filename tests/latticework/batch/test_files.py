"""The two files of a batch: what is wrong with requests is named by line, and answers are kept whole."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any

import pytest

from latticework.batch.requests import BadLines, check_requests, requests_without
from latticework.batch.results import NotAnOutput, OutputFile, OutputInUse, line_of
from latticework.batch.senders import HttpReply, Lost, Outcome
from tests.latticework.batch.files import MESSAGES, request, whole_lines, write_lines

GOOD = request("good")

BAD: list[tuple[Any, str]] = [
    ("{", "line 2: Input data was truncated"),
    ("[]", "line 2: Expected `object`, got `array`"),
    ('{"custom_id": "\udcff"}', "line 2: .*UTF-8"),
    ({**GOOD, "custom_id": 1}, "line 2: 'custom_id': Expected `str`, got `int`"),
    ({**GOOD, "custom_id": ""}, "line 2: 'custom_id': Expected `str` of length >= 1"),
    ({"custom_id": "a", "method": "POST", "url": MESSAGES}, "line 2: Object missing required field `body`"),
    ({**GOOD, "method": "GET"}, "line 2: 'method': must be POST"),
    ({**GOOD, "url": "/v1/embeddings"}, "line 2: 'url': must be one of /v1/chat/completions, /v1/resp"),
    ({**GOOD, "body": "text"}, "line 2: 'body': Expected `object`"),
    (request("a", stream=True), "line 2: 'body.stream': an answer of a batch is never streamed: leave it out"),
    (GOOD, "line 2: custom_id 'good' is also that of line 1"),
]


@pytest.mark.parametrize(("line", "message"), BAD)
def test_bad_lines_are_named(line: Any, message: str, tmp_path: Path) -> None:
    text = line if isinstance(line, str) else json.dumps(line)
    file = tmp_path / "requests.jsonl"
    file.write_bytes(f"{json.dumps(GOOD)}\n{text}\n".encode(errors="surrogateescape"))
    with pytest.raises(BadLines) as refused:
        check_requests(file)
    assert re.match(message, str(refused.value))
    assert "\n" not in str(refused.value)


def test_all_bad_lines_are_named_up_to_a_number(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "requests.jsonl", [GOOD, GOOD, *[{}] * 30, GOOD])
    with pytest.raises(BadLines) as refused:
        check_requests(file)
    lines = str(refused.value).split("\n")
    assert [lines[0], *lines[-2:]] == [
        "line 3: Object missing required field `custom_id`",
        "line 22: Object missing required field `custom_id`",
        "...",
    ]


def test_requests_come_as_they_were_written_without_those_that_are_answered(tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    body = '{"model" : "m",  "temperature": 0.10}'
    lines = [f'{{"custom_id": "{name}", "method": "POST", "url": "{MESSAGES}", "body": {body}}}' for name in "abc"]
    file.write_text("\n\n".join(lines))
    assert check_requests(file) == {"a", "b", "c"}
    left = list(requests_without(file, {"b"}))
    assert [(one.custom_id, one.url, bytes(one.body).decode()) for one in left] == [
        ("a", MESSAGES, body),
        ("c", MESSAGES, body),
    ]


OUTCOMES: list[tuple[Outcome, dict[str, Any]]] = [
    (
        HttpReply(200, {"x-request-id": "r1"}, b'{"a": 1.50}'),
        {"response": {"status_code": 200, "request_id": "r1", "body": {"a": 1.5}}, "error": None},
    ),
    (
        HttpReply(400, {"request-id": "r2"}, b'{\n "error": {"code": "x"}\r\n}'),
        {"response": {"status_code": 400, "request_id": "r2", "body": {"error": {"code": "x"}}}, "error": None},
    ),
    (
        HttpReply(502, {}, b"<html>\n\xff"),
        {"response": {"status_code": 502, "request_id": None, "body": "<html>\n�"}, "error": None},
    ),
    (Lost("gone"), {"response": None, "error": {"code": "connection_lost", "message": "gone"}}),
]


def test_every_outcome_is_a_line_in_openais_format(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    with OutputFile(out) as output:
        for number, (outcome, _) in enumerate(OUTCOMES):
            output.append(line_of(f"{number}", outcome))
    lines = whole_lines(out)
    assert len({line.pop("id") for line in lines}) == len(OUTCOMES)
    assert lines == [{"custom_id": f"{number}", **line} for number, (_, line) in enumerate(OUTCOMES)]
    with OutputFile(out) as output:
        earlier = output.answered()
    assert (sorted(earlier.ids), earlier.failed) == (["0", "1", "2", "3"], 3)


LINE = line_of("a", HttpReply(200, {}, b"{}"))


def test_a_half_line_is_removed_wherever_it_was_cut(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    half = line_of("b", Lost(""))
    for cut in range(1, len(half) - 1):
        out.write_bytes(LINE + half[:cut])
        with OutputFile(out) as output:
            assert output.answered().ids == {"a"}
            output.append(LINE)
        assert out.read_bytes() == LINE * 2


def test_a_whole_line_without_its_line_break_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_bytes(LINE.rstrip())
    with OutputFile(out) as output:
        assert output.answered().ids == {"a"}
        output.append(LINE)
    assert out.read_bytes() == LINE * 2


@pytest.mark.parametrize("body", [b'{"status": "failed"}', b"<html>", b'"text"', b"[1]"])
def test_a_failure_with_status_200_stays_one(body: bytes, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_bytes(line_of("a", HttpReply(200, {}, body)))
    with OutputFile(out) as output:
        assert output.answered().failed == 1


def test_half_surrogate_pairs_and_a_byte_order_mark(tmp_path: Path) -> None:
    """Requests are sent as they are written: the server replaces half a pair, and warns of it."""
    file, out = tmp_path / "requests.jsonl", tmp_path / "out.jsonl"
    body = rb'{"model": "m", "input": "\ud83d \\ud83d \ud83d\ude00 \ude00"}'
    line = b'{"custom_id": "a", "method": "POST", "url": "/v1/responses", "body": ' + body + b"}"
    file.write_bytes(BOM_UTF8 + line)
    assert check_requests(file) == {"a"}
    assert [bytes(one.body) for one in requests_without(file, ())] == [body]
    meta = rb'{"meta": {"m": "\ufffd"}, "custom_id": "a", "method": "POST", "url": "/v1/responses", '
    file.write_bytes(meta + rb'"body": {"m": "\ud83d"}}')
    assert [bytes(one.body) for one in requests_without(file, ())] == [rb'{"m": "\ud83d"}']
    reply = rb'{"status": "completed", "text": "\ud83d \\ud83d \ud83d\ude00 \ude00"}'
    out.write_bytes(line_of("a", HttpReply(200, {}, reply)))
    with OutputFile(out) as output:
        assert output.answered().failed == 0
    assert whole_lines(out)[0]["response"]["body"]["text"] == "\ufffd \\ud83d \U0001f600 \ufffd"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps(GOOD).encode() + b"\n", "line 1 is not an answer of a batch"),
        (LINE + b"notes\n", "line 2 is not an answer of a batch"),
        (LINE + b"notes", "line 2 is not an answer of a batch"),
        (b'{"a": 1, "precious": true}', "line 1 is not an answer of a batch"),
        (b'{"id": "batch_req_', "line 1 is not an answer of a batch"),
        (LINE + b'{"id":"batch_req_1"}', "line 2 is not an answer of a batch"),
    ],
)
def test_a_file_of_another_kind_is_left_as_it_is(content: bytes, message: str, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_bytes(content)
    with OutputFile(out) as output, pytest.raises(NotAnOutput, match=message):
        output.answered()
    assert out.read_bytes() == content


def test_an_output_that_another_process_has_open_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    code = f"""
import sys
from pathlib import Path
from latticework.batch.results import OutputFile
with OutputFile(Path({str(out)!r})):
    print("open", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(OutputInUse, match="another batch is writing to it"):
            OutputFile(out)
        other.communicate()
    with OutputFile(out) as output:
        output.append(LINE)


def test_a_line_that_does_not_fit_on_the_disk_is_not_begun(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with OutputFile(out) as output:
        output.append(LINE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(LINE) * 3 // 2, limits[1]))
        try:
            with pytest.raises(OSError, match="No space left"):
                output.append(LINE)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        output.append(LINE)
    assert out.read_bytes() == LINE * 2

"""Log lines: what is withheld from them, and what vLLM's processes make of theirs."""

from __future__ import annotations

import json
import logging
import logging.config
import os
import subprocess
import sys
from typing import Any

import pytest

from latticework import logs
from latticework.logs import CONTENT, ENGINE_CONFIG, FORMAT, WITHHELD, JsonFormatter, Withholding, log_config

SECRET = "what a client wrote"


def raised() -> BaseException:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise ValueError(f"no {SECRET}") from error
    except ValueError as error:
        return error


def record(name: str, level: int, message: str, *args: Any, error: BaseException | None = None) -> logging.LogRecord:
    info = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord(name, level, "a.py", 1, message, args, info)
    assert Withholding().filter(made)
    return made


@pytest.mark.parametrize(
    ("name", "message", "args", "shown"),
    [
        (
            "vllm.v1.structured_output.backend_guidance",
            "LLMatcher error: %s",
            (SECRET,),
            f"LLMatcher error: {WITHHELD}",
        ),
        (
            "vllm.v1.core.sched.scheduler",
            "rejected %s for %s",
            ([1, 2], "cmpl-0a-0"),
            f"rejected {WITHHELD} for cmpl-0a-0",
        ),
        ("vllm.v1.engine.core", "%d requests, %s", (3, None), "3 requests, None"),
        ("vllm.logging_utils.dump_input", "%(a)s", ({"a": SECRET},), WITHHELD),
        ("vllm.config.model", "Using %s", ("a model",), "Using a model"),
        ("latticework.supervisor", "%s: restarting", ("a model",), "a model: restarting"),
        ("asyncio", f"Task exception was never retrieved\nfuture: {SECRET}", (), "Task exception was never retrieved"),
    ],
)
def test_warnings_about_requests_quote_nothing(name: str, message: str, args: tuple[Any, ...], shown: str) -> None:
    assert record(name, logging.WARNING, message, *args).getMessage() == shown


def test_what_is_not_a_warning_stays() -> None:
    assert record("vllm.v1.engine.core", logging.INFO, "Using %s", "a config").getMessage() == "Using a config"


@pytest.mark.parametrize("formatter", [JsonFormatter(), logging.Formatter()])
@pytest.mark.parametrize("name", ["uvicorn.error", "latticework.http.sse", "vllm.v1.structured_output"])
def test_errors_of_requests_have_no_messages(name: str, formatter: logging.Formatter) -> None:
    line = formatter.format(record(name, logging.ERROR, "A request failed", error=raised()))
    assert SECRET not in line
    assert "ValueError" in line and "KeyError" in line and "test_logs.py" in line


def test_a_start_that_fails_says_why() -> None:
    line = JsonFormatter().format(record("vllm.v1.engine.core", 40, "EngineCore failed to start.", error=raised()))
    assert SECRET in json.loads(line)["exception"]


def test_errors_that_lead_to_each_other_end() -> None:
    error, other = ValueError(SECRET), KeyError(SECRET)
    error.__context__, other.__context__ = other, error
    assert logs.without_messages(error).count(WITHHELD) == 2


def test_content_is_shown_where_it_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SECRET not in logs.described(raised())
    monkeypatch.setenv(CONTENT, "true")
    assert SECRET in logs.described(raised())


@pytest.mark.parametrize("content", [False, True])
def test_the_filter_is_on_each_handler_unless_content_is_logged(content: bool) -> None:
    config = log_config("json", content)
    assert all((handler.get("filters") == ["withholding"]) != content for handler in config["handlers"].values())


# As vLLM does in each of its processes, with another's handler as the root's.
ENGINE = """
import json, logging.config, sys
logging.config.dictConfig(json.load(open(sys.argv[1])))
logger = logging.getLogger("vllm.v1.structured_output")
logger.info("It starts")
logger.warning("LLMatcher error: %s", "what a client wrote")
try:
    raise ValueError("what a client wrote")
except ValueError:
    logger.exception("Failed to compile")
"""


@pytest.mark.parametrize("format", ["json", "text"])
def test_vllm_processes_withhold_and_write_json(format: str) -> None:
    environ = {**os.environ, FORMAT: format, CONTENT: "false"}
    ran = subprocess.run(
        [sys.executable, "-c", ENGINE, ENGINE_CONFIG], env=environ, capture_output=True, text=True, check=True
    )
    assert SECRET not in ran.stdout + ran.stderr
    assert "It starts" in ran.stdout and "ValueError" in ran.stdout
    if format == "json":
        assert [json.loads(line)["level"] for line in ran.stdout.splitlines()] == ["INFO", "WARNING", "ERROR"]


def test_vllm_processes_log_content_where_asked_to() -> None:
    environ = {**os.environ, FORMAT: "json", CONTENT: "true"}
    ran = subprocess.run(
        [sys.executable, "-c", ENGINE, ENGINE_CONFIG], env=environ, capture_output=True, text=True, check=True
    )
    assert ran.stdout.count(SECRET) >= 2


def test_a_configuration_of_the_users_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    configured: list[Any] = []
    monkeypatch.setattr(logging.config, "dictConfig", configured.append)
    monkeypatch.setattr(os, "environ", {logs.ENGINE_CONFIG_PATH: "mine.json"})
    logs.configure_engine_logs()
    assert configured == [] and os.environ[logs.ENGINE_CONFIG_PATH] == "mine.json"
    monkeypatch.setattr(os, "environ", {})
    logs.configure_engine_logs()
    assert len(configured) == 1 and os.environ[logs.GRAMMAR_LEVEL] == "0"

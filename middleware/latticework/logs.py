"""Log lines of all processes: their formats, and what is withheld from them because clients or models wrote it.

An engine's processes are started by vLLM. They read vllm_logging.json, whose handler is `engine_handler`, and find the
server's settings of its logs in their environment.
"""

from __future__ import annotations

import json
import logging
import logging.config
import multiprocessing
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import IO, Any, Literal

import msgspec

LogFormat = Literal["text", "json"]

# The variables of the settings `log_format` and `log_content`.
FORMAT, CONTENT = "LATTICEWORK_LOG_FORMAT", "LATTICEWORK_LOG_CONTENT"
# llguidance's, as vLLM reads it: 0 keeps its native code from printing pieces of grammars and answers.
GRAMMAR_LEVEL = "LLGUIDANCE_LOG_LEVEL"
# vLLM's own: a file for logging.config.dictConfig, which each of its processes reads.
ENGINE_CONFIG_PATH, ENGINE_LEVEL = "VLLM_LOGGING_CONFIG_PATH", "VLLM_LOGGING_LEVEL"
ENGINE_CONFIG = Path(__file__).with_name("vllm_logging.json")

WITHHELD = "[withheld: --log-content logs it]"
# Loggers whose warnings and errors are about requests: their exceptions are logged without their messages.
ABOUT_REQUESTS = ("uvicorn.error", "asyncio", "latticework", "vllm")
# Those of vLLM's whose warnings and errors quote what they are about: grammars, tokens, whole requests.
QUOTING = (
    *("vllm.v1.structured_output", "vllm.v1.core", "vllm.v1.engine", "vllm.v1.sample", "vllm.v1.request"),
    *("vllm.logging_utils", "vllm.sampling_params", "vllm.inputs", "vllm.renderers", "vllm.tokenizers"),
    *("vllm.entrypoints", "vllm.reasoning", "vllm.tool_parsers", "vllm.exceptions"),
)
# What goes wrong before the first request. It has the reason of a start that failed.
BEFORE_REQUESTS = re.compile(
    r"EngineCore failed to start|WorkerProc failed to start|Exception in 'lifespan'|.*failed to start"
)
# A request's id, which this server has made.
OUR_ID = re.compile(r"(chatcmpl|cmpl)-[0-9a-f-]+")


def logs_content() -> bool:
    return os.environ.get(CONTENT, "").lower() in ("1", "true", "yes", "on")


def export_settings(format: LogFormat, content: bool) -> None:
    """To the processes of engines, which are started later."""
    os.environ[FORMAT] = format
    os.environ[CONTENT] = "true" if content else "false"
    _quieten_engines()


def _quieten_engines() -> None:
    """The user's own settings go before."""
    os.environ.setdefault(ENGINE_CONFIG_PATH, str(ENGINE_CONFIG))
    if not logs_content():
        os.environ.setdefault(GRAMMAR_LEVEL, "0")


def configure_engine_logs() -> None:
    """For vLLM in this process and in those that it starts; not where vLLM has a configuration of the user's."""
    _quieten_engines()
    if os.environ[ENGINE_CONFIG_PATH] == str(ENGINE_CONFIG):
        logging.config.dictConfig(json.loads(ENGINE_CONFIG.read_text()))


class Withholding(logging.Filter):
    """Takes out of each record what clients and models may have written; it passes all records."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING and not BEFORE_REQUESTS.match(str(record.msg)):
            if _is_below(record.name, QUOTING):
                record.args = _shown(record.args)
            if record.name == "asyncio":  # it formats the exception into its message
                record.msg, record.args = str(record.msg).partition("\n")[0], ()
            if record.exc_info and record.exc_info[1] is not None and _is_below(record.name, ABOUT_REQUESTS):
                record.exc_text = without_messages(record.exc_info[1])
        return True


def _is_below(name: str, roots: tuple[str, ...]) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


def _shown(args: Any) -> Any:
    if isinstance(args, Mapping):
        return {name: _shown_value(value) for name, value in args.items()}
    return tuple(_shown_value(value) for value in args or ())


def _shown_value(value: Any) -> Any:
    is_ours = isinstance(value, str) and OUR_ID.fullmatch(value) is not None
    return value if value is None or is_ours or isinstance(value, int | float) else WITHHELD


def described(error: BaseException) -> str:
    """A traceback for the log, without what the errors say, unless content is logged."""
    return "".join(traceback.format_exception(error)) if logs_content() else without_messages(error)


def without_messages(error: BaseException) -> str:
    """A traceback whose errors have their types only: their messages may quote a request."""
    parts = [
        f"Traceback (most recent call last):\n{''.join(traceback.format_tb(link.__traceback__))}"
        f"{type(link).__module__}.{type(link).__qualname__}: {WITHHELD}"
        for link in _chain(error)
    ]
    return "\n\nThen:\n\n".join(reversed(parts))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level and logger, then the record's `fields`, or else its message."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
        }
        fields = getattr(record, "fields", None)
        line |= {"message": record.getMessage()} if fields is None else fields
        if record.exc_info:
            line["exception"] = record.exc_text or self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def log_config(format: LogFormat, content: bool = False) -> Mapping[str, Any]:
    """For logging.config.dictConfig: uvicorn's loggers, ours, and the root. No access log, which would repeat each
    record. `content`: whether what clients and models wrote may be in a line.
    """
    from uvicorn.config import LOGGING_CONFIG  # an app that is mounted may run under another server

    config = deepcopy(LOGGING_CONFIG)
    if format == "json":
        config["formatters"] = {name: {"()": JsonFormatter} for name in config["formatters"]}
    if not content:
        config["filters"] = {"withholding": {"()": Withholding}}
        for handler in config["handlers"].values():
            handler["filters"] = ["withholding"]
    config["loggers"]["latticework"] = {"handlers": ["default"], "level": "INFO", "propagate": False}
    config["root"] = {"handlers": ["default"], "level": "WARNING"}
    return config


def engine_handler() -> logging.Handler:
    """vLLM's only handler, in each of its processes. In those that it started, all other loggers have it too."""
    as_json = os.environ.get(FORMAT) == "json"
    # vLLM's processes put their names before each line of sys.stdout.
    handler = logging.StreamHandler(_standard_output() if as_json else sys.stdout)
    handler.setFormatter(JsonFormatter() if as_json else _vllm_formatter())
    if not logs_content():
        handler.addFilter(Withholding())
    logging.getLogger("vllm").setLevel(os.environ.get(ENGINE_LEVEL, "INFO").upper())
    if multiprocessing.parent_process() is not None:
        logging.captureWarnings(as_json)
        logging.getLogger().addHandler(handler)
    return handler


def _standard_output() -> IO[str]:
    return open(1, "w", encoding="utf-8", buffering=1, closefd=False)


def _vllm_formatter() -> logging.Formatter:
    """The one that vLLM would use. Its logging module is what calls this, and is loaded."""
    theirs = getattr(sys.modules.get("vllm.logger"), "DEFAULT_LOGGING_CONFIG", {}).get("formatters", {}).get("vllm")
    if theirs is None:
        return logging.Formatter("%(levelname)s %(asctime)s [%(filename)s:%(lineno)d] %(message)s")
    made: logging.Formatter = logging.config.DictConfigurator({}).configure_formatter(dict(theirs))
    return made

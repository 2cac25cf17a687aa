"""How the log looks: as uvicorn's lines, or one JSON object a line for machines."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from uvicorn.config import LOGGING_CONFIG

LogFormat = Literal["text", "json"]


class JsonFormatter(logging.Formatter):
    """`fields` of a record, where it has some, stand beside time, level, logger and message."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
        }
        fields = getattr(record, "fields", None)
        told |= {"message": record.getMessage()} if fields is None else fields
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(told).decode()


def config(format: LogFormat) -> Mapping[str, Any]:
    """For logging.config.dictConfig: uvicorn's, with our own loggers; no access log, for each request is told of."""
    formatters = LOGGING_CONFIG["formatters"]
    if format == "json":
        formatters = {name: {"()": JsonFormatter} for name in formatters}
    ours = {"handlers": ["default"], "level": "INFO", "propagate": False}
    loggers = {**LOGGING_CONFIG["loggers"], "latticework": ours}
    return {**LOGGING_CONFIG, "formatters": formatters, "loggers": loggers}

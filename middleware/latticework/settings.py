"""What can be set about a server: one table, for the command line, the environment, files and `create_app`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Settings:
    """Every setting with its default. OPTIONS says what each means."""

    host: str = "127.0.0.1"
    port: int = 8000
    root_path: str = ""
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    api_key_file: str | None = None
    no_auth: bool = False
    engine: tuple[str, ...] = ("vllm",)
    engine_api_key: str | None = field(default=None, repr=False)
    requests_per_minute: int | None = None
    concurrent_requests: int | None = None
    schema_in_prompt: Literal["auto", "always", "never"] = "auto"
    tool_format: str | None = None
    markup_in_text: bool = False
    chat_template: str | None = None
    drafts: Literal["auto", "forced", "off"] = "auto"
    max_body_bytes: int = 16 * 2**20
    read_timeout: float = 30.0
    write_timeout: float = 60.0
    compile_timeout: float = 5.0
    compile_memory: int = 2**30
    compile_workers: int = 4
    compile_cache_bytes: int = 64 * 2**20
    max_schema_bytes: int = 2**20
    max_schema_depth: int = 128
    max_properties: int = 10_000
    max_enum_values: int = 50_000
    max_pattern_length: int = 4096
    max_repetitions: int = 100_000
    max_tools: int = 128
    no_client_grammars: bool = False
    max_queue: int = 1024
    request_timeout: float = 3600.0
    engine_restarts: int = 5
    attempts: int = 3
    max_tool_calls: int = 16
    drain_timeout: int = 30
    log_format: Literal["text", "json"] = "text"
    log_content: bool = False
    playground: Literal["auto", "on", "off"] = "auto"

    @property
    def guarded(self) -> bool:
        """Whether clients need a key."""
        return bool(self.api_keys or self.api_key_file)

    @property
    def plays(self) -> bool:
        """Whether the playground is served."""
        return self.playground == "on" or (self.playground == "auto" and not self.guarded)


class InvalidSetting(ValueError):
    """A setting that is of no use; the message names it and what it holds, but no key."""


def keys(text: str) -> tuple[str, ...]:
    """API keys between commas, or one a line. A line that starts with # is a comment."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return tuple(key.strip() for line in lines for key in line.split(",") if key.strip())


def names(text: str) -> tuple[str, ...]:
    """Between commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def switch(text: str) -> bool:
    return _SWITCH[text.strip().lower()]


def port(text: str) -> int:
    return _within(int(text), 0, 65535)


def prefix(text: str) -> str:
    """Of paths, as a URL has it: no slash at its end, so that "/" is none."""
    if not re.fullmatch(r"(/[\w.~-]+)*/?", text, re.ASCII):
        raise ValueError(text)
    return text.rstrip("/")


def size(text: str) -> int:
    return _within(int(text), 1, 2**40)


def count(text: str) -> int:
    return _within(int(text), 1, 100)


def number(text: str) -> int:
    return _within(int(text), 0, 2**20)


def seconds(text: str) -> float:
    return _within(float(text), 0.001, 86400.0)


def whole_seconds(text: str) -> int:
    return _within(int(text), 0, 86400)


def _within(value: Number, least: Number, most: Number) -> Number:
    if not least <= value <= most:  # not the other way round: NaN is within nothing
        raise ValueError(value)
    return value


_SWITCH = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "": False,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


@dataclass(frozen=True)
class Option:
    """How one setting is spelled: `read` turns its text into its value, or raises ValueError or KeyError."""

    field: str
    read: Callable[[str], Any]
    metavar: str
    help: str
    choices: tuple[str, ...] | None = None
    # Not for the command line, where every user of the machine could read it, and in no message.
    secret: bool = False
    # Not for clients to know: where on its machine or network the server finds things, and where it listens.
    private: bool = False
    # Whose it is: the whole app's, a model's own if it has one, or that of whatever makes a model's engine.
    of: Literal["app", "model", "engine"] = "app"

    @property
    def flag(self) -> str:
        return "--" + self.field.replace("_", "-")

    @property
    def variable(self) -> str:
        return "LATTICEWORK_" + self.field.upper()

    def value(self, text: str) -> Any:
        value = self.read(text)
        if self.choices and value not in self.choices:
            raise ValueError(value)
        return value


# None of these names is one of vLLM's engine arguments, which share the command line (tests/latticework/test_cli.py).
OPTIONS = (
    Option(
        "host",
        str,
        "ADDRESS",
        "the address to listen on; without API keys only a loopback address is served",
        private=True,
    ),
    Option("port", port, "PORT", "the port to listen on; 0 lets the system choose", private=True),
    Option("root_path", prefix, "PATH", "the path that a proxy serves this under, and takes off requests"),
    Option("api_keys", keys, "KEYS", "the keys that clients may send as bearer tokens, between commas", secret=True),
    Option(
        "api_key_file",
        str,
        "FILE",
        "a file of API keys, one a line, besides those in LATTICEWORK_API_KEYS; read again whenever it changes",
        private=True,
    ),
    Option("no_auth", switch, "", "serve any address without API keys: whoever reaches the port may use the model"),
    Option(
        "engine",
        names,
        "ENGINE",
        "what runs the model: vllm, or portable; or `vllm serve` elsewhere, by its addresses, http://HOST:PORT",
        private=True,
        of="engine",
    ),
    Option(
        "engine_api_key",
        str,
        "KEY",
        "the API key of the servers that --engine names",
        secret=True,
        private=True,
        of="engine",
    ),
    Option("requests_per_minute", size, "N", "how many requests a minute each key may make; not limited by default"),
    Option("concurrent_requests", size, "N", "how many requests of each key may run at once; not limited by default"),
    Option(
        "schema_in_prompt",
        str,
        "",
        "tell the model the JSON Schema of response_format in a system message",
        ("auto", "always", "never"),
        of="model",
    ),
    Option(
        "tool_format",
        str,
        "FORMAT",
        "the model's wire format for tool calls, where its chat template misleads",
        of="model",
    ),
    Option(
        "markup_in_text",
        switch,
        "",
        "let messages, tools and schemas hold special tokens, not only their text: clients can forge turns then",
        of="model",
    ),
    Option(
        "chat_template",
        str,
        "FILE",
        "a Jinja chat template instead of the model's own: a file, or the template itself",
        private=True,
        of="model",
    ),
    Option(
        "drafts",
        str,
        "",
        "draft what a grammar forces, and with auto what was probably copied: the same answers in fewer passes",
        ("auto", "forced", "off"),
        of="engine",
    ),
    Option("max_body_bytes", size, "BYTES", "the largest request body that is read"),
    Option("read_timeout", seconds, "SECONDS", "how long a request's head may take to arrive, and then its body"),
    Option("write_timeout", seconds, "SECONDS", "how long a client may take nothing of an answer before it is cut off"),
    Option("compile_timeout", seconds, "SECONDS", "the longest that one request's schemas may take to compile"),
    Option("compile_memory", size, "BYTES", "the most memory that one request's schemas may take to compile"),
    Option("compile_workers", count, "N", "how many processes compile at most; one more than has work is kept ready"),
    Option("compile_cache_bytes", size, "BYTES", "how much of what was compiled is kept for the next request"),
    Option("max_schema_bytes", size, "BYTES", "the largest schemas and grammars of one request, together, as JSON"),
    Option("max_schema_depth", size, "N", "how many objects and lists a schema may have within each other"),
    Option("max_properties", size, "N", "how many properties one schema may list, those of all its objects together"),
    Option("max_enum_values", size, "N", "how many values the enums of one schema may have, together"),
    Option("max_pattern_length", size, "N", "how many characters a regex may have"),
    Option(
        "max_repetitions",
        size,
        "N",
        "how many characters a regex may have once its counted repetitions are written out",
    ),
    Option("max_tools", size, "N", "how many tools a request may have"),
    Option("no_client_grammars", switch, "", "compile no regexes and grammars of clients, JSON Schemas only"),
    Option(
        "max_queue", number, "N", "how many answers may wait beyond those that the engine generates at once", of="model"
    ),
    Option("request_timeout", seconds, "SECONDS", "how long a request may take; x-request-timeout asks for less"),
    Option("engine_restarts", number, "N", "how often in a row an engine that dies is started again", of="model"),
    Option(
        "attempts",
        count,
        "N",
        "how often an answer is generated at most, whose schema has a keyword that can only be checked",
        of="model",
    ),
    Option(
        "max_tool_calls", count, "N", "how many tools one answer may call: a small model goes on and on", of="model"
    ),
    Option(
        "drain_timeout",
        whole_seconds,
        "SECONDS",
        "how long running answers may go on after SIGTERM; a second one ends them",
    ),
    Option("log_format", str, "", "text for people, or one JSON object a line", ("text", "json")),
    Option("log_content", switch, "", "log requests and answers too, which hold what people wrote"),
    Option(
        "playground",
        str,
        "",
        "serve /playground, a page to try schemas and tools on; auto does where there are no API keys",
        ("auto", "on", "off"),
    ),
)

PRIVATE = frozenset(option.field for option in OPTIONS if option.secret or option.private)


def from_environ(environ: Mapping[str, str]) -> Settings:
    """The settings that variables such as LATTICEWORK_API_KEYS give. Raises InvalidSetting."""
    return Settings(**in_environ(environ))


def in_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    """Those of them that have a variable, by name. Raises InvalidSetting."""
    return {option.field: _read(option, environ) for option in OPTIONS if option.variable in environ}


def _read(option: Option, environ: Mapping[str, str]) -> Any:
    text = environ[option.variable]
    try:
        return option.value(text)
    except (ValueError, KeyError) as error:
        raise invalid(option.variable, option, text) from error


def invalid(where: str, option: Option, given: Any) -> InvalidSetting:
    """The error for a value that the option does not take."""
    hint = f", one of {', '.join(option.choices)} is" if option.choices else ""
    told = "what it holds" if option.secret else repr(given)
    return InvalidSetting(f"{where}: {told} is not valid{hint}")


def public(settings: Settings) -> dict[str, Any]:
    """Those that any client may know: nothing of keys, and nothing of the machine."""
    return {option.field: getattr(settings, option.field) for option in OPTIONS if option.field not in PRIVATE}

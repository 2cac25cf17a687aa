"""The settings of a server: one row each, from which flags, variables, file keys, `create_app` and the docs come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from latticework.aliases import ALIASES
from latticework.options import (
    API_KEYS,
    BYTES,
    NAMES,
    ORIGINS,
    PATH_PREFIX,
    PATIENCE,
    POSITIVE,
    SECONDS,
    Kind,
    choice,
    comma_separated,
    integer,
    options_of,
    setting,
    switch,
    text,
)

# No name is that of an engine argument of vLLM, which share the command line (tests/latticework/test_cli.py).


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Settings that each model can have its own value of: `Served(engine, attempts=5)`, or a key in its [[models]]."""

    schema_in_prompt: Literal["auto", "always", "never"] = choice(
        "auto", "put the JSON Schema of response_format into the prompt, in a system message"
    )
    tool_format: str | None = setting(
        None, text("FORMAT"), "wire format of tool calls, if detecting it from the chat template goes wrong"
    )
    on_bad_tool: Literal["error", "skip"] = choice(
        "error", "answer a request with a tool that can't be compiled by a 400, or leave the tool out"
    )
    open_objects: bool = switch(
        "let objects that list properties, without a keyword for others, have others; by default, they are closed"
    )
    grounding: bool = switch(
        "copy each string of an answer's JSON that has no enum, const, pattern or format from the user's text"
    )
    tool_call_streaming: Literal["incremental", "whole"] = choice(
        "incremental", "stream a tool call from the first argument's value on, or in one piece when it is complete"
    )
    markup_in_text: bool = switch(
        "tokenize special tokens in messages, tools and schemas as such, not as text: lets clients forge turns"
    )
    chat_template: str | None = setting(
        None,
        text("FILE"),
        "Jinja chat template instead of the model's: a file, or the template itself",
        private=True,
    )
    trust_request_chat_template: bool = switch(
        "let requests bring a chat template: Jinja that runs in this server, for as long as it likes"
    )
    max_queue: int = setting(
        1024,
        integer("N", 0, 2**20),
        "maximum number of waiting answers, beyond those that the engine generates at once",
    )
    engine_restarts: int = setting(
        5, integer("N", 0, 2**20), "maximum number of consecutive restarts of an engine that dies"
    )
    engine_hang_timeout: float = setting(
        30.0,
        PATIENCE,
        "time after which an engine that answers nothing is restarted, longer while it reads prompts; 0: never",
    )
    attempts: int = setting(
        3,
        integer("N", 1, 100),
        "maximum number of times an answer is generated, if its schema has keywords that can only be checked",
    )
    draft_tokens: int = setting(
        0,
        integer("N", 0, 2**20),
        "maximum number of tokens of free text that a model writes before a document or calls, if the request sets no "
        "limit; 0: none",
    )
    refusal: Literal["never", "allow"] = choice(
        "never", "whether a model that has to answer with a JSON document may refuse instead, in a text of its own"
    )
    confidence: bool = switch(
        "return the confidence of each value of documents and calls, unless a request has 'confidence': false"
    )
    retries: Literal["feedback", "resample"] = choice(
        "feedback", "after an answer that violates a checked keyword, show it and its violations to the model, or don't"
    )
    repeated_calls: Literal["end", "allow"] = choice(
        "end", "end an answer before a tool call that repeats another one of it, or allow such calls"
    )
    max_tool_calls: int = setting(
        16, integer("N", 1, 100), "maximum number of tool calls in one answer; small models may never stop"
    )


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """Settings from which the engine of each model is made."""

    engine: tuple[str, ...] = setting(
        ("vllm",),
        Kind(comma_separated, "engine names or addresses, separated by commas", "ENGINE"),
        "engine that runs the model: vllm, portable, or the addresses (http://HOST:PORT) of `vllm serve` elsewhere",
        private=True,
    )
    engine_api_key: str | None = setting(
        None, text("KEY"), "API key for the servers that --engine names", secret=True, private=True
    )
    drafts: Literal["auto", "forced", "off"] | None = choice(
        None,
        "draft the tokens that a grammar forces and, with auto, likely copies: fewer forward passes; by default auto "
        "on CPUs, off on GPUs",
    )


@dataclass(frozen=True, kw_only=True)
class Settings(ModelSettings, EngineSettings):
    """All settings of an app. Those of ModelSettings and EngineSettings are the defaults of its models."""

    host: str = setting(
        "127.0.0.1",
        text("ADDRESS"),
        "address to listen on; without API keys, only a loopback address is allowed",
        private=True,
    )
    port: int = setting(8000, integer("PORT", 0, 65535), "port to listen on; 0 picks a free one", private=True)
    api_servers: int = setting(
        1,
        integer("N", 1, 64),
        "number of front-end processes, which share the port, the engines and all limits; one event loop streams some "
        "5,000 to 20,000 tokens per second",
    )
    aliases: tuple[str, ...] = setting(
        (),
        ALIASES,
        "further name of a model, or prefix of names as in claude-*=MODEL; can be repeated, or separated by commas",
        singular="alias",
    )
    root_path: str = setting("", PATH_PREFIX, "path under which a proxy serves this, and which it strips from requests")
    api_keys: tuple[str, ...] = setting(
        (), API_KEYS, "API keys that clients may send as bearer tokens, separated by commas", secret=True
    )
    api_key_file: str | None = setting(
        None,
        text("FILE"),
        "file of API keys, one per line, in addition to LATTICEWORK_API_KEYS; reloaded when it changes",
        private=True,
    )
    no_auth: bool = switch("allow any address without API keys: anyone who reaches the port can use the model")
    allowed_origins: tuple[str, ...] = setting(
        (), ORIGINS, "origins of pages that may call this server from a browser (CORS), or *; none by default"
    )
    allowed_methods: tuple[str, ...] = setting(("*",), NAMES, "methods that pages of allowed_origins may use, or *")
    allowed_headers: tuple[str, ...] = setting(
        ("*",), NAMES, "request headers that pages of allowed_origins may send, or *"
    )
    allow_credentials: bool = switch("let pages of allowed_origins send cookies, for a proxy in front of this server")
    requests_per_minute: int | None = setting(
        None, POSITIVE, "maximum number of requests per minute and API key; unlimited by default"
    )
    concurrent_requests: int | None = setting(
        None, POSITIVE, "maximum number of concurrent requests per API key; unlimited by default"
    )
    max_body_bytes: int = setting(8 * 2**20, BYTES, "maximum size of a request body")
    max_bodies_bytes: int = setting(
        512 * 2**20, BYTES, "maximum size of the bodies of all requests in progress together"
    )
    max_body_values: int = setting(
        200_000, POSITIVE, "maximum number of JSON values in a request body, token ids included"
    )
    max_body_fields: int = setting(50_000, POSITIVE, "maximum number of fields of all objects in a request body")
    max_body_depth: int = setting(256, integer("N", 1, 500), "maximum nesting of objects and arrays in a request body")
    max_messages: int = setting(10_000, POSITIVE, "maximum number of messages in a request")
    max_content_parts: int = setting(10_000, POSITIVE, "maximum number of content parts in the messages of a request")
    max_past_calls: int = setting(5_000, POSITIVE, "maximum number of tool calls in the messages of a request")
    max_stops: int = setting(64, POSITIVE, "maximum number of strings in stop, and in bad_words")
    keep_volatile_text: bool = switch(
        "keep text in system prompts of /v1/messages that clients change with each request: it defeats the prefix cache"
    )
    ignore_described_bounds: bool = switch(
        "ignore the bounds that clients of /v1/messages move from a schema into its descriptions: {maxLength: 9}"
    )
    max_stop_length: int = setting(1024, POSITIVE, "maximum length of a string in stop, in characters")
    read_timeout: float = setting(30.0, SECONDS, "read timeout for the headers of a request, and again for its body")
    write_timeout: float = setting(
        60.0, SECONDS, "write timeout: a client that reads nothing of its response for this long is disconnected"
    )
    compile_timeout: float = setting(
        5.0, SECONDS, "time limit for compiling the schemas of one request, and for rendering its prompt"
    )
    compile_memory: int = setting(
        2**30, BYTES, "memory limit for compiling the schemas of one request, and for rendering its prompt"
    )
    compile_workers: int = setting(
        4, integer("N", 1, 100), "maximum number of compiler processes; an API key uses all but one at most"
    )
    compile_cache_bytes: int = setting(64 * 2**20, BYTES, "size of the cache of compiled grammars")
    max_schema_bytes: int = setting(
        2**20, BYTES, "maximum size of the schemas and grammars of one request together, as JSON"
    )
    max_schema_depth: int = setting(128, POSITIVE, "maximum nesting of objects and arrays in a schema")
    max_properties: int = setting(10_000, POSITIVE, "maximum number of properties in a schema, over all its objects")
    max_enum_values: int = setting(50_000, POSITIVE, "maximum number of enum values in a schema, over all its enums")
    max_pattern_length: int = setting(4096, POSITIVE, "maximum length of a regex, in characters")
    max_repetitions: int = setting(
        100_000, POSITIVE, "maximum length of a regex with its counted repetitions expanded, in characters"
    )
    max_tools: int = setting(512, POSITIVE, "maximum number of tools in a request")
    no_client_grammars: bool = switch("refuse regexes and grammars from clients; JSON Schemas and choices are accepted")
    request_timeout: float = setting(
        3600.0, SECONDS, "time limit for a request; x-request-timeout can lower it for one request"
    )
    store: str | None = setting(
        None,
        text("FILE"),
        "SQLite file that keeps responses of /v1/responses over a restart; servers may share it; by default, memory",
        private=True,
    )
    no_store: bool = switch("keep no responses: no previous_response_id, whatever a request's store is")
    store_bytes: int = setting(256 * 2**20, BYTES, "size of the kept responses; the least recently used go first")
    store_age: float = setting(30 * 86400.0, SECONDS, "time that a response is kept after its last use")
    hosted_tools: Literal["skip", "error"] = choice(
        "skip", "leave tools that OpenAI's servers run (web_search and others) out of a request, or refuse it"
    )
    drain_timeout: int = setting(
        30, integer("SECONDS", 0, 86400), "grace period for running answers after SIGTERM; a second SIGTERM ends it"
    )
    log_format: Literal["text", "json"] = choice("text", "log lines for people, or one JSON object per line")
    log_content: bool = switch("log requests and answers, which hold what users wrote")
    playground: Literal["auto", "on", "off"] = choice(
        "auto", "serve /playground, a page for trying schemas and tools; auto: only without API keys"
    )

    @property
    def guarded(self) -> bool:
        """Whether clients need a key."""
        return bool(self.api_keys or self.api_key_file)

    @property
    def of_process(self) -> Settings:
        """The same with one process' part of what the front ends divide among them.

        A process takes any one body that is allowed, and compiles for two callers at once if the server does.
        """
        if self.api_servers == 1:
            return self
        return replace(
            self,
            max_bodies_bytes=max(self.max_bodies_bytes // self.api_servers, self.max_body_bytes),
            compile_workers=max(-(-self.compile_workers // self.api_servers), min(self.compile_workers, 2)),
            compile_cache_bytes=max(self.compile_cache_bytes // self.api_servers, 1),
        )

    @property
    def has_playground(self) -> bool:
        """Whether the playground is served."""
        return self.playground == "on" or (self.playground == "auto" and not self.guarded)


MODEL_OPTIONS = options_of(ModelSettings, "model")
OPTIONS = (*options_of(Settings, "app"), *options_of(EngineSettings, "engine"), *MODEL_OPTIONS)
PRIVATE = frozenset(option.name for option in OPTIONS if option.secret or option.private)


def environment_settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings that have a variable, by name. Raises InvalidSetting."""
    return {
        option.name: option.value(option.variable, environ[option.variable])
        for option in OPTIONS
        if option.variable in environ
    }


def public_settings(settings: Settings) -> dict[str, Any]:
    """Settings that clients may see: no keys, and nothing about the server's machine."""
    return {option.name: getattr(settings, option.name) for option in OPTIONS if option.name not in PRIVATE}

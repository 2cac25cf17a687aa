"""The settings: one table, from which the command line, the environment and files are read."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from latticework import create_app
from latticework.options import InvalidSetting, api_keys
from latticework.settings import OPTIONS, ModelSettings, Settings, environment_settings, public_settings


def test_every_setting_has_its_option() -> None:
    assert {option.name: option.default for option in OPTIONS} == vars(Settings())
    assert len(OPTIONS) == len(vars(Settings()))


def test_a_models_settings_are_options_of_that_scope() -> None:
    assert {option.name for option in OPTIONS if option.scope == "model"} == set(vars(ModelSettings()))


READ = [
    ({}, Settings()),
    ({"LATTICEWORK_HOST": "::1", "LATTICEWORK_PORT": "0"}, Settings(host="::1", port=0)),
    ({"LATTICEWORK_ALLOWED_ORIGINS": "*"}, Settings(allowed_origins=("*",))),
    (
        {"LATTICEWORK_ALLOWED_ORIGINS": '["https://a.b", "http://[::1]:80"]'},
        Settings(allowed_origins=("https://a.b", "http://[::1]:80")),
    ),
    ({"LATTICEWORK_ALLOWED_METHODS": "GET, POST"}, Settings(allowed_methods=("GET", "POST"))),
    ({"LATTICEWORK_ROOT_PATH": "/ai/"}, Settings(root_path="/ai")),
    ({"LATTICEWORK_ROOT_PATH": "/"}, Settings()),
    ({"LATTICEWORK_API_KEYS": "a, b,,c"}, Settings(api_keys=("a", "b", "c"))),
    ({"LATTICEWORK_API_KEYS": ""}, Settings()),
    ({"LATTICEWORK_API_KEY_FILE": "keys"}, Settings(api_key_file="keys")),
    ({"LATTICEWORK_REQUESTS_PER_MINUTE": "60"}, Settings(requests_per_minute=60)),
    ({"LATTICEWORK_CONCURRENT_REQUESTS": "4"}, Settings(concurrent_requests=4)),
    ({"LATTICEWORK_READ_TIMEOUT": "0.5"}, Settings(read_timeout=0.5)),
    ({"LATTICEWORK_NO_AUTH": "1"}, Settings(no_auth=True)),
    ({"LATTICEWORK_NO_AUTH": "Off"}, Settings()),
    ({"LATTICEWORK_SCHEMA_IN_PROMPT": "never"}, Settings(schema_in_prompt="never")),
    ({"LATTICEWORK_TOOL_FORMAT": "hermes"}, Settings(tool_format="hermes")),
    ({"LATTICEWORK_MAX_BODY_BYTES": "1024"}, Settings(max_body_bytes=1024)),
    ({"LATTICEWORK_COMPILE_TIMEOUT": "2.5"}, Settings(compile_timeout=2.5)),
    ({"LATTICEWORK_DRAIN_TIMEOUT": "0"}, Settings(drain_timeout=0)),
    ({"LATTICEWORK_PLAYGROUND": "off"}, Settings(playground="off")),
    ({"HOST": "0.0.0.0", "PORT": "80"}, Settings()),
]


@pytest.mark.parametrize(("environ", "settings"), READ)
def test_the_environment_is_read(environ: dict[str, str], settings: Settings) -> None:
    assert Settings(**environment_settings(environ)) == settings


UNREADABLE = [
    ("PORT", "http"),
    ("PORT", "65536"),
    ("PORT", "-1"),
    ("ROOT_PATH", "ai"),
    ("ALLOWED_ORIGINS", "example.com"),
    ("ALLOWED_ORIGINS", "https://example.com/"),
    ("ALLOWED_ORIGINS", "[1]"),
    ("ROOT_PATH", "//ai"),
    ("ROOT_PATH", "/a i"),
    ("ROOT_PATH", "/ä"),
    ("NO_AUTH", "perhaps"),
    ("SCHEMA_IN_PROMPT", "sometimes"),
    ("MAX_BODY_BYTES", "0"),
    ("COMPILE_TIMEOUT", "nan"),
    ("COMPILE_TIMEOUT", "0"),
    ("DRAIN_TIMEOUT", "1.5"),
    ("REQUESTS_PER_MINUTE", "0"),
    ("CONCURRENT_REQUESTS", "many"),
    ("READ_TIMEOUT", "0"),
]


@pytest.mark.parametrize(("name", "text"), UNREADABLE)
def test_what_cannot_be_read_is_named(name: str, text: str) -> None:
    with pytest.raises(InvalidSetting, match=f"LATTICEWORK_{name}: must be .*, not '{re.escape(text)}'$"):
        environment_settings({f"LATTICEWORK_{name}": text})


def test_no_key_is_shown() -> None:
    assert "sk-secret" not in repr(Settings(api_keys=("sk-secret",)))


KEYS = [
    ("one", ("one",)),
    ("one\ntwo\n", ("one", "two")),
    ("# of the team\n one , two\n\n  # another\nthree\r\n", ("one", "two", "three")),
    ("sk-a#b", ("sk-a#b",)),
    (" ,\n,", ()),
]


@pytest.mark.parametrize(("text", "expected"), KEYS)
def test_keys(text: str, expected: tuple[str, ...]) -> None:
    assert api_keys(text) == expected


def test_what_anybody_may_know_tells_nothing_of_keys_and_the_machine() -> None:
    reported = public_settings(
        Settings(
            api_keys=("sk-secret",), engine_api_key="sk-secret", api_key_file="/etc/keys", host="10.0.0.1", max_tools=7
        )
    )
    secret = {"api_keys", "api_key_file", "engine", "engine_api_key", "host", "port", "chat_template", "store"}
    assert set(reported) == {field.name for field in fields(Settings)} - secret
    assert reported["max_tools"] == 7


def test_front_ends_divide_memory_and_processes() -> None:
    mine = Settings(api_servers=4).of_process
    assert (mine.max_bodies_bytes, mine.compile_cache_bytes, mine.compile_workers) == (128 * 2**20, 16 * 2**20, 2)
    assert mine.max_queue == Settings().max_queue  # the owner counts


def test_a_front_end_takes_any_body_and_has_no_more_processes_than_the_server() -> None:
    assert Settings(api_servers=64, max_bodies_bytes=2**23).of_process.max_bodies_bytes == 2**23
    assert Settings(api_servers=2, compile_workers=1).of_process.compile_workers == 1
    assert Settings(api_servers=2, compile_workers=9).of_process.compile_workers == 5
    alone = Settings()
    assert alone.of_process is alone


def test_an_app_of_another_is_one_process() -> None:
    with pytest.raises(InvalidSetting, match=r"^api_servers: create_app serves in one process, not in 2\."):
        create_app(settings=Settings(api_servers=2))

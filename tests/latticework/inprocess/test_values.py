"""`complete`, `stream` and `blocking`: values of Python types, through a real app over a scripted engine."""

from __future__ import annotations

import asyncio
import pkgutil
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Annotated, Any, Literal, assert_type

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator
from starlette.applications import Starlette

import latticework
from latticework import Part, Quote, Settings, Truncated, answer, blocking, complete, create_app, stream
from latticework.engines.base import EngineDead, EngineFailed, Piece, Sampling
from latticework.errors import (
    ApiError,
    BadRequest,
    BrokenGuarantee,
    RateLimited,
    ServerFault,
    Unauthorized,
    Unavailable,
    UnknownModel,
)
from latticework.inprocess.checks import pointer_to
from tests.latticework.inprocess.test_output import Checked, Color, Invoice, Point
from tests.scripted import Script, ScriptedEngine, says

INVOICE = '{"number": "7", "items": [], "paid": true}'


def saying(*texts: str, finish: str = "stop") -> Starlette:
    return create_app(ScriptedEngine(says(*texts, finish=finish)))


def failing(error: Exception, *texts: str) -> Starlette:
    """Says the texts, and then fails."""

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        for text in texts:
            yield Piece(text, (0,))
        raise error

    return create_app(ScriptedEngine(script))


class Letter(BaseModel):
    sender: Annotated[str, Quote]
    title: Annotated[str | None, Quote]
    names: list[Annotated[str, Quote]]


def test_quotes_come_with_their_places() -> None:
    text = "Dear Ada, Grace says hello. Ada"
    app = saying('{"sender": "Grace", "title": null, "names": ["Ada", ""]}')
    part = asyncio.run(answer(app, text, output=Letter))
    assert_type(part, Part[Letter])
    assert part.value == Letter(sender="Grace", title=None, names=["Ada", ""])
    assert part.grounding == {
        "/sender": {"source": "messages[0].content", "start": 10, "end": 15, "count": 1},
        "/names/0": {"source": "messages[0].content", "start": 5, "end": 8, "count": 2},
    }
    with pytest.raises(BrokenGuarantee, match="x-source"):
        asyncio.run(complete(app, "Nobody says hello.", output=Letter))


def test_a_value_of_a_type() -> None:
    async def once() -> None:
        invoice = await complete(saying(INVOICE), "What do I owe?", output=Invoice)
        assert_type(invoice, Invoice)
        assert invoice == Invoice(number="7", items=[], paid=True)
        points = await complete(saying('[{"x": 1, "y": 2}]'), "Where?", output=list[Point])
        assert_type(points, list[Point])
        assert points == [Point(1, 2)]
        color = await complete(saying('"red"'), "Which?", output=Color)
        assert_type(color, Color)
        assert color is Color.RED
        number = await complete(saying("42"), "How many?", output=int)
        assert_type(number, int)
        assert number == 42
        text = await complete(saying("Hel", "lo"), "Say hello.")
        assert_type(text, str)
        assert text == "Hello"
        choice: Literal["a", "b"] = await complete(saying('"b"'), "Which?", output=Literal["a", "b"])
        assert choice == "b"

    asyncio.run(once())


def test_the_request_is_the_apps_own() -> None:
    engine = ScriptedEngine(says("6"))
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Throw a die."}]
    assert asyncio.run(complete(create_app(engine), asked, output=int, temperature=0.5, max_tokens=7)) == 6
    (sampling,) = engine.asked
    assert (sampling.temperature, sampling.max_tokens) == (0.5, 7)
    assert sampling.grammar is not None
    assert "Be brief." in engine.prompts[0]


def test_a_model_by_name() -> None:
    app = create_app(ScriptedEngine(says("one"), ("m1",)), ScriptedEngine(says("two"), ("m2",)))
    assert asyncio.run(complete(app, "hi")) == "one"
    assert asyncio.run(complete(app, "hi", model="m2")) == "two"
    with pytest.raises(UnknownModel, match="m3"):
        asyncio.run(complete(app, "hi", model="m3"))


def test_a_key_is_needed_where_there_are_keys() -> None:
    app = create_app(ScriptedEngine(says("hello")), settings=Settings(api_keys=("k",)))
    assert asyncio.run(complete(app, "hi", api_key="k")) == "hello"
    with pytest.raises(Unauthorized) as refused:
        asyncio.run(complete(app, "hi"))
    assert refused.value.code == "invalid_api_key"


def test_an_answer_that_is_cut_is_none() -> None:
    with pytest.raises(Truncated) as cut:
        asyncio.run(complete(saying('{"number": "', finish="length"), "hi", output=Invoice, max_tokens=4))
    assert cut.value.text == '{"number": "'
    assert cut.value.param == "max_tokens"


def in_turn(*texts: str, **settings: Any) -> tuple[Starlette, ScriptedEngine]:
    """Says one text after the other."""
    left = list(texts)

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        yield Piece(left.pop(0), (0,))
        yield Piece("", (0,), finish="stop")

    engine = ScriptedEngine(script)
    return create_app(engine, settings=Settings(**settings)), engine


def test_an_answer_that_a_validator_refuses_is_generated_again() -> None:
    app, engine = in_turn('{"age": 3}', '{"age": 4}')
    assert asyncio.run(complete(app, "hi", output=Checked)) == Checked(age=4)
    first, second = engine.prompts
    assert second.startswith(first + '{"age": 3}')
    assert "- /age (value_error): Value error, odd\n" in second


def test_the_last_refusal_is_raised() -> None:
    app, engine = in_turn('{"age": 3}', '{"age": 5}', attempts=2)
    with pytest.raises(ValidationError, match="odd") as refused:
        asyncio.run(complete(app, "hi", output=Checked))
    assert [error["input"] for error in refused.value.errors()] == [5]
    assert len(engine.prompts) == 2


def test_resampled_answers_are_checked_too() -> None:
    app, engine = in_turn('{"age": 3}', '{"age": 4}')
    assert asyncio.run(complete(app, "hi", output=Checked, retries="resample")) == Checked(age=4)
    assert engine.prompts[0] == engine.prompts[1]


def short(text: str) -> None:
    if len(text) > 4:
        raise ValueError("more than 4 letters")


def test_a_function_validates_text() -> None:
    app, engine = in_turn("a long answer", "brief"[:4])
    assert asyncio.run(complete(app, "hi", validate=short)) == "brie"
    assert "- the whole (validate): more than 4 letters\n" in engine.prompts[1]
    app, _ = in_turn("a long answer", attempts=1)
    with pytest.raises(ValueError, match="more than 4 letters"):
        asyncio.run(complete(app, "hi", validate=short))


def test_a_validator_that_fails_is_no_refusal() -> None:
    def fails(number: int) -> None:
        raise LookupError(number)

    app, engine = in_turn("7", "8")
    with pytest.raises(LookupError, match="7"):
        asyncio.run(complete(app, "hi", output=int, validate=fails))
    assert len(engine.prompts) == 1


class Tagged(BaseModel):
    """`tags` may break a keyword that the server checks, and `age` what only this class knows."""

    tags: Annotated[list[str], Field(json_schema_extra={"uniqueItems": True})]
    age: int

    _even = field_validator("age")(lambda age: age if age % 2 == 0 else _refuse_odd(age))


def _refuse_odd(age: int) -> int:
    raise ValueError(f"{age} is odd")


def test_both_kinds_of_violations_are_shown() -> None:
    app, engine = in_turn('{"tags": ["a", "a"], "age": 3}', '{"tags": ["a"], "age": 4}')
    assert asyncio.run(complete(app, "hi", output=Tagged)).age == 4
    assert "- /tags (uniqueItems): " in engine.prompts[1]
    assert "- /age (value_error): Value error, 3 is odd\n" in engine.prompts[1]


LOCATIONS: list[tuple[tuple[int | str, ...], Any, str]] = [
    ((), {"a": 1}, ""),
    (("a", 0, "b/c"), {"a": [{"b/c": 1}]}, "/a/0/b~1c"),
    (("Item", "price"), {"price": 1}, "/price"),
    (("items", 1, "function-after[check(), int]"), {"items": [1, 2]}, "/items/1"),
    (("items", 7), {"items": [1]}, "/items"),
]


@pytest.mark.parametrize(("location", "value", "pointer"), LOCATIONS)
def test_a_location_becomes_a_pointer(location: tuple[int | str, ...], value: Any, pointer: str) -> None:
    assert pointer_to(location, value) == pointer


REFUSED: dict[str, tuple[Starlette, dict[str, Any], type[ApiError], str | None]] = {
    "a bad field": (saying("x"), {"temperature": 7}, BadRequest, "temperature"),
    "a failing engine": (failing(EngineFailed("broken")), {}, ServerFault, None),
    "a dead engine": (failing(EngineDead("gone")), {}, Unavailable, None),
}


@pytest.mark.parametrize("ask", ["complete", "stream"])
@pytest.mark.parametrize(("app", "fields", "kind", "param"), REFUSED.values(), ids=REFUSED)
def test_errors_are_the_apis_own(
    app: Starlette, fields: dict[str, Any], kind: type[ApiError], param: str | None, ask: str
) -> None:
    async def once() -> None:
        if ask == "complete":
            await complete(app, "hi", **fields)
        else:
            async for _ in stream(app, "hi", **fields):
                pass

    with pytest.raises(kind) as refused:
        asyncio.run(once())
    assert type(refused.value) is kind
    assert refused.value.param == param
    assert refused.value.message


def test_what_a_limit_says_is_kept() -> None:
    app = create_app(ScriptedEngine(says("hello")), settings=Settings(api_keys=("k",), requests_per_minute=1))
    assert asyncio.run(complete(app, "hi", model="scripted", api_key="k")) == "hello"
    with pytest.raises(RateLimited) as refused:
        asyncio.run(complete(app, "hi", model="scripted", api_key="k"))
    assert int(refused.value.headers["retry-after"]) > 0


WRONG = [
    ({"temprature": 1}, "Did you mean 'temperature'"),
    ({"colour": 1}, "unknown field"),
    ({"n": 2}, "can.t be set here"),
    ({"tools": []}, "can.t be set here"),
    ({"stream": True}, "use latticework.stream"),
    ({"response_format": {"type": "json_object"}}, "can.t be set here"),
    ({"format": "json"}, "can.t be set here"),
    ({"return_token_ids": True}, "can.t be set here"),
]


def test_fields_without_effect_are_accepted() -> None:
    assert asyncio.run(complete(saying("x"), "hi", user="u", metadata={"a": "b"})) == "x"


@pytest.mark.parametrize(("fields", "message"), WRONG)
def test_a_field_that_there_is_not(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        asyncio.run(complete(saying("x"), "hi", **fields))


def test_a_stream_tells_the_text_and_then_the_value() -> None:
    async def once() -> list[Part[Invoice]]:
        return [part async for part in stream(saying(INVOICE[:9], INVOICE[9:]), "hi", output=Invoice)]

    *parts, last = asyncio.run(once())
    assert_type(last, Part[Invoice])
    assert "".join(part.delta for part in parts) == INVOICE == last.text
    assert [part.text for part in parts] == [INVOICE[:9], INVOICE]
    assert all(part.value is None for part in parts)
    assert last.value == Invoice(number="7", items=[], paid=True)


def test_a_stream_that_is_cut_or_breaks_says_so_at_its_end() -> None:
    async def told(app: Starlette) -> tuple[str, ApiError]:
        text = ""
        with pytest.raises(ApiError) as raised:
            async for part in stream(app, "hi"):
                text = part.text
        return text, raised.value

    text, error = asyncio.run(told(saying("Hello, ", "wor", finish="length")))
    assert isinstance(error, Truncated)
    assert text == error.text == "Hello, wor"
    text, error = asyncio.run(told(failing(EngineDead("gone"), "Hello, ", "wor")))
    assert type(error) is Unavailable
    assert text == "Hello, wor"


def endless(closed: Callable[[], None]) -> Script:
    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        try:
            while True:
                yield Piece("on and on, ", (0,))
                await asyncio.sleep(0)
        finally:
            closed()

    return script


def test_a_stream_that_is_left_ends_the_work() -> None:
    ended = threading.Event()
    engine = ScriptedEngine(endless(ended.set))

    async def once() -> str:
        async with aclosing(stream(create_app(engine), "hi")) as parts:
            async for part in parts:
                if len(part.text) > 30:
                    return part.text
        return ""

    assert asyncio.run(once()).startswith("on and on, on and on, on")
    assert ended.is_set()
    assert engine.open == 0


def test_without_an_event_loop() -> None:
    engine = ScriptedEngine(says(INVOICE[:9], INVOICE[9:]))
    with blocking(create_app(engine)) as llm:
        assert engine.starts == 1
        invoice = llm.complete("hi", output=Invoice)
        assert_type(invoice, Invoice)
        assert invoice.paid
        *_, last = llm.stream("hi", output=Invoice)
        assert_type(last, Part[Invoice])
        assert last.value == invoice
        with pytest.raises(BadRequest, match="temperature"):
            llm.complete("hi", temperature=9)
    assert engine.starts == 0


def test_a_blocking_stream_that_is_left_ends_the_work() -> None:
    ended = threading.Event()
    with blocking(create_app(ScriptedEngine(endless(ended.set)))) as llm:
        for part in llm.stream("hi"):
            if len(part.text) > 30:
                break
        assert ended.wait(60)


def test_an_engine_that_does_not_start_is_told_and_nothing_is_left() -> None:
    engine = ScriptedEngine(says("x"))

    async def start() -> None:
        raise EngineDead("no model")

    engine.start = start  # type: ignore[method-assign]
    with pytest.raises(EngineDead, match="no model"), blocking(create_app(engine)):
        pass
    assert "latticework" not in {thread.name for thread in threading.enumerate()}


def test_no_name_of_the_package_is_a_module_of_it() -> None:
    """Whoever imported the module first would find it in the name's place."""
    modules = {module.name for module in pkgutil.iter_modules(latticework.__path__)}
    assert not modules & set(latticework.__all__)
    assert all(hasattr(latticework, name) for name in latticework.__all__)

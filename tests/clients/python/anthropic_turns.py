"""The anthropic package: what agents send with it, errors, thinking, counted tokens; a part of with_anthropic.py."""

import base64

import shared
from anthropic import AuthenticationError, BadRequestError, NotFoundError
from anthropic_asking import ASK, MODEL, ONCE, QUESTION, REPORT, TOOLS, Ticket, client, raised, read, schema, text
from shared import FLOOD, REMOVE


def error():
    told = raised(NotFoundError, lambda: client.messages.create(**{**ASK, "model": "no-such-model"}, messages=REPORT))
    assert told["type"] == "not_found_error"
    assert "no-such-model" in told["message"]


def error_bad_schema():
    """It is told before the stream begins."""
    bad = {"format": {"type": "json_schema", "schema": {"type": "banana"}}}
    asked = {**ASK, "messages": REPORT, "output_config": bad, "stream": True}
    told = raised(BadRequestError, lambda: client.messages.create(**asked))
    assert told["type"] == "invalid_request_error"
    assert told["details"]["param"] == "output_config.format.schema.type"
    assert "banana" in told["message"]


def error_key():
    stranger = client.with_options(api_key="a-stranger")
    told = raised(AuthenticationError, lambda: stranger.messages.create(**ASK, messages=REPORT))
    assert told["type"] == "authentication_error"


def error_too_long():
    flooded = [{"role": "user", "content": FLOOD}]
    shared.too_long(raised(BadRequestError, lambda: client.messages.create(**ASK, messages=flooded))["message"])


def error_image():
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(b"an image").decode()}
    for kind, block in (
        ("image", {"type": "image", "source": source}),
        ("document", {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "A text."}}),
    ):
        sent = [{"role": "user", "content": [block, {"type": "text", "text": "What is it?"}]}]
        told = raised(BadRequestError, lambda sent=sent: client.messages.create(**ASK, messages=sent))
        assert told["type"] == "invalid_request_error"
        assert kind in told["message"]


def error_lone_result():
    result = {"type": "tool_result", "tool_use_id": "toolu_gone", "content": "Done."}
    sent = [*QUESTION, {"role": "user", "content": [result]}]
    told = raised(BadRequestError, lambda: client.messages.create(**ASK, messages=sent, tools=TOOLS))
    assert "toolu_gone" in told["message"]


def error_thread():
    """The server holds no conversations: the package recognizes it by `error_code`, and sends all of them."""
    asked = {**ASK, "extra_body": {"thread": {"type": "create"}}}
    told = raised(BadRequestError, lambda: client.messages.create(**asked, messages=QUESTION))
    assert told["details"]["error_code"] == "thread_unsupported_request"


SHORT = {**ASK, "max_tokens": 8}


def histories():
    shared.histories(lambda messages: text(client.messages.create(**SHORT, **shared.turns(messages))))


CACHED = {"type": "ephemeral", "ttl": "1h"}


def cached(block):
    return {**block, "cache_control": CACHED}


def histories_cached():
    """What has no effect changes nothing: marks of a cache on every block, metadata, a tier, betas."""
    result = {"type": "tool_result", "tool_use_id": "toolu_1"}
    call = {"type": "tool_use", "id": "toolu_1", "name": "opening_hours", "input": {"shop": "bakery", "day": "Monday"}}

    def ask(mark, **options):
        told = [mark({"type": "text", "text": "At 7:30."})]
        return client.messages.create(
            **SHORT,
            system=[mark({"type": "text", "text": "You help."}), mark({"type": "text", "text": "Be brief."})],
            messages=[
                {"role": "user", "content": [mark({"type": "text", "text": "When does the bakery open on Monday?"})]},
                {"role": "assistant", "content": [mark(call)]},
                {
                    "role": "user",
                    "content": [mark({**result, "content": told})],
                },
            ],
            tools=[mark(tool) for tool in TOOLS],
            **options,
        )

    plain = ask(dict)
    marked = ask(
        cached,
        metadata={"user_id": "7"},
        service_tier="auto",
        extra_headers={"anthropic-beta": "prompt-caching-2024-07-31,a-beta-of-tomorrow"},
    )
    assert text(marked) == text(plain)
    assert read(marked) == read(plain)


def histories_system():
    """Instructions amid a conversation, as agents send them, are read where they stand."""
    before = [*QUESTION, {"role": "assistant", "content": "At 7:30."}]

    def ask(instruction):
        turns = [*before, {"role": "user", "content": "And on Sunday?"}, {"role": "system", "content": instruction}]
        return client.messages.create(**SHORT, messages=turns)

    plain = client.messages.create(**SHORT, messages=[*before, {"role": "user", "content": "And on Sunday?"}])
    assert read(ask("Answer in French.")) > read(plain)
    assert text(ask([{"type": "text", "text": "Answer in French."}])) == text(ask("Answer in French."))


def histories_results():
    """Two calls, and their results in one turn, before a text: as text, as blocks, empty, of an error."""
    made = [
        {"type": "tool_use", "id": f"toolu_{number}", "name": "opening_hours", "input": {"shop": shop, "day": "Monday"}}
        for number, shop in enumerate(["bakery", "library", "bakery"])
    ]
    results = [{"type": "tool_result", "tool_use_id": call["id"]} for call in made]
    results[0] |= {"content": [{"type": "text", "text": "At 7:30."}, {"type": "text", "text": "Or later."}]}
    results[1] |= {"content": "There is no library.", "is_error": True}
    asked = [*QUESTION, {"role": "assistant", "content": made}]
    tools = {"tools": TOOLS, "tool_choice": {"type": "none"}}
    turn = {"role": "user", "content": [*results, {"type": "text", "text": "Tell me."}]}
    assert text(client.messages.create(**SHORT, **tools, messages=[*asked, turn]))
    turn = {"role": "user", "content": results[:2]}
    try:
        client.messages.create(**SHORT, **tools, messages=[*asked, turn, {"role": "user", "content": "Tell me."}])
    except BadRequestError as error:
        assert "toolu_2" in str(error)  # a call has no result


def histories_prefill():
    """An answer that has begun is continued, under the schema too."""
    begun = {"role": "assistant", "content": '{"title": "Fire",'}
    answer = client.messages.create(**ASK, messages=[*REPORT, begun], output_config={"format": schema(Ticket)})
    assert Ticket.model_validate_json(begun["content"] + text(answer)).title == "Fire"


def histories_thinking():
    """Thoughts go back as they came, signed, and redacted ones: of whichever model."""
    thoughts = [
        {"type": "thinking", "thinking": "Bakeries open early.", "signature": "EqQBCgIYAhIM"},
        {"type": "redacted_thinking", "data": "EmwKAhgBEgy3"},
    ]
    answered = {"role": "assistant", "content": [*thoughts, {"type": "text", "text": "At 7:30."}]}
    assert text(client.messages.create(**SHORT, messages=[*QUESTION, answered, *QUESTION]))


def thinking_taken():
    """Each of its kinds, by a model that can think or can't; what comes goes back."""
    for number, config in enumerate(
        (
            {"type": "enabled", "budget_tokens": 1024},
            {"type": "adaptive"},
            {"type": "adaptive", "display": "omitted"},
            {"type": "disabled"},
        )
    ):
        asked = {**ASK, "max_tokens": 1030 if number == 0 else 30, "thinking": config}
        first = client.messages.create(**asked, messages=QUESTION, output_config={"effort": "low"})
        assert first.content
        assert {block.type for block in first.content} <= {"thinking", "text"}
        turns = [*QUESTION, {"role": "assistant", "content": first.content}, {"role": "user", "content": "Thank you."}]
        assert client.messages.create(**{**asked, "messages": turns}).content


def thinking_budget():
    for budget, limit in ((1024, 1024), (100, 2000)):
        config = {"type": "enabled", "budget_tokens": budget}
        asked = {**ASK, "max_tokens": limit, "thinking": config, "messages": QUESTION}
        told = raised(BadRequestError, lambda asked=asked: client.messages.create(**asked))
        assert "budget_tokens" in told["message"]


def counting():
    """A count is what the same request then uses."""
    form = {"format": schema(Ticket)}
    for request in (
        {"messages": QUESTION},
        {"messages": QUESTION, "system": [{"type": "text", "text": "You help."}]},
        {"messages": QUESTION, "tools": [*TOOLS, shared.own(REMOVE)]},
        {"messages": QUESTION, "tools": TOOLS, "tool_choice": ONCE},
        {"messages": QUESTION, "output_config": form},
        *(shared.turns(messages) for messages in shared.HISTORIES.values()),
    ):
        counted = client.messages.count_tokens(model=MODEL, **request).input_tokens
        assert counted == read(client.messages.create(**{**ASK, "max_tokens": 60}, **request)) > 0

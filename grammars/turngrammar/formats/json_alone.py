"""JSON without markup around it: calls stand alone, and differ from text by their beginning."""

from __future__ import annotations

from turngrammar.formats.format import Format, Frame
from turngrammar.wire import ARGUMENTS, NAME, Ahead, Invocation, Lit, Many, Space, Stray, json_text

_QUOTED_NAME = '"' + NAME + '"'

LLAMA3 = Format(
    "llama3",
    calls=Many(
        Invocation(
            Stray(Lit("<|python_tag|>")) + json_text('{"name": ') + _QUOTED_NAME + json_text(', "parameters": '),
            ARGUMENTS + json_text("}"),
        ),
        separator=Space() + ";" + Space(" "),
    ),
    alone=True,
)
"""Llama 3.1, 3.2 and 3.3, and Llama 4 where the prompt requests JSON.

Source: the chat template of meta-llama/Llama-3.1-8B-Instruct. A call starts only once the second key
is read: until then it could be a document.

    {"name": "get_weather", "parameters": {"city": "Oslo"}}
"""

XLAM = Format(
    "xlam",
    calls=json_text("[")
    + Many(
        Invocation(json_text('{"name": ') + _QUOTED_NAME + json_text(', "arguments": '), ARGUMENTS + json_text("}")),
        json_text(", "),
    )
    + json_text("]"),
    alone=True,
)
"""xLAM 2. Its calls stand alone, so a call starts only once its second key is read: before, it could be a document.

Source: vLLM's tool_chat_template_xlam_qwen.jinja.

    [{"name": "get_weather", "arguments": {"city": "Oslo"}}]
"""

FUNCTIONARY_V32 = Format(
    "functionary_v32",
    calls=Many(Invocation(NAME + "\n", ARGUMENTS), separator=Lit(">>>")),
    alone=True,
    answer=Frame("all\n", ""),
)
"""Functionary 3.2: each part names its recipient, and the first `>>>` is in the prompt.

Source: the chat template of meetkai/functionary-medium-v3.2.

    get_weather
    {"city": "Oslo"}

or, for text, `all` and a line break before it.
"""

GLM4 = Format(
    "glm4", calls=Many(Invocation(NAME + "\n" + Ahead("{"), ARGUMENTS), separator=Space(), most=1), alone=True
)
"""GLM-4, before 4.5; one call a turn.

Source: the chat template of zai-org/glm-4-9b-chat, and the calls in training data for the model.

    get_weather
    {"city": "Oslo"}
"""

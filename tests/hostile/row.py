"""One hostile request, and how it has to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CHAT, COMPLETIONS, GRAMMARS = "/v1/chat/completions", "/v1/completions", "/v1/grammars"
TOKENIZE, DETOKENIZE = "/tokenize", "/detokenize"
MESSAGES = "/v1/messages"

# Half a character, which no text may end with.
HALF = '"\\ud800"'
USER = '[{"role": "user", "content": "hi"}]'
# A plain request of each path: JSON texts by field. MODEL is replaced by the name of the model that is attacked.
MODEL = "MODEL"
PLAIN: Mapping[str, Mapping[str, str]] = {
    CHAT: {"model": f'"{MODEL}"', "messages": USER, "max_tokens": "3"},
    COMPLETIONS: {"model": f'"{MODEL}"', "prompt": '"hi"', "max_tokens": "3"},
    MESSAGES: {"model": f'"{MODEL}"', "messages": USER, "max_tokens": "3"},
    GRAMMARS: {"model": f'"{MODEL}"'},
    TOKENIZE: {"model": f'"{MODEL}"', "prompt": '"hi"'},
    DETOKENIZE: {"model": f'"{MODEL}"', "tokens": "[1]"},
}


@dataclass(frozen=True)
class Row:
    """Fields of a request as JSON texts, beside those of PLAIN, or instead of them.

    Attributes:
        fields: a field of the text "" is left out.
        status: what it is answered with.
        param: what the parameter in the error begins with; None: whatever it is, for what is no JSON has no parameters.
        real: whether it is worth the real engine's time: what an engine sees of the request is hostile.
        name: what it is, where its fields don't tell.
    """

    fields: Mapping[str, str]
    status: int
    param: str | None = None
    path: str = CHAT
    real: bool = False
    name: str = ""

    @property
    def label(self) -> str:
        told = self.name or " ".join(f"{name}={text[:40]}" for name, text in self.fields.items())
        return f"{self.path} {told}"[:100]

    def body(self, model: str) -> bytes:
        fields = {**PLAIN[self.path], **self.fields}
        members = (f'"{name}": {text}' for name, text in fields.items() if text)
        return ("{" + ", ".join(members) + "}").replace(MODEL, model, 1).encode()

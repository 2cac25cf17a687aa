"""A client's Lark grammar -> the grammar of the same texts inside a JSON string.

What needs no escapes stays unchanged. The rest is escaped, and terminals with such characters become rules (see
json_string_regex.py). What is ignored could then stand within a terminal: instead, a rule before each terminal has it.
What could leave the string, or would have another meaning in it, is refused by name: special tokens, negation, nested
grammars, attributes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from turngrammar.client.json_string_regex import character_lexeme, regex_in_json_string, text_in_json_string
from turngrammar.errors import InvalidGrammar, shown
from turngrammar.terminals.expressions import escaped

_STRING = r'"(?:\\.|[^"\\\n])*"'
_TOKEN = re.compile(
    rf"""(?P<comment>//[^\n]*|\#[^\n]*)
      | (?P<range>{_STRING}\s*\.\.\s*{_STRING})
      | (?P<string>{_STRING}i?)
      | (?P<regex>/(?:\\.|[^/\\])+/[a-z]*)
      | (?P<import>%import[ \t]+common[ \t]*(?:\.[ \t]*\w+(?:[ \t]*->[ \t]*\w+)?|\([\w\s,]*\)))
      | (?P<ignore>%ignore\b[^\n]*)
      | (?P<refused>\]\s*:|::)
      | (?P<modifier>[?!]+(?=[ \t]*\w+\s*:))
      | (?P<name>[A-Za-z_]\w*)
      | (?P<copied>\s+|\d+|->|~\s*\d+|[:|?*+!&(){{}}\[\],-])
      | (?P<unknown>%\w+|<[^>\n]*>|.)""",
    re.VERBOSE | re.DOTALL,
)
_NAME = re.compile(r"\w+")

_EXPONENT = "[eE][+-]?[0-9]+"
_DECIMAL = r"(?:[0-9]+\.[0-9]*|\.[0-9]+)"
_FLOAT = f"(?:[0-9]+{_EXPONENT}|{_DECIMAL}(?:{_EXPONENT})?)"
# The terminals of Lark's own grammars/common.lark.
COMMON: Mapping[str, str] = {
    "DIGIT": "[0-9]",
    "HEXDIGIT": "[a-fA-F0-9]",
    "INT": "[0-9]+",
    "SIGNED_INT": "[+-]?[0-9]+",
    "DECIMAL": _DECIMAL,
    "_EXP": _EXPONENT,
    "FLOAT": _FLOAT,
    "SIGNED_FLOAT": f"[+-]?{_FLOAT}",
    "NUMBER": f"(?:{_FLOAT}|[0-9]+)",
    "SIGNED_NUMBER": f"[+-]?(?:{_FLOAT}|[0-9]+)",
    "ESCAPED_STRING": r'"(?:[^"\\]|\\.)*"',
    "LCASE_LETTER": "[a-z]",
    "UCASE_LETTER": "[A-Z]",
    "LETTER": "[A-Za-z]",
    "WORD": "[A-Za-z]+",
    "CNAME": "[_A-Za-z][_A-Za-z0-9]*",
    "WS_INLINE": r"[ \t]+",
    "WS": r"[ \t\f\r\n]+",
    "CR": r"\r",
    "LF": r"\n",
    "NEWLINE": r"(?:\r?\n)+",
    "SH_COMMENT": r"#[^\n]*",
    "CPP_COMMENT": r"\/\/[^\n]*",
    "C_COMMENT": r"\/\*(?:[^*]|\*+[^*\/])*\*+\/",
    "SQL_COMMENT": r"--[^\n]*",
}


@dataclass(frozen=True)
class _LarkToken:
    """`text` is the Lark inside the string, `source` the client's; `open`: whether it needs a rule."""

    kind: str
    text: str
    source: str
    open: bool = False


def grammar_in_json_string(lark: str) -> str:
    """`lark` must compile in llguidance. Raises InvalidGrammar for what is refused."""
    tokens = list(_tokens(lark))
    bodies = _rule_bodies(tokens)
    prefix = _unused_prefix({token.text for token in tokens if token.kind == "name"})
    names = _rule_names(bodies, prefix)
    for name in names:
        if any(token.text == "&" for token in bodies[name]):
            problem = f"{name} is an intersection with quotes, backslashes or controls, which is not supported."
            raise InvalidGrammar(f"{problem} Write it without &.")
    if any(token.open for body in bodies.values() for token in body):
        tokens = _with_skips(tokens, bodies, names, f"{prefix}skip")
    return "".join(_rewritten(tokens, bodies, names))


def refers_to_tokens(lark: str) -> bool:
    """Whether a Lark grammar, which must compile, has tokens of the model in it, such as `<|end|>` and `<[17]>`."""
    return any(match["unknown"] and match[0].startswith("<") for match in _TOKEN.finditer(lark))


def _tokens(lark: str) -> Iterator[_LarkToken]:
    for match in _TOKEN.finditer(lark):
        kind = match.lastgroup or ""
        if kind == "import":
            yield from _tokens(_imported_definitions(match[0]))
        elif kind != "comment":
            yield _READERS.get(kind, _copied_token)(kind, match[0])


def _copied_token(kind: str, source: str) -> _LarkToken:
    return _LarkToken(kind, source, source)


def _refuse_token(kind: str, source: str) -> _LarkToken:
    raise InvalidGrammar(f"A custom tool's grammar can't use {shown(source)}. Leave it out.")


def _string_token(kind: str, source: str) -> _LarkToken:
    text = json.loads(source.removesuffix("i"))
    if source.endswith("i"):
        return _regex_token(kind, f"/{escaped(text)}/i")
    return _LarkToken(
        kind, f"({text_in_json_string(text)})", source, open=text_in_json_string(text) != json.dumps(text)
    )


def _range_token(kind: str, source: str) -> _LarkToken:
    first, last = (escaped(json.loads(text)) for text in re.findall(_STRING, source))
    return _regex_token(kind, f"/[{first}-{last}]/")


def _regex_token(kind: str, source: str) -> _LarkToken:
    pattern, _, flags = source[1:].rpartition("/")
    expression = regex_in_json_string(pattern, flags)
    return _LarkToken("regex", expression or source, source, open=expression is not None)


def _imported_definitions(source: str) -> str:
    """The imported terminals themselves: those of the library can't be escaped."""
    _, _, *names = _NAME.findall(source)
    aliases = names[1:] if "->" in source else names
    return "\n".join(f"{alias}: /{COMMON[name]}/" for name, alias in zip(names, aliases, strict=False))


def _rule_bodies(tokens: Sequence[_LarkToken]) -> dict[str, list[_LarkToken]]:
    """The tokens of the body of each definition."""
    relevant = [token for token in tokens if token.text.strip() and token.kind != "modifier"]
    bodies: dict[str, list[_LarkToken]] = {}
    body: list[_LarkToken] = []
    for token, following in zip(relevant, [*relevant[1:], None], strict=True):
        if token.kind == "name" and following and following.text == ":":
            body = bodies.setdefault(token.text, [])
        elif token.kind == "ignore":
            body = []
        elif token.text != ":":
            body.append(token)
    return bodies


def _unused_prefix(taken: set[str]) -> str:
    prefix = "opened_"
    while any(name.startswith(prefix) for name in taken):
        prefix += "_"
    return prefix


def _rule_names(bodies: Mapping[str, Sequence[_LarkToken]], prefix: str) -> dict[str, str]:
    """The terminals that have to become rules, with the names of the rules."""
    names: dict[str, str] = {}
    while terminals := [
        name
        for name, body in bodies.items()
        if name.isupper() and name not in names and any(token.open or token.text in names for token in body)
    ]:
        names |= {name: f"{prefix}{len(names) + index}" for index, name in enumerate(terminals)}
    return names


def _with_skips(
    tokens: Sequence[_LarkToken],
    bodies: Mapping[str, Sequence[_LarkToken]],
    names: Mapping[str, str],
    skip: str,
) -> list[_LarkToken]:
    """The tokens with a rule `skip` before each terminal, instead of what is ignored."""
    ignored = [_without_comments(token.source.removeprefix("%ignore")) for token in tokens if token.kind == "ignore"]
    if not ignored:
        return list(tokens)
    lexemes = " | ".join(_rewritten_ignore(source, bodies, names) for source in ignored)
    skipped: list[_LarkToken] = []
    in_rule, before = False, ""
    for token, following in zip(tokens, _following(tokens), strict=True):
        if token.kind == "name" and following == ":":
            in_rule = not token.text.isupper()
        elif in_rule and before != "->" and _is_terminal(token):
            token = replace(token, text=f"({skip} {names.get(token.text, token.text)})")
        if token.kind != "ignore":
            skipped.append(token)
        before = token.text.strip() or before
    return [*skipped, _LarkToken("copied", f"\n{skip}: ({lexemes})*\n", "")]


def _without_comments(lark: str) -> str:
    return "".join(token.source for token in _tokens(lark))


def _following(tokens: Sequence[_LarkToken]) -> list[str]:
    """What stands behind each token, blanks left out."""
    behind, texts = "", []
    for token in reversed(tokens):
        texts.append(behind)
        behind = token.text.strip() or behind
    return texts[::-1]


def _is_terminal(token: _LarkToken) -> bool:
    return token.kind in ("string", "regex") or (token.kind == "name" and token.text.isupper())


def _rewritten(
    tokens: Sequence[_LarkToken], bodies: Mapping[str, Sequence[_LarkToken]], names: Mapping[str, str]
) -> Iterator[str]:
    for token in tokens:
        if token.kind == "ignore":
            yield f"%ignore {_rewritten_ignore(token.source.removeprefix('%ignore'), bodies, names)}"
        else:
            yield names.get(token.text, token.text) if token.kind == "name" else token.text


def _rewritten_ignore(source: str, bodies: Mapping[str, Sequence[_LarkToken]], names: Mapping[str, str]) -> str:
    """An ignored terminal has to be one lexeme: of a run, one lexeme for each character."""
    body: Sequence[_LarkToken] = [token for token in _tokens(source) if token.text.strip()]
    if not any(token.open or token.text in names for token in body):
        return source
    if len(body) == 1:
        body = bodies.get(body[0].text, body)
    lexeme = _lexeme(body[0]) if len(body) == 1 else None
    if lexeme is None:
        message = (
            f"%ignore{source}: with quotes, backslashes or controls, it must be a character class, or a run of one."
        )
        raise InvalidGrammar(message)
    return lexeme


def _lexeme(token: _LarkToken) -> str | None:
    if token.kind == "string":
        return character_lexeme(escaped(json.loads(token.source)), "")
    pattern, _, flags = token.source[1:].rpartition("/")
    return character_lexeme(pattern, flags)


_READERS: Mapping[str, Callable[[str, str], _LarkToken]] = {
    "range": _range_token,
    "string": _string_token,
    "regex": _regex_token,
    "refused": _refuse_token,
    "unknown": _refuse_token,
}

"""The rules of one grammar as they are collected; equal rules are written once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from turngrammar import spans
from turngrammar.terminals.expressions import quoted


class RuleSet:
    """Attributes:

    rules: (attribute, body) -> name.
    definitions: name -> body of the rules that may refer to themselves.
    """

    def __init__(self, texts: spans.Texts = ()) -> None:
        """`texts`: those of the spans."""
        self._texts = texts
        self.rules: dict[tuple[str, str], str] = {}
        self.definitions: dict[str, str] = {}
        self._named: dict[Hashable, str] = {}

    def rule(self, body: str, attribute: str = "") -> str:
        """The name of the rule with this body."""
        if not attribute and body.isidentifier():
            return body
        return self.rules.setdefault((attribute, body), f"r{len(self.rules)}")

    def terminal(self, body: str) -> str:
        """The name of the terminal with this body."""
        return self.rules.setdefault(("", body), f"T{len(self.rules)}")

    def named(self, key: Hashable, body: Callable[[], str]) -> str:
        """The name of a rule that may refer to itself: `body` is called once for each `key`."""
        if key not in self._named:
            self._named[key] = f"n{len(self._named)}"
            self.definitions[self._named[key]] = body()
        return self._named[key]

    def parametric(self, body: Callable[[str], str]) -> str:
        """The name of a rule with a parameter. `body` gets the name, by which the rule refers to itself."""
        key = ("parametric", body("_"))
        if key not in self._named:
            name = self._named[key] = f"n{len(self._named)}"
            self.definitions[f"{name}::_"] = body(name)
        return self._named[key]

    def either(self, bodies: Iterable[str]) -> str:
        """The name of the rule of these alternatives, of which "" is the empty one."""
        return self.rule(" | ".join(body or quoted("") for body in dict.fromkeys(bodies)))

    def grammar(self, start: str) -> str:
        """The Lark grammar that begins with the expression `start`."""
        rules = [f"{name}{attribute}: {body}" for (attribute, body), name in self.rules.items()]
        rules += [f"{name}: {body}" for name, body in self.definitions.items()]
        grammar = "\n".join(("%llguidance {}", f"start: {start or quoted('')}", *rules, ""))
        quoted_texts = (spans.definition(name, self._texts) for name in spans.TERMINALS if name in grammar)
        return grammar + "".join(f"{text}\n" for text in quoted_texts)

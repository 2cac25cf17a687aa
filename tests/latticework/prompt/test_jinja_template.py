"""Hugging Face's conventions for chat templates, and the sandbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from latticework.prompt.jinja_template import JinjaTemplate, PromptError

RENDERED: list[tuple[str, dict[str, Any], str]] = [
    ("{{ x | tojson }}", {"x": {"é": "<b> & 'c'"}}, '{"é": "<b> & \'c\'"}'),
    ("{{ x | tojson(indent=2, separators=(',', ':')) }}", {"x": {"a": 1}}, '{\n  "a":1\n}'),
    ("{{ x | tojson(sort_keys=true, ensure_ascii=true) }}", {"x": {"b": "é", "a": 1}}, '{"a": 1, "b": "\\u00e9"}'),
    ("{{ x | map(attribute='a') | tojson }}", {"x": [{"a": 1}, {"a": 2}]}, "[1, 2]"),
    ("{% generation %}a{% set b = 1 %}{% endgeneration %}c{{ b }}", {}, "ac"),
    ("{% for a in x %}{% if a == 2 %}{% continue %}{% endif %}{{ a }}{% endfor %}", {"x": [1, 2, 3]}, "13"),
    ("  {% if true %}\n  a\n  {% endif %}\n", {}, "  a\n"),
    ("{{ strftime_now('%d %b %Y') }}, {{ datetime }}", {}, "10 Jul 2025, 2025-07-10"),
    ("{{ bos_token }}{{ unknown }}.", {}, "<s>."),
    ("{% set q = [] %}{% set _ = q.append(1) %}{{ q.pop() }}", {}, "1"),
]


@pytest.mark.parametrize(("source", "context", "text"), RENDERED)
def test_rendered(source: str, context: dict[str, Any], text: str) -> None:
    assert JinjaTemplate(source, {"bos_token": "<s>"}, lambda: datetime(2025, 7, 10)).render(context) == text


REFUSED = {
    "{{ raise_exception('no') }}": "refuses the conversation: no",
    "{{ x.append(1) if false else x.clear() }}": "unsafe",
    "{{ x.clear() }}": "unsafe",
    "{{ x.__class__.__mro__ }}": "unsafe",
    "{{ cycler.__init__.__globals__ }}": "unsafe",
    "{{ y.z }}": "undefined",
    "{{ x | tojson }}{{ y | tojson }}": "not JSON",
    "{{ x[0] + 'a' }}": "unsupported operand",
    "{{ 1 // 0 }}": "zero",
    "{{ '%d' % 'a' }}": "number is required",
    "{{ range(1000000) }}": "too big",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}": "recursion",
    "{{ x | unheard_of }}": "No filter",
    "{% include 'etc' %}": "no loader",
}


@pytest.mark.parametrize("source", REFUSED)
def test_refused(source: str) -> None:
    given = {"x": [1]}
    with pytest.raises(PromptError, match=REFUSED[source]):
        JinjaTemplate(source).render(given)
    assert given == {"x": [1]}


@pytest.mark.parametrize("source", ["{% for %}", "{{ 'a' ", "{% endif %}", "{% generation %}"])
def test_invalid(source: str) -> None:
    with pytest.raises(PromptError, match="not valid Jinja") as caught:
        JinjaTemplate(source).render({})
    assert caught.value.param == "chat_template"

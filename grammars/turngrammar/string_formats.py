"""String formats that are asserted, as regular languages. Any other is an annotation, as the specification allows.

Sources: RFC 3339 (date, time; days per month with leap years), RFC 3339 appendix A (duration), RFC 5321 (email, without
quoted names), RFC 1123 (hostname), RFC 2673 (ipv4), RFC 4291 (ipv6), RFC 4122 (uuid), RFC 3986 (uri).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from turngrammar.regex import Language, automaton, compile_pattern


@dataclass(frozen=True)
class StringFormat:
    """A format: the regex of its strings."""

    name: str
    source: str

    @cached_property
    def language(self) -> Language:
        return compile_pattern(f"^(?:{self.source})$")

    @property
    def constraints(self) -> tuple[Language, ...]:
        """Languages whose intersection this is: look-aheads are terminals of their own."""
        return self.language.parts if self.language.kind == "and" else (self.language,)

    def matches(self, text: str) -> bool:
        return automaton(self.language).matches(text)


_LEAP_YEAR = r"(?:\d{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_MONTH_DAY = r"(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8])"
_DATE = rf"(?:\d{{4}}-(?:{_MONTH_DAY})|{_LEAP_YEAR}-02-29)"
_OFFSET = r"(?:[zZ]|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
# A leap second is the last of a UTC day; other offsets are left out.
_TIME = rf"(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?{_OFFSET}|23:59:60(?:\.\d+)?(?:[zZ]|[+-]00:00))"

_DAY_TIME = r"T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S)"
_DURATION = rf"P(?:(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)(?:{_DAY_TIME})?|{_DAY_TIME}|\d+W)"

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_H16 = r"[0-9A-Fa-f]{1,4}"
_LS32 = rf"(?:{_H16}:{_H16}|{_IPV4})"
_IPV6 = "|".join(
    [rf"(?:{_H16}:){{6}}{_LS32}", rf"::(?:{_H16}:){{5}}{_LS32}"]
    + [rf"(?:(?:{_H16}:){{0,{4 - n}}}{_H16})?::(?:{_H16}:){{{n}}}{_LS32}" for n in range(4, -1, -1)]
    + [rf"(?:(?:{_H16}:){{0,5}}{_H16})?::{_H16}", rf"(?:(?:{_H16}:){{0,6}}{_H16})?::"]
)

_LETTER = "[A-Za-z0-9]"
_INNER = "[A-Za-z0-9-]"
# Without the labels that RFC 5890 reserves, with "--" in third place: what may follow xn-- depends on Unicode's tables.
_LABEL = (
    rf"{_LETTER}(?:{_INNER}?{_LETTER}|{_INNER}{{2}}{_LETTER}"
    rf"|{_INNER}(?:{_LETTER}{_INNER}|-{_LETTER}){_INNER}{{0,58}}{_LETTER})?"
)
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_EMAIL = rf"(?=[^@]{{1,64}}@[^@]{{1,253}}$){_ATOM}(?:\.{_ATOM})*@(?:{_DOMAIN}|\[{_IPV4}\])"

_PCHAR = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
_USER = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{2})*@"
_REG_NAME = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*"
_IP_LITERAL = rf"\[(?:{_IPV6}|[vV][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+)\]"
_HIERARCHY = rf"//(?:{_USER})?(?:{_IP_LITERAL}|{_REG_NAME})(?::\d*)?(?:/{_PCHAR}*)*|/?(?:{_PCHAR}+(?:/{_PCHAR}*)*)?"
_URI = rf"[A-Za-z][A-Za-z0-9+\-.]*:(?:{_HIERARCHY})(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?"

FORMATS: dict[str, StringFormat] = {
    known.name: known
    for known in (
        StringFormat("date", _DATE),
        StringFormat("time", _TIME),
        StringFormat("date-time", rf"{_DATE}[tT]{_TIME}"),
        StringFormat("duration", _DURATION),
        StringFormat("email", _EMAIL),
        StringFormat("hostname", rf"(?=.{{1,253}}$){_DOMAIN}"),
        StringFormat("ipv4", _IPV4),
        StringFormat("ipv6", _IPV6),
        StringFormat("uuid", "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
        StringFormat("uri", _URI),
    )
}

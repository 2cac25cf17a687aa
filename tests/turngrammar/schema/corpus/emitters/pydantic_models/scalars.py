"""Numbers, strings, times, enums and literals."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from case import Case
from pydantic import (
    UUID4,
    AnyHttpUrl,
    AnyUrl,
    AwareDatetime,
    Base64Bytes,
    Base64UrlStr,
    BaseModel,
    ByteSize,
    EmailStr,
    Field,
    FiniteFloat,
    HttpUrl,
    IPvAnyAddress,
    Json,
    NaiveDatetime,
    NegativeInt,
    NonNegativeFloat,
    PastDate,
    PositiveInt,
    PostgresDsn,
    SecretStr,
    StrictBool,
    StrictInt,
    StringConstraints,
    conint,
    constr,
)
from pydantic.json_schema import GenerateJsonSchema
from pydantic_extra_types.color import Color
from pydantic_extra_types.coordinate import Coordinate
from pydantic_extra_types.country import CountryAlpha2
from pydantic_extra_types.mac_address import MacAddress
from pydantic_extra_types.semantic_version import SemanticVersion
from shared import MOMENT


class DecimalPatterns(GenerateJsonSchema):
    """As the documentation of Pydantic proposes, from version 2.14."""

    def get_decimal_pattern(self, schema: Any) -> str | None:
        return self.build_decimal_pattern(schema)


class Prices(BaseModel):
    amount: Decimal
    tax: Decimal = Field(ge=0, le=1, decimal_places=4)
    total: Decimal | None = Field(None, max_digits=8, decimal_places=2)


class Ratings(BaseModel):
    stars: Annotated[int, Field(ge=1, le=5)]
    share: Annotated[float, Field(gt=0, lt=1)]
    step: Annotated[float, Field(multiple_of=0.5, ge=0)]
    cents: Annotated[float, Field(multiple_of=0.01, ge=0, le=1000)]
    even: Annotated[int, Field(multiple_of=2)]
    celsius: Annotated[float, Field(ge=-273.15)]


class Coerced(BaseModel):
    positive: PositiveInt
    negative: NegativeInt
    ratio: NonNegativeFloat
    finite: FiniteFloat
    strict: StrictInt
    flag: StrictBool
    port: conint(ge=1, le=65535)
    code: constr(min_length=2, max_length=4, to_upper=True)
    size: ByteSize


class Texts(BaseModel):
    slug: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", max_length=50)]
    short: Annotated[str, Field(min_length=1, max_length=10)]
    stripped: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3)]
    hexa: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] = "#000000"
    anywhere: Annotated[str, Field(pattern=r"\d")]


class Event(BaseModel):
    at: datetime
    day: date
    lasts: timedelta
    aware: AwareDatetime | None = None
    naive: NaiveDatetime | None = None
    born: PastDate | None = None


class Clock(BaseModel):
    opens: time
    closes: time | None = None


class Network(BaseModel):
    v4: IPv4Address
    v6: IPv6Address
    any: IPvAnyAddress
    net: IPv4Network
    mac: MacAddress


class Links(BaseModel):
    home: HttpUrl
    api: AnyUrl
    plain: AnyHttpUrl | None = None
    database: PostgresDsn | None = None


class Contact(BaseModel):
    email: EmailStr
    backup: list[EmailStr] = Field(default_factory=list, max_length=3)


class Secrets(BaseModel):
    password: SecretStr
    blob: bytes
    b64: Base64Bytes
    url64: Base64UrlStr
    payload: Json[list[int]]


class Identifiers(BaseModel):
    id: UUID
    request: UUID4
    file: Path
    version: SemanticVersion
    country: CountryAlpha2
    color: Color
    place: Coordinate


class Colour(StrEnum):
    red = "red"
    green = "green"
    light_blue = "light-blue"


class Priority(IntEnum):
    low = 1
    high = 10


class Mixed(Enum):
    one = 1
    two = "two"
    none = None
    half = 0.5


class Single(StrEnum):
    only = "only"


class Enums(BaseModel):
    colour: Colour = Colour.red
    priority: Priority
    mixed: Mixed
    single: Single
    colours: set[Colour] = Field(default_factory=set)
    by_colour: dict[Colour, int] = {}


class Literals(BaseModel):
    unit: Literal["celsius", "fahrenheit"]
    number: Literal[1, 2, 3] = 1
    either: Literal["auto", 0, False, None]
    version: Literal["v1"] = "v1"
    deep: Literal["a", "b", "c"] | None = None


Big = StrEnum("Big", {f"CODE_{n:03}": f"code-{n * 7919 % 1000:03}-{chr(97 + n % 26)}" for n in range(250)})


class Limits(BaseModel):
    int64: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
    uint64: Annotated[int, Field(ge=0, le=2**64 - 1)]
    huge: Annotated[float, Field(lt=1e21, gt=-1e21)]
    tiny: Annotated[float, Field(ge=1e-7)]
    whole: int


CASES = [
    Case("decimals", Prices, [{"amount": 19.99, "tax": 0.19, "total": 123456.78}, {"amount": "-0.5", "tax": "0.1"},
                              {"amount": "1000000", "tax": 1, "total": "999999.99"}, {"amount": 0, "tax": 0}],
         [{"amount": "abc", "tax": 0}, {"amount": "", "tax": 0}, {"amount": 1, "tax": 1.5}, {"amount": 1},
          {"amount": "1.2.3", "tax": 0}, {"amount": 1, "tax": 0, "total": "1.234"}]),
    Case("decimal-patterns", Prices, [{"amount": 19.99, "tax": "0.19"}, {"amount": "-0.5", "tax": ".1", "total": "1.5"},
                                      {"amount": "1e5", "tax": 1, "total": "999999.99"}, {"amount": 0, "tax": 0}],
         [{"amount": "abc", "tax": 0}, {"amount": "", "tax": 0}, {"amount": "1.2.3", "tax": 0},
          {"amount": "-", "tax": 0}, {"amount": 1, "tax": "0.12345"}, {"amount": 1, "tax": 0, "total": "1.234"},
          {"amount": 1, "tax": 0, "total": "1234567"}], generator=DecimalPatterns),
    Case("ratings", Ratings, [{"stars": 5, "share": 0.5, "step": 2.5, "cents": 19.99, "even": -4, "celsius": -273.15},
                              {"stars": 1, "share": 0.999999999, "step": 0, "cents": 0.07, "even": 0, "celsius": 36.6},
                              {"stars": 1, "share": 1e-9, "step": 1e3, "cents": 1000, "even": 2, "celsius": -0.5}],
         [{"stars": 0, "share": 0.5, "step": 0, "cents": 0, "even": 0, "celsius": 0},
          {"stars": 1, "share": 1, "step": 0, "cents": 0, "even": 0, "celsius": 0},
          {"stars": 1, "share": 0.5, "step": 0.3, "cents": 0, "even": 0, "celsius": 0},
          {"stars": 1, "share": 0.5, "step": 0, "cents": 0.005, "even": 0, "celsius": 0},
          {"stars": 1, "share": 0.5, "step": 0, "cents": 0, "even": 3, "celsius": 0},
          {"stars": 1, "share": 0.5, "step": 0, "cents": 0, "even": 0, "celsius": -273.16}]),
    Case("constrained", Coerced,
         [{"positive": 1, "negative": -1, "ratio": 0.0, "finite": 1e308, "strict": 0, "flag": True, "port": 65535,
           "code": "ABCD", "size": 1024},
          {"positive": 2**63 - 1, "negative": -(2**62), "ratio": 1e-6, "finite": -2.5, "strict": -7, "flag": False,
           "port": 1, "code": "ab", "size": 0}],
         [{"positive": 0, "negative": -1, "ratio": 0, "finite": 1, "strict": 0, "flag": True, "port": 1, "code": "AB",
           "size": 1},
          {"positive": 1, "negative": -1, "ratio": -0.1, "finite": 1, "strict": 0, "flag": True, "port": 1,
           "code": "AB", "size": 1},
          {"positive": 1, "negative": -1, "ratio": 0, "finite": 1, "strict": 0, "flag": "yes", "port": 70000,
           "code": "ABCDE", "size": 1}]),
    Case("strings", Texts, [{"slug": "a-b-1", "short": "é", "stripped": "abc", "anywhere": "a1b"},
                            {"slug": "x", "short": '"\\\n', "stripped": "d e", "hexa": "#fFfFfF", "anywhere": "7"}],
         [{"slug": "A", "short": "a", "stripped": "abc", "anywhere": "1"},
          {"slug": "a-", "short": "a", "stripped": "abc", "anywhere": "1"},
          {"slug": "a", "short": "", "stripped": "abc", "anywhere": "1"},
          {"slug": "a", "short": "a", "stripped": "abc", "anywhere": "none"},
          {"slug": "a", "short": "a", "stripped": "abc", "anywhere": "1", "hexa": "#12345"}]),
    Case("event", Event, [{"at": MOMENT, "day": "2000-02-29", "lasts": "PT1H30M"},
                          {"at": "1999-12-31T23:59:59.999999+02:00", "day": "1970-01-01", "lasts": "P3DT4H",
                           "aware": MOMENT, "born": "1950-05-05"},
                          {"at": MOMENT, "day": "2024-12-31", "lasts": "P2W"}],
         [{"at": "2023-02-29T00:00:00Z", "day": "2000-02-29", "lasts": "PT1H"},
          {"at": MOMENT, "day": "2000-02-30", "lasts": "PT1H"}, {"at": MOMENT, "day": "2000-02-29", "lasts": "1 hour"},
          {"at": "12:00", "day": "2000-02-29", "lasts": "PT1H"}]),
    Case("time", Clock, [{"opens": "08:00:00Z"}, {"opens": "08:00:00.5+01:00", "closes": "23:59:59Z"}],
         [{"opens": "8:00"}, {"opens": "25:00:00Z"}]),
    Case("network", Network, [{"v4": "192.168.0.1", "v6": "2001:db8::1", "any": "::1", "net": "10.0.0.0/8",
                               "mac": "00:00:5e:00:53:01"}],
         [{"v4": "256.1.1.1", "v6": "::1", "any": "::1", "net": "10.0.0.0/8", "mac": "00:00:5e:00:53:01"},
          {"v4": "1.1.1.1", "v6": "12345::", "any": "::1", "net": "10.0.0.0/8", "mac": "00:00:5e:00:53:01"}]),
    Case("urls", Links, [{"home": "https://example.com/a?b=c#d", "api": "ftp://ftp.example.com/"},
                         {"home": "http://localhost:8000/", "api": "urn:isbn:1", "plain": "http://10.0.0.1/",
                          "database": "postgres://user:pw@localhost:5432/app"}],
         [{"home": "", "api": "a:b"}, {"home": "not a url", "api": "a:b"}, {"home": "//host", "api": "a:b"}]),
    Case("email", Contact, [{"email": "joe.bloggs@example.com"},
                            {"email": "a+b@c-d.org", "backup": ["x@y.de", "z_1@example.co.uk"]}],
         [{"email": "joe"}, {"email": "@c.d"}, {"email": "a@b.de", "backup": ["a@b.de"] * 4}]),
    Case("bytes", Secrets, [{"password": "hunter2", "blob": "abc", "b64": "aGVsbG8=", "url64": "aGVsbG8_",
                             "payload": "[1, 2]"}],
         [{"password": 1, "blob": "abc", "b64": "aGVsbG8=", "url64": "aGVsbG8_", "payload": "[1, 2]"}, {}]),
    Case("identifiers", Identifiers,
         [{"id": "2eb8aa08-aa98-11ea-b4aa-73b441d16380", "request": "9b2f1a3e-5c1d-4f0e-9a7b-0123456789ab",
           "file": "/etc/hosts", "version": "1.2.3-rc.1+build", "country": "DE",
           "color": "red", "place": "1.5,2.5"}],
         [{"id": "2eb8aa08aa98", "request": "9b2f1a3e-5c1d-4f0e-9a7b-0123456789ab", "file": "/etc/hosts",
           "version": "1.2.3", "country": "DE", "color": "red", "place": "1,2"}]),
    Case("enums", Enums, [{"priority": 1, "mixed": "two", "single": "only"},
                          {"colour": "light-blue", "priority": 10, "mixed": None, "single": "only",
                           "colours": ["red", "green"], "by_colour": {"red": 1}},
                          {"priority": 1, "mixed": 0.5, "single": "only"}],
         [{"priority": 2, "mixed": 1, "single": "only"}, {"priority": 1, "mixed": 2, "single": "only"},
          {"priority": 1, "mixed": 1, "single": "other"},
          {"colour": "blue", "priority": 1, "mixed": 1, "single": "only"},
          {"priority": 1, "mixed": 1, "single": "only", "colours": ["red", "red"]},
          {"priority": 1, "mixed": 1, "single": "only", "by_colour": {"pink": 1}}]),
    Case("literals", Literals, [{"unit": "celsius", "either": None}, {"unit": "fahrenheit", "number": 3, "either": 0},
                                {"unit": "celsius", "either": False, "deep": "c", "version": "v1"}],
         [{"unit": "kelvin", "either": None}, {"unit": "celsius", "either": "x"},
          {"unit": "celsius", "either": None, "number": 4}, {"unit": "celsius", "either": None, "version": "v2"}]),
    Case("big-enum", list[Big], [[], [Big.CODE_000.value, Big.CODE_249.value], [member.value for member in Big][:20]],
         [["code-000-z"], ["CODE_000"], [1], Big.CODE_000.value]),
    Case("limits", Limits, [{"int64": 1312345678901234567, "uint64": 2**64 - 1, "huge": 1e20, "tiny": 1e-7, "whole": 0},
                            {"int64": -(2**63), "uint64": 0, "huge": -9.99e20, "tiny": 1.5, "whole": -(2**60)}],
         [{"int64": 2**63, "uint64": 0, "huge": 0, "tiny": 1, "whole": 0},
          {"int64": 0, "uint64": 2**64, "huge": 0, "tiny": 1, "whole": 0},
          {"int64": 0, "uint64": -1, "huge": 0, "tiny": 1, "whole": 0},
          {"int64": 0, "uint64": 0, "huge": 1e21, "tiny": 1, "whole": 0},
          {"int64": 0, "uint64": 0, "huge": 0, "tiny": 1e-8, "whole": 0}]),
    Case("dates", list[date | timedelta], [["2024-02-29", "PT1H"], []], [["2023-02-29"], ["soon"]]),
    Case("uuid-list", Annotated[list[UUID], Field(min_length=1)], [["2eb8aa08-aa98-11ea-b4aa-73b441d16380"]],
         [[], ["2eb8aa08-aa98-11ea-b4aa"]]),
    Case("open-float", Annotated[float, Field(gt=0, lt=100)], [0.1, 99.99, 1e-6, 50], [0, 100, -1, 1e2, "1"]),
    Case("temperature", Annotated[float, Field(ge=-459.67, le=1000.5)], [-459.67, -459.6, 0, 1000.5, -1e-3, 98.6],
         [-459.68, -460, 1000.51, 1001]),
    Case("probability", Annotated[float, Field(ge=0, le=0.95)], [0, 0.9, 0.95, 0.949999, 1e-12], [0.96, 1, -0.01]),
    Case("bounded-step", Annotated[float, Field(gt=0.8, le=0.99, multiple_of=0.1)], [0.9], [0.8, 0.95, 1.0]),
]  # fmt: skip

"""What to try first, printed when the server is ready."""

from __future__ import annotations

import textwrap

CURL = """\
curl -s {url}/v1/chat/completions -H 'Content-Type: application/json' {header}-d '{{
  "model": "{model}",
  "messages": [{{"role": "user", "content": "Ada Lovelace is 36 years old and lives in London."}}],
  "response_format": {{"type": "json_schema", "json_schema": {{"name": "person", "schema": {{
    "type": "object", "properties": {{"name": {{"type": "string"}}, "age": {{"type": "integer"}}}},
    "required": ["name", "age"], "additionalProperties": false}}}}}}}}'
"""

PYTHON = """\
from openai import OpenAI, pydantic_function_tool
from pydantic import BaseModel

class Person(BaseModel):
    name: str
    age: int

client = OpenAI(base_url="{url}/v1", api_key="{key}")
request = {{"model": "{model}", "messages": [{{"role": "user", "content": "Ada Lovelace is 36 years old."}}]}}
print(client.chat.completions.parse(**request, response_format=Person).choices[0].message.parsed)
"""

TOOL = """\
tools = [pydantic_function_tool(Person, name="save_person", description="Saves a person.")]
answer = client.chat.completions.parse(**request, tools=tools, tool_choice="required")
print(answer.choices[0].message.tool_calls[0].function)
"""


def welcome(url: str, model: str, *, guarded: bool) -> str:
    """Lines for a terminal: a curl, the openai client with a Pydantic model, and a tool call after it."""
    key = "YOUR-API-KEY" if guarded else "none"
    values = {"url": url, "model": model, "key": key, "header": f"-H 'Authorization: Bearer {key}' " if guarded else ""}
    curl, python, tool = (textwrap.indent(example.format(**values), "    ") for example in (CURL, PYTHON, TOOL))
    return f"""
{model} is served at {url}/v1 . Try it from a shell:

{curl}
or from Python with the openai package, a Pydantic model out of a text:

{python}
and then a tool call:

{tool}"""

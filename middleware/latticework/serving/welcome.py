"""Examples that are printed when the server is ready, to be pasted into a shell or into Python."""

from __future__ import annotations

from collections.abc import Sequence

WELCOME = """
{served} served at {url}/v1
{page}
From a shell:

curl -s {url}/v1/chat/completions -H 'Content-Type: application/json' {header}-d '{{
  "model": "{model}",
  "messages": [{{"role": "user", "content": "{text}"}}],
  "temperature": 0,
  "response_format": {{"type": "json_schema", "json_schema": {{"name": "person", "schema": {{
    "type": "object", "properties": {{"name": {{"type": "string"}}, "age": {{"type": "integer"}}}},
    "required": ["name", "age"], "additionalProperties": false}}}}}}}}'

From Python with the openai package (in a checkout: .venv/bin/python), a Pydantic model from a text:

from openai import OpenAI, pydantic_function_tool
from pydantic import BaseModel
class Person(BaseModel):
    name: str
    age: int

client = OpenAI(base_url="{url}/v1", api_key="{key}")
messages = [{{"role": "user", "content": "{text}"}}]
ask = dict(model="{model}", messages=messages, temperature=0)
print(client.chat.completions.parse(**ask, response_format=Person).choices[0].message.parsed)

A tool call:

tools = [pydantic_function_tool(Person, name="save_person")]
answer = client.chat.completions.parse(**ask, tools=tools, tool_choice="required", parallel_tool_calls=False)
print(answer.choices[0].message.tool_calls[0].function)
"""

TEXT = "Save this person: Ada Lovelace, age 36."


def welcome(url: str, models: Sequence[str], *, guarded: bool, plays: bool = False) -> str:
    """For the first model: curl, the openai client with a Pydantic model, and a tool call."""
    key = "YOUR-API-KEY" if guarded else "none"
    header = f"-H 'Authorization: Bearer {key}' " if guarded else ""
    page = f"In a browser: {url}/playground\n" if plays else ""
    served = f"{models[0]} is" if len(models) == 1 else f"{', '.join(models[:-1])} and {models[-1]} are"
    return WELCOME.format(url=url, served=served, model=models[0], key=key, header=header, text=TEXT, page=page)

"""A LangGraph agent with two tools and a structured answer.

    python -m venv agent-env
    agent-env/bin/pip install -r examples/agent/requirements.txt
    make serve                                                        # in another shell
    agent-env/bin/python examples/agent/agent.py "What are three desk lamps, sent to Bergen?"

Every request has the tools and the answer's schema, and one grammar for both: the model generates a call that fits its
tool, or an answer that fits the schema. So the loop needs no second request to turn prose into JSON, and no repairs.
The first turn must call a tool, the last must answer. LATTICEWORK_API_KEY holds the server's key, if it has any.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Annotated, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolNode
from pydantic import BaseModel, Field, SecretStr
from typing_extensions import TypedDict

MAX_TURNS = 5
MAX_TOKENS = 400
PRICES = {"desk lamp": 40.0, "oak chair": 120.0, "tea pot": 25.0}  # euros
DAYS = {"Bergen": 4, "Köln": 2, "Nairobi": 9}


@tool
def price(article: Literal["desk lamp", "oak chair", "tea pot"], quantity: Annotated[int, Field(ge=1, le=99)]) -> str:
    """The price of a quantity of an article, in euros."""
    return f"{PRICES[article] * quantity:.2f} euros"


@tool
def delivery(city: Literal["Bergen", "Köln", "Nairobi"]) -> str:
    """The delivery time of a parcel to a city."""
    return f"{DAYS[city]} days"


TOOLS = [price, delivery]


class Offer(BaseModel):
    """The answer."""

    euros: float = Field(ge=0, le=100_000)
    days: int = Field(ge=1, le=60)
    summary: str = Field(max_length=200, description="One sentence for the customer")


class State(TypedDict):
    messages: Annotated[list[BaseMessage], add_messages]
    turns: int


def make_agent(model: ChatOpenAI) -> CompiledStateGraph[State]:
    def think(state: State) -> State:
        last = state["turns"] == MAX_TURNS - 1
        choice = "required" if state["turns"] == 0 else "none" if last else "auto"
        bound = model.bind_tools(TOOLS, strict=True, response_format=Offer, tool_choice=choice)
        return {"messages": [bound.invoke(state["messages"])], "turns": state["turns"] + 1}

    def next_step(state: State) -> str:
        last = state["messages"][-1]
        return "act" if isinstance(last, AIMessage) and last.tool_calls else END

    graph = StateGraph(State)
    graph.add_node("think", think)
    graph.add_node("act", ToolNode(TOOLS))
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", next_step)
    graph.add_edge("act", "think")
    return graph.compile()


def answer(model: ChatOpenAI, question: str) -> Offer:
    """Prints the steps on standard error."""
    state = make_agent(model).invoke({"messages": [HumanMessage(question)], "turns": 0})
    for message in state["messages"]:
        print(message.pretty_repr(), file=sys.stderr)
    return Offer.model_validate_json(state["messages"][-1].text)


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("question")
    parser.add_argument("--url", default="http://127.0.0.1:8000/v1")
    parser.add_argument("--model", default="HuggingFaceTB/SmolLM2-135M-Instruct")
    given = parser.parse_args()
    key = os.environ.get("LATTICEWORK_API_KEY", "none")
    model = ChatOpenAI(
        base_url=given.url, api_key=SecretStr(key), model=given.model, max_completion_tokens=MAX_TOKENS, temperature=0
    )
    print(answer(model, given.question).model_dump_json())


if __name__ == "__main__":
    main()

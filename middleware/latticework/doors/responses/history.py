"""The items of a conversation: those of earlier responses, those that the input refers to, and the input itself."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from latticework.doors.common.objects import ApiObject
from latticework.doors.responses.conversation import Located
from latticework.doors.responses.items import InputItem, ReferenceInput
from latticework.doors.responses.request import InputRequest
from latticework.doors.responses.store import Item, ResponseStore
from latticework.errors import BadRequest

PREVIOUS = "previous_response_id"

# Of the ids of items that clients send without one, by type.
PREFIXES: Mapping[str, str] = {
    "message": "msg_",
    "function_call": "fc_",
    "function_call_output": "fco_",
    "custom_tool_call": "ctc_",
    "custom_tool_call_output": "ctco_",
    "reasoning": "rs_",
}
_ITEM: TypeAdapter[ApiObject] = TypeAdapter(InputItem)


class History:
    """What one API key has stored, as one request needs it. `store` None: nothing."""

    def __init__(self, store: ResponseStore | None, owner: bytes) -> None:
        self.store = store
        self.owner = owner
        self._referred: Mapping[str, Item] | None = None

    def items(self, request: InputRequest) -> list[Located]:
        """All items, each with its name in the request. Raises BadRequest for a response or an item that is gone."""
        before = [] if request.previous_response_id is None else self._earlier(request.previous_response_id)
        return [*before, *self._resolved(request)]

    def _earlier(self, response_id: str) -> list[Located]:
        chain = None if self.store is None else self.store.chain(self.owner, response_id)
        if chain is None:
            kept = "This server keeps no responses" if self.store is None else "There is no such response any more"
            raise BadRequest(
                f"'{PREVIOUS}' is '{response_id[:100]}'. {kept}; send the whole conversation as 'input'.",
                param=PREVIOUS,
                code="previous_response_not_found",
            )
        return [(PREVIOUS, _ITEM.validate_python(item)) for one in chain for item in (*one.input, *one.output)]

    def _resolved(self, request: InputRequest) -> list[Located]:
        """The input with the items that it refers to in place of the references."""
        found = self._referred_items(request)
        resolved: list[Located] = []
        for place, item in request.items:
            if isinstance(item, ReferenceInput):
                item = _ITEM.validate_python(_found(found, place, item))
            resolved.append((place, item))
        return resolved

    def _referred_items(self, request: InputRequest) -> Mapping[str, Item]:
        """The stored items that the input refers to, read once."""
        if self._referred is None:
            wanted = [item.id for _, item in request.items if isinstance(item, ReferenceInput)]
            self._referred = self.store.items(self.owner, wanted) if self.store is not None and wanted else {}
        return self._referred

    def kept_items(self, request: InputRequest, input: str | Sequence[Item] | None) -> list[Item]:
        """The input as it is stored and listed, each item with a type, a status and an id of its own.

        `input`: the same as sent. Raises BadRequest for an item that is gone.
        """
        sent = [{"role": "user", "content": input}] if isinstance(input, str) else input or ()
        found = self._referred_items(request)
        kept: dict[str, Item] = {}
        for (place, item), raw in zip(request.items, sent, strict=True):
            if isinstance(item, ReferenceInput):
                raw = _found(found, place, item)
            one = _kept_item(raw)
            if one["id"] in kept:
                one["id"] = _new_id(one["type"])
            kept[one["id"]] = one
        return list(kept.values())


def _found(found: Mapping[str, Item], place: str, reference: ReferenceInput) -> Item:
    if reference.id not in found:
        raise BadRequest(
            f"'{place}.id' is '{reference.id[:100]}', and there is no such item; send the item itself.",
            param=f"{place}.id",
            code="item_not_found",
        )
    return found[reference.id]


def _kept_item(item: Item) -> Item:
    kind = item.get("type") or "message"
    kept = {"status": "completed", **{key: value for key, value in item.items() if value is not None}, "type": kind}
    kept.setdefault("id", _new_id(kind))
    if kind == "message":
        kept["content"] = _listed_content(item["content"], item["role"])
    return kept


def _new_id(kind: str) -> str:
    return f"{PREFIXES.get(kind, 'item_')}{secrets.token_hex(16)}"


def _listed_content(content: Any, role: str) -> list[Item]:
    if not isinstance(content, str):
        return list(content)
    if role == "assistant":
        return [{"type": "output_text", "text": content, "annotations": [], "logprobs": []}]
    return [{"type": "input_text", "text": content}]

"""How many tokens a step may draft."""

from __future__ import annotations

import pytest

from latticework.engines.draft_room import LEAST_ROWS, MASK_BYTES, DraftRoom

VOCABULARY = 152_064
MANY = 1 << 20


@pytest.mark.parametrize(
    ("room", "answers", "prompts", "left"),
    [
        (DraftRoom(256, MANY, MANY), 1, 0, 255),
        (DraftRoom(256, MANY, MANY), 250, 0, 6),
        (DraftRoom(256, MANY, MANY), 256, 0, 0),
        (DraftRoom(256, MANY, MANY), 300, 0, 0),
        (DraftRoom(MANY, 100, MANY), 90, 0, 10),
        (DraftRoom(MANY, MANY, 2048), 8, 0, 2040),
        (DraftRoom(MANY, MANY, 2048), 8, 2000, 40),
        (DraftRoom(MANY, MANY, 2048), 8, 9000, 0),
    ],
)
def test_the_scarcest_of_rows_masks_and_tokens_counts(room: DraftRoom, answers: int, prompts: int, left: int) -> None:
    assert room.left(answers, prompts) == left


def test_few_answers_have_room_all_the_same() -> None:
    assert DraftRoom.of(1, VOCABULARY, 2048).left(1, 0) == LEAST_ROWS - 1
    assert DraftRoom.of(1024, VOCABULARY, 8192).rows == 1024


def test_masks_stay_within_what_vllm_passes_on_at_once() -> None:
    room = DraftRoom.of(1 << 14, VOCABULARY, MANY)
    assert room.masks * VOCABULARY // 8 <= MASK_BYTES < (room.masks + 1) * VOCABULARY // 8 + VOCABULARY // 8

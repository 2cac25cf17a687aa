"""Tokenizers without a fast backend: Python around SentencePiece or tiktoken, often code that comes with the model.

Each is used only if what is read of it encodes samples as the original does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from threading import Lock
from typing import Any

from latticework.engines.base import EngineDead
from latticework.engines.huggingface import HuggingFaceTokenizer
from latticework.engines.tokenizer import ModelTokenizer
from latticework.engines.vocabulary import EndTokens, SentencePieceVocabulary, TiktokenVocabulary, Vocabulary

SAMPLES = ("The quick brown fox", '{"city": "Zürich", "degrees": [-7.5, null]}', "def f(x):\n    return x", "数字 😀")

UNKNOWN = """The tokenizer of this model, {}, is written in Python, and the bytes of its tokens are unknown: \
it is neither a fast tokenizer nor built on SentencePiece, tiktoken or mistral_common. Save it as a tokenizer.json \
(transformers' PreTrainedTokenizerFast), and name that with --tokenizer."""


class SlowTokenizer(HuggingFaceTokenizer):
    """Wraps a `PreTrainedTokenizer`."""

    def __init__(
        self,
        tokenizer: Any,
        source: TiktokenVocabulary | SentencePieceVocabulary,
        encode: Callable[[str], list[int]],
        size: int,
        ends: EndTokens,
    ) -> None:
        super().__init__(tokenizer, size, ends)
        self._source = source
        self._encode = encode
        self._lock = Lock()

    @property
    def special_tokens(self) -> Mapping[str, int]:
        return self._source.special_tokens

    def encode(self, text: str, special: bool = False) -> list[int]:
        """One call at a time, as of the methods below: Python code that comes with a model need not be thread-safe."""
        with self._lock:
            token_ids = list(self._encode(text))
            return list(self._tokenizer.build_inputs_with_special_tokens(token_ids)) if special else token_ids

    def encode_segments(self, segments: Sequence[str], markup: frozenset[str]) -> list[int]:
        """Segment by segment: there is no backend whose added tokens could be replaced."""
        return ModelTokenizer.encode_segments(self, segments, markup)

    @property
    def encoder(self) -> None:
        """None: code that comes with a model is not run elsewhere."""

    def decode(self, token_ids: Sequence[int]) -> str:
        with self._lock:
            return str(self._tokenizer.decode(self._known(token_ids)))

    def token_strings(self, token_ids: Sequence[int]) -> list[str]:
        with self._lock:
            return [self._token_string(token_id) for token_id in token_ids]

    def _token_string(self, token_id: int) -> str:
        if not self._known([token_id]):
            return ""
        (token,) = self._tokenizer.convert_ids_to_tokens([token_id])
        return token.decode(errors="replace") if isinstance(token, bytes) else str(token)

    def _known(self, token_ids: Sequence[int]) -> list[int]:
        """A model may have more logits than its tokenizer has entries."""
        return [token_id for token_id in token_ids if token_id < len(self._tokenizer)]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return self.vocabulary_of(self._source, self._tokenizer.eos_token_id)


def slow_tokenizer(tokenizer: Any, size: int, ends: EndTokens) -> ModelTokenizer:
    """Raises EngineDead, which names the tokenizer's class, for one that can't be read."""
    for made in _candidates(tokenizer, size, ends):
        if all(_agrees(made, tokenizer, sample) for sample in SAMPLES):
            return made
    raise EngineDead(UNKNOWN.format(type(tokenizer).__name__.removeprefix("Cached")))


def _candidates(tokenizer: Any, size: int, ends: EndTokens) -> Iterator[HuggingFaceTokenizer]:
    if (backend := _converted(tokenizer)) is not None:
        yield HuggingFaceTokenizer(tokenizer, size, ends, backend)
    for part in getattr(tokenizer, "__dict__", {}).values():
        if hasattr(part, "_mergeable_ranks"):
            source = TiktokenVocabulary(part._mergeable_ranks, part._pat_str, part._special_tokens)
            yield SlowTokenizer(tokenizer, source, partial(part.encode, allowed_special="all"), size, ends)
        if hasattr(part, "serialized_model_proto"):
            yield SlowTokenizer(tokenizer, _with_added_tokens(tokenizer, part), _own_encode(tokenizer), size, ends)


def _agrees(made: HuggingFaceTokenizer, tokenizer: Any, sample: str) -> bool:
    """Whether both encode the sample alike, and the bytes of its tokens are its own; some put a blank before it."""
    token_ids = _own_encode(tokenizer)(sample)
    decoded = made.vocabulary.matchable.decode_bytes(token_ids).decode(errors="replace")
    return made.encode(sample) == token_ids and decoded.removeprefix(" ") == sample


def _own_encode(tokenizer: Any) -> Callable[[str], list[int]]:
    return lambda text: list(tokenizer.encode(text, add_special_tokens=False))


def _converted(tokenizer: Any) -> Any | None:
    """The fast tokenizer that transformers converts it to; None if it can't."""
    from transformers.convert_slow_tokenizer import SLOW_TO_FAST_CONVERTERS

    converters = (SLOW_TO_FAST_CONVERTERS.get(kind.__name__) for kind in type(tokenizer).__mro__)
    converter = next((known for known in converters if known is not None), None)
    if converter is None:
        return None
    try:
        backend = converter(tokenizer).converted()
    except (ValueError, TypeError, AttributeError, LookupError, ImportError, OSError):
        return None  # its files are not those that the converter was written for
    for _, token in sorted(tokenizer.added_tokens_decoder.items()):
        (backend.add_special_tokens if token.special else backend.add_tokens)([token])
    same_ids = all(
        backend.token_to_id(str(token)) == number for number, token in tokenizer.added_tokens_decoder.items()
    )
    return backend if same_ids else None


def _with_added_tokens(tokenizer: Any, processor: Any) -> SentencePieceVocabulary:
    added = tokenizer.added_tokens_decoder.items()
    special = {token.content: token_id for token_id, token in added if token.special}
    return sentencepiece_vocabulary(
        processor, special, {token.content: token_id for token_id, token in added if not token.special}
    )


def sentencepiece_vocabulary(
    processor: Any, special: Mapping[str, int], added: Mapping[str, int]
) -> SentencePieceVocabulary:
    """Of a `SentencePieceProcessor`, with the tokens that were added to it."""
    from sentencepiece import sentencepiece_model_pb2 as protocol

    message: Any = getattr(protocol, "ModelProto")  # noqa: B009 - made at run time
    model = message.FromString(processor.serialized_model_proto())
    model.normalizer_spec.add_dummy_prefix = False
    model.normalizer_spec.remove_extra_whitespaces = False
    ids = range(processor.get_piece_size())
    control = (token_id for token_id in ids if processor.is_control(token_id) or processor.is_unknown(token_id))
    own = {processor.id_to_piece(token_id): token_id for token_id in control}
    return SentencePieceVocabulary(model.SerializeToString(), {**own, **special}, added)

"""Tokenizers without a fast backend: Python around SentencePiece or tiktoken, often code that comes with the model.

Each is taken for what it is only if it encodes samples as the original does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from threading import Lock
from typing import Any

from latticework.engines.base import EngineDead
from latticework.engines.huggingface import HuggingFaceTokenizer
from latticework.engines.tokenizer import ModelTokenizer
from latticework.engines.vocabulary import EndTokens, Pieces, Ranks, Vocabulary

SAMPLES = ("The quick brown fox", '{"city": "Zürich", "degrees": [-7.5, null]}', "def f(x):\n    return x", "数字 😀")

UNKNOWN = """The tokenizer of this model, {}, is written in Python, and what its tokens stand for can't be told: \
it is neither a fast tokenizer nor one of SentencePiece, tiktoken or Mistral. Save it as a tokenizer.json \
(transformers' PreTrainedTokenizerFast), and name that with --tokenizer."""


class SlowTokenizer(HuggingFaceTokenizer):
    """Wraps a `PreTrainedTokenizer`, or one that is told apart from it by its templates alone."""

    def __init__(
        self, tokenizer: Any, source: Ranks | Pieces, encode: Callable[[str], list[int]], size: int, ends: EndTokens
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
        return self.matched_by(self._source, self._tokenizer.eos_token_id)


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
            source = Ranks(part._mergeable_ranks, part._pat_str, part._special_tokens)
            yield SlowTokenizer(tokenizer, source, partial(part.encode, allowed_special="all"), size, ends)
        if hasattr(part, "serialized_model_proto"):
            yield SlowTokenizer(tokenizer, _pieces(tokenizer, part), _as_it_does(tokenizer), size, ends)


def _agrees(made: HuggingFaceTokenizer, tokenizer: Any, sample: str) -> bool:
    """Whether both write the sample with the same tokens, and these spell it; a blank before it is no text."""
    token_ids = _as_it_does(tokenizer)(sample)
    spelled = made.vocabulary.matchable.decode_bytes(token_ids).decode(errors="replace")
    return made.encode(sample) == token_ids and spelled.removeprefix(" ") == sample


def _as_it_does(tokenizer: Any) -> Callable[[str], list[int]]:
    return lambda text: list(tokenizer.encode(text, add_special_tokens=False))


def _converted(tokenizer: Any) -> Any | None:
    """The fast tokenizer that transformers makes of it, if it knows how."""
    from transformers.convert_slow_tokenizer import SLOW_TO_FAST_CONVERTERS

    known = (SLOW_TO_FAST_CONVERTERS.get(kind.__name__) for kind in type(tokenizer).__mro__)
    converter = next((one for one in known if one is not None), None)
    if converter is None:
        return None
    try:
        backend = converter(tokenizer).converted()
    except (ValueError, TypeError, AttributeError, LookupError, ImportError, OSError):
        return None  # its files are not those that the converter was written for
    for _, token in sorted(tokenizer.added_tokens_decoder.items()):
        (backend.add_special_tokens if token.special else backend.add_tokens)([token])
    same = all(backend.token_to_id(str(token)) == number for number, token in tokenizer.added_tokens_decoder.items())
    return backend if same else None


def _pieces(tokenizer: Any, processor: Any) -> Pieces:
    added = tokenizer.added_tokens_decoder.items()
    special = {token.content: token_id for token_id, token in added if token.special}
    return pieces(processor, special, {token.content: token_id for token_id, token in added if not token.special})


def pieces(processor: Any, special: Mapping[str, int], added: Mapping[str, int]) -> Pieces:
    """A `SentencePieceProcessor`'s, with the tokens that were added to it."""
    from sentencepiece import sentencepiece_model_pb2 as protocol

    message: Any = getattr(protocol, "ModelProto")  # noqa: B009 - made at run time
    model = message.FromString(processor.serialized_model_proto())
    model.normalizer_spec.add_dummy_prefix = False
    model.normalizer_spec.remove_extra_whitespaces = False
    ids = range(processor.get_piece_size())
    own = {processor.id_to_piece(one): one for one in ids if processor.is_control(one) or processor.is_unknown(one)}
    return Pieces(model.SerializeToString(), {**own, **special}, added)

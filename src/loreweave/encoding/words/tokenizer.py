"""Tokenizer of the words: a private copy of a fast tokenizer's backend, and the special tokens around words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import AddedToken, Encoding, Tokenizer, processors

from loreweave.corpus.entity_vocabulary import SPECIAL_ENTITIES
from loreweave.corpus.files.rows import trimmed
from loreweave.encoding.encoded_text import Span
from loreweave.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

MARKER_TOKENS = ("<ent>", "<ent2>")
_NAMED_TOKENS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_NONCHARACTER = "\ufdd0"  # a noncharacter of Unicode, which no text contains
_NO_LIMIT = 10**6  # transformers writes 1e30 for an unknown limit


def stated_limit(tokenizer: Any) -> int | None:
    """Maximum number of sub-words that a tokenizer states, with special tokens; None if it states none."""
    limit = int(getattr(tokenizer, "model_max_length", _NO_LIMIT))
    return limit if limit < _NO_LIMIT else None


def add_marker_tokens(tokenizer: PreTrainedTokenizerFast, markers: Iterable[str] = MARKER_TOKENS) -> int:
    """Add the marker tokens that the tokenizer lacks, and return their number.

    New ids follow the existing ones, as in the published models (`<ent>`, `<ent2>` = V-2, V-1). Call it before building
    an `EntityTokenizer`, and resize the model's word embeddings by the returned number.
    """
    known = tokenizer.get_vocab()
    missing = [marker for marker in markers if marker not in known]
    return tokenizer.add_tokens([AddedToken(marker, normalized=False, special=True) for marker in missing], special_tokens=True)


def sentencepiece_file(tokenizer: PreTrainedTokenizerFast) -> Path | None:
    """SentencePiece model that the tokenizer was read from, which is copied when it is saved."""
    file = getattr(tokenizer, "sentencepiece_file", None) or getattr(tokenizer, "vocab_file", None)
    return Path(file) if file and str(file).endswith(".model") and Path(file).is_file() else None


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """Special tokens around words: `start words end`, and `start first end [end] second end` for a pair.

    RoBERTa and related models (LUKE, XLM-R) have two `end` between the texts and one segment; BERT has one, and two segments.
    """

    start: int
    end: int
    pad: int
    double_separator: bool

    def count(self, pair: bool) -> int:
        """Number of special tokens of a text or a pair of texts."""
        return (4 if self.double_separator else 3) if pair else 2

    @property
    def second_segment(self) -> int:
        """`token_type_id` of the second text."""
        return 0 if self.double_separator else 1

    def post_processor(self, start: str, end: str) -> processors.PostProcessor:
        """The template as the backend's post-processor; `start` and `end` are the tokens' texts."""
        second = self.second_segment
        between = f"{end} {end}" if self.double_separator else end
        return processors.TemplateProcessing(
            single=f"{start} $A {end}",
            pair=f"{start} $A {between} $B:{second} {end}:{second}",
            special_tokens=[(start, self.start), (end, self.end)],
        )

    def around(self, first: list[int], second: list[int] | None = None) -> list[int]:
        """Complete sequence of a text or pair."""
        if second is None:
            return [self.start, *first, self.end]
        between = [self.end, self.end] if self.double_separator else [self.end]
        return [self.start, *first, *between, *second, self.end]


class WordTokenizer:
    """Tokenizes pieces of text in batches, without special tokens, truncation, padding or added spaces.

    The backend is a copy: later changes of truncation or padding do not affect it. Entity tokens that
    transformers 5 registers as words (`[MASK]`, ... beyond the embedding table) are removed,
    so that a literal `[MASK]` is text.

    Args:
        tokenizer: a fast tokenizer of transformers (WordPiece, byte-level BPE or SentencePiece).

    Raises:
        ConfigurationError: not a fast tokenizer, no start, end or padding token, or special tokens in another arrangement.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        name = type(tokenizer).__name__
        source = getattr(tokenizer, "name_or_path", "")  # empty if it was not loaded from a folder or the Hub
        place = f"{source}: " if source else ""
        if not isinstance(backend, Tokenizer):
            raise ConfigurationError(f"{place}found the tokenizer {name}, expected a fast one (with a `backend_tokenizer`)")
        if name == "MLukeTokenizer":
            # Verified on 5.23: no NFKC, and every id is one lower than the row in XLM-R's embedding table.
            raise ConfigurationError(
                f"{place}found transformers' MLukeTokenizer, whose ids do not fit mLUKE's embeddings in transformers 5; "
                "expected EntityTokenizer.from_pretrained(folder) or an XLMRobertaTokenizer"
            )
        self.class_name = name
        self.named_tokens: dict[str, str] = {
            key: str(value) for key in _NAMED_TOKENS if (value := getattr(tokenizer, key, None)) is not None
        }
        self._backend, self.space_before_text = clean_backend(backend, set(self.named_tokens.values()))
        self.max_length = stated_limit(tokenizer)
        self.input_names = list(tokenizer.model_input_names)
        self.special = self._find_special_tokens(place)

    # ---- encoding ------------------------------------------------------------------------------------------------

    def encode(self, pieces: Sequence[str]) -> list[list[int]]:
        """Word ids of each piece; equal pieces are tokenized once. Lists may be shared: do not modify them."""
        unique = list(dict.fromkeys(pieces))
        try:
            encodings = self._backend.encode_batch_fast(unique, add_special_tokens=False)
        except TypeError as error:
            raise _not_unicode(unique) from error
        ids = {piece: encoding.ids for piece, encoding in zip(unique, encodings, strict=True)}
        return [ids[piece] for piece in pieces]

    def encode_with_offsets(self, pieces: Sequence[str]) -> tuple[list[list[int]], list[list[Span]]]:
        """Word ids of each piece, and the characters of the piece that each covers, without surrounding white space."""
        encodings = self.encodings(pieces)
        offsets = [
            [trimmed(piece, start, end) for start, end in encoding.offsets]
            for piece, encoding in zip(pieces, encodings, strict=True)
        ]
        return [encoding.ids for encoding in encodings], offsets

    def encodings(self, pieces: Sequence[str]) -> list[Encoding]:
        """The backend's own result for each piece, with `ids` and `offsets`."""
        try:
            return list(self._backend.encode_batch(list(pieces), add_special_tokens=False))
        except TypeError as error:
            raise _not_unicode(pieces) from error

    # ---- the vocabulary ------------------------------------------------------------------------------------------

    def id_of(self, token: str) -> int | None:
        """Id of a token of the vocabulary, None if it is not there."""
        found: int | None = self._backend.token_to_id(token)
        return found

    @cached_property
    def size(self) -> int:
        """Number of rows of the word embedding table: the largest id + 1."""
        return max(self._backend.get_vocab(with_added_tokens=True).values()) + 1

    @cached_property
    def leading_space(self) -> bool:
        """Whether words with and without a space in front are different tokens (byte-level BPE)."""
        with_space, without = self.encode([" a", "a"])
        return with_space != without

    @property
    def backend(self) -> Tokenizer:
        """The private copy. Its truncation and padding are off and must stay off."""
        return self._backend

    def to_hugging_face(self) -> PreTrainedTokenizerFast:
        """A new tokenizer of transformers: without entities, and without entity tokens among the words."""
        from transformers import PreTrainedTokenizerFast

        limit = {} if self.max_length is None else {"model_max_length": self.max_length}
        named: dict[str, Any] = {**self.named_tokens, **self.flagged_tokens()}
        backend = with_prefix_space(self._backend) if self.space_before_text else self._backend
        return PreTrainedTokenizerFast(tokenizer_object=backend, model_input_names=self.input_names, **named, **limit)

    def flagged_tokens(self) -> dict[str, AddedToken]:
        """Named special tokens as the backend has them: RoBERTa's `<mask>` includes the space before it."""
        held = {token.content: token for token in self._backend.get_added_tokens_decoder().values()}
        return {key: held[text] for key, text in self.named_tokens.items() if text in held}

    def _find_special_tokens(self, place: str) -> SpecialTokens:
        """Ids by name, checked against the tokens that the backend itself puts around words.

        If it adds none (LUKE as saved by transformers < 5.18), a post-processor is set. Messages begin with `place`.
        """
        ids: dict[str, int] = {}
        texts: dict[str, str] = {}
        for key, substitute in (("cls_token", "bos_token"), ("sep_token", "eos_token"), ("pad_token", "")):
            text = self.named_tokens.get(key, self.named_tokens.get(substitute))
            found = None if text is None else self.id_of(text)
            if found is None:
                unknown = "" if text is None else f" {text!r} in its vocabulary"
                expected = "expected one for an encoder, with a start, an end and a padding token"
                raise ConfigurationError(f"{place}found a tokenizer without {key}{unknown}, {expected}")
            ids[key], texts[key] = found, str(text)
        words = self._backend.encode("a", add_special_tokens=False).ids
        single, pair = self._backend.encode("a").ids, self._backend.encode("a", "a").ids
        start, end, pad = ids["cls_token"], ids["sep_token"], ids["pad_token"]
        choices = [SpecialTokens(start, end, pad, double) for double in (True, False)]
        if single == words:
            choice = choices[0] if texts["cls_token"] == "<s>" else choices[1]
            self._backend.post_processor = choice.post_processor(texts["cls_token"], texts["sep_token"])
            return choice
        for choice in choices:
            if single == choice.around(words) and pair == choice.around(words, words):
                return choice
        raise ConfigurationError(
            f"{place}found a tokenizer that turns the words {words} into {single} and a pair of them into {pair}, "
            f"expected {choices[0].around(words)} and {choices[0].around(words, words)} or "
            f"{choices[1].around(words, words)}"
        )


def clean_backend(backend: Tokenizer, own_tokens: set[str]) -> tuple[Tokenizer, bool]:
    """Copy of a backend, and whether it put a space before every text (the copy does not, since a piece is not a text)."""
    specification = json.loads(backend.to_str())
    specification["truncation"] = specification["padding"] = None
    had_prefix = _set_prefix_space(specification.get("pre_tokenizer"), False)
    entity_tokens = set(SPECIAL_ENTITIES) - own_tokens
    if any(token["content"] in entity_tokens for token in specification["added_tokens"]):
        entity_tokens -= backend.get_vocab(with_added_tokens=False).keys()
        specification["added_tokens"] = _without_entity_tokens(specification["added_tokens"], entity_tokens)
    return Tokenizer.from_str(json.dumps(specification)), had_prefix


def _without_entity_tokens(added_tokens: list[dict[str, Any]], entity_tokens: set[str]) -> list[dict[str, Any]]:
    """Added tokens without entity tokens at the end; elsewhere (transformers < 5.18) these only stop matching text.

    Removing those would shift the ids of the tokens after them.
    """
    kept = sorted(added_tokens, key=lambda token: int(token["id"]))
    while kept and kept[-1]["content"] in entity_tokens:
        kept.pop()
    return [
        {**token, "content": _NONCHARACTER + token["content"]} if token["content"] in entity_tokens else token for token in kept
    ]


def with_prefix_space(backend: Tokenizer) -> Tokenizer:
    """A copy that puts a space before every text, if its sub-words are byte-level BPE."""
    specification = json.loads(backend.to_str())
    _set_prefix_space(specification["pre_tokenizer"], True)
    return Tokenizer.from_str(json.dumps(specification))


def _set_prefix_space(pre_tokenizer: dict[str, Any] | None, on: bool) -> bool:
    """Switch `add_prefix_space` on or off in a pre-tokenizer's specification and return whether it was on."""
    if pre_tokenizer is None:
        return False
    if pre_tokenizer["type"] == "Sequence":
        return any([_set_prefix_space(part, on) for part in pre_tokenizer["pretokenizers"]])
    if pre_tokenizer["type"] != "ByteLevel":
        return False
    was_on: bool = pre_tokenizer["add_prefix_space"]
    pre_tokenizer["add_prefix_space"] = on
    return was_on


def _not_unicode(pieces: Sequence[str]) -> Exception:
    """Error for texts that the backend refuses."""
    for piece in pieces:
        if any("\ud800" <= character <= "\udfff" for character in piece):
            return DataError(f"found an unpaired surrogate in {piece!r}, expected valid Unicode text")
    return DataError("found a text that the tokenizer refuses")

"""Agreement with transformers' LukeTokenizer, and with sentencepiece for mLUKE.

transformers 5's MLukeTokenizer is no oracle: its ids are one less than the rows of mLUKE's embeddings and it does not
normalize (verified on 5.23.0); the one of transformers 4 is sentencepiece with fairseq's ids, which is rebuilt here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny_tokenizers as tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, LukeTokenizer

from loreweave.encoding import EntityTokenizer
from loreweave.encoding.encoded_text import EncodedText

Span = tuple[int, int]
TYPING, PAIR, SPAN = "entity_classification", "entity_pair_classification", "entity_span_classification"
PIECES = [
    *("Tokyo", "is", "the", "Japan", ",", ".", "don't", "(NYC)", "--", "8,804", "a", "("),
    *("été", "München", "e\u0301", "ｆｕｌｌ", "½", "東京は", "ß", "İ", "\u200b", "🙂", "👨\u200d👩\u200d👧"),
    *("<mask>", "<ent>", "<s>"),
]
GAPS = [" ", " ", " ", "", "  ", "\n", "\u00a0"]


@st.composite
def texts_with_spans(draw: st.DrawFn, pieces: list[str] = PIECES, most: int = 4) -> tuple[str, list[Span]]:
    parts = draw(st.lists(st.tuples(st.sampled_from(pieces), st.sampled_from(GAPS)), max_size=10))
    text = draw(st.sampled_from(["", " "])) + "".join(piece + gap for piece, gap in parts)
    spans = []
    for _ in range(draw(st.integers(0, most)) if text else 0):
        start = draw(st.integers(0, len(text) - 1))
        spans.append((start, draw(st.integers(start + 1, min(len(text), start + 15)))))
    return text, spans


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LUKE tokenizer as transformers 5 saves it, with the entity tokens among the words."""
    raw = tiny.write_byte_bpe(tmp_path_factory.mktemp("bpe"))
    saved = tmp_path_factory.mktemp("saved")
    LukeTokenizer.from_pretrained(raw).save_pretrained(saved)
    return saved


@pytest.fixture(scope="module")
def ours(folder: Path) -> EntityTokenizer:
    return EntityTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def theirs(folder: Path) -> dict[str | None, LukeTokenizer]:
    return {task: LukeTokenizer.from_pretrained(folder, task=task) for task in (None, TYPING, PAIR, SPAN)}


def as_lists(encoded: EncodedText) -> dict[str, Any]:
    lists: dict[str, Any] = {
        "input_ids": encoded.input_ids,
        "entity_ids": encoded.entity_ids,
        "entity_position_ids": [ids + [-1] * (30 - len(ids)) for ids in encoded.entity_position_ids],
    }
    if encoded.entity_start_positions is not None:
        lists["entity_start_positions"] = encoded.entity_start_positions
        lists["entity_end_positions"] = encoded.entity_end_positions
    return lists


def reference(tokenizer: LukeTokenizer, *texts: str, **spans: Any) -> dict[str, Any]:
    """transformers' lists, without mentions that cover no token (it keeps them, at no position)."""
    encoding = tokenizer(*texts, **spans)
    kept = [number for number, ids in enumerate(encoding["entity_position_ids"]) if any(id >= 0 for id in ids)]
    entity_keys = [key for key in encoding if key.startswith("entity_") and not key.endswith("mask")]
    return {"input_ids": encoding["input_ids"]} | {key: [encoding[key][n] for n in kept] for key in entity_keys}


@settings(max_examples=300, deadline=None)
@given(case=texts_with_spans())
def test_words_mentions_and_spans(case: tuple[str, list[Span]], ours: EntityTokenizer, theirs: dict[str, Any]) -> None:
    text, spans = case
    assert as_lists(ours.encode(text, spans)) == reference(theirs[None], text, entity_spans=spans)
    if spans:
        encoded = as_lists(ours.encode(text, spans, task=SPAN))
        assert encoded == reference(theirs[SPAN], text, entity_spans=spans)


@settings(max_examples=200, deadline=None)
@given(case=texts_with_spans(most=2))
def test_markers(case: tuple[str, list[Span]], ours: EntityTokenizer, theirs: dict[str, Any]) -> None:
    text, spans = case
    for span in spans:
        assert as_lists(ours.encode(text, [span], task=TYPING)) == reference(theirs[TYPING], text, entity_spans=[span])
    if len(spans) == 2:
        bare = ours.encode(text, spans)
        first, second = sorted(bare.entity_position_ids) if len(bare.kept) == 2 else ([1], [0])
        (_, end), (start, _) = sorted(spans)
        # transformers misplaces the markers of mentions that overlap (also behind the last position kept) or have no token.
        if first[-1] < second[0] and end <= start:
            assert as_lists(ours.encode(text, spans, task=PAIR)) == reference(theirs[PAIR], text, entity_spans=spans)


@settings(max_examples=100, deadline=None)
@given(first=texts_with_spans(), second=texts_with_spans())
def test_pairs_of_texts(
    first: tuple[str, list[Span]], second: tuple[str, list[Span]], ours: EntityTokenizer, theirs: dict[str, Any]
) -> None:
    encoded = ours.encode(*first, text_pair=second[0], spans_pair=second[1])
    wanted = reference(theirs[None], first[0], second[0], entity_spans=first[1], entity_spans_pair=second[1])
    assert as_lists(encoded) == wanted


@pytest.mark.parametrize("task", [None, SPAN, TYPING])
def test_padded_batches(ours: EntityTokenizer, theirs: dict[str, Any], task: Any) -> None:
    texts = ["Tokyo is the capital", "Barack Obama was born in Honolulu, Hawaii", "été"]
    spans = [[(0, 5)], [(0, 12), (25, 33), (7, 12)], [(0, 3)]]
    spans = [mentions[:1] for mentions in spans] if task == TYPING else spans
    wanted = theirs[task](texts, entity_spans=spans, padding=True, return_tensors="pt")
    batch = ours(texts, spans, task=task)
    assert wanted.keys() <= batch.keys()
    for name, tensor in wanted.items():
        torch.testing.assert_close(batch[name], tensor, msg=name)


def test_entities_by_title(ours: EntityTokenizer, theirs: dict[str, Any]) -> None:
    text, spans, titles = "Tokyo, Los Angeles, Atlantis", [(0, 5), (7, 18), (20, 28)], ["Tokyo", "Los Angeles", "?"]
    wanted = theirs[None](text, entity_spans=spans, entities=titles)["entity_ids"]
    assert ours.encode(text, spans, titles).entity_ids == wanted == [3, 4, 1]


@pytest.mark.parametrize("loader", [LukeTokenizer, AutoTokenizer])
def test_transformers_reads_what_we_save(ours: EntityTokenizer, theirs: dict[str, Any], tmp_path: Path, loader: Any) -> None:
    ours.save_pretrained(tmp_path)
    loaded = {task: loader.from_pretrained(tmp_path, task=task) for task in (None, TYPING)}
    assert isinstance(loaded[None], LukeTokenizer)
    for text in ("Tokyo is été 🙂 <mask>, <ent>", " Los  Angeles"):
        for task, tokenizer in loaded.items():
            wanted = reference(theirs[task], text, entity_spans=[(0, 5)])
            assert reference(tokenizer, text, entity_spans=[(0, 5)]) == wanted
        assert loaded[None](text)["input_ids"] == ours.encode(text).input_ids
    assert loaded[None].entity_vocab == tiny.ENTITIES


def test_transformers_reads_our_wordpiece(tmp_path: Path) -> None:
    raw = tiny.write_wordpiece(tmp_path / "raw")
    tokenizer = EntityTokenizer.from_pretrained(raw)
    tokenizer.save_pretrained(tmp_path / "saved")
    loaded = AutoTokenizer.from_pretrained(tmp_path / "saved")
    for text in ("TOKYO is the capital of Japan, 8!", "Beyoncé [MASK] lives"):
        assert loaded(text)["input_ids"] == tokenizer.encode(text).input_ids
        assert loaded(text, text)["token_type_ids"] == tokenizer.encode(text, text_pair=text).token_type_ids


# ---- mLUKE -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sentencepiece_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sentencepiece = pytest.importorskip("sentencepiece", reason="sentencepiece is the oracle of mLUKE's words")
    folder = tiny.write_sentencepiece(tmp_path_factory.mktemp("mluke"))
    size = sentencepiece.SentencePieceProcessor(model_file=str(folder / "sentencepiece.bpe.model")).get_piece_size()
    return tiny.write_transformers_4_config(folder, "MLukeTokenizer", size + 2)


@pytest.fixture(scope="module")
def mluke(sentencepiece_folder: Path) -> EntityTokenizer:
    return EntityTokenizer.from_pretrained(sentencepiece_folder)


@pytest.fixture(scope="module")
def sentencepiece_model(sentencepiece_folder: Path) -> Any:
    import sentencepiece

    return sentencepiece.SentencePieceProcessor(model_file=str(sentencepiece_folder / "sentencepiece.bpe.model"))


# Without special tokens, which sentencepiece does not know, and without characters that sentencepiece and every fast
# XLM-R tokenizer normalize differently when they follow another character (combining marks).
WORDS = [piece for piece in PIECES if not piece.startswith("<") and "\u0301" not in piece]


@settings(max_examples=200, deadline=None)
@given(case=texts_with_spans(pieces=WORDS))
def test_mluke_is_sentencepiece_with_the_ids_of_fairseq(
    case: tuple[str, list[Span]], mluke: EntityTokenizer, sentencepiece_model: Any
) -> None:
    text, spans = case
    cuts = sorted({b - (b > 0 and text[b - 1] == " ") for span in spans for b in span} | {0, len(text)})
    ids: list[int] = []
    for start, end in zip(cuts, cuts[1:], strict=False):
        pieces = sentencepiece_model.encode(text[start:end])
        ids += [3 if piece == 0 else piece + 1 for piece in pieces]
    encoded = mluke.encode(text, spans)
    assert encoded.input_ids == [0, *ids, 2]
    assert len(encoded.kept) + encoded.report.dropped_without_tokens == len(spans)


def test_transformers_5_reads_the_mluke_that_we_save(mluke: EntityTokenizer, tmp_path: Path) -> None:
    """With our `tokenizer.json`, its MLukeTokenizer gives the right ids too (of text that needs no normalization)."""
    from transformers import MLukeTokenizer

    mluke.save_pretrained(tmp_path)
    text = "Tokyo is the capital of Japan."
    for task in (None, TYPING):
        theirs = MLukeTokenizer.from_pretrained(tmp_path, task=task)
        encoded = as_lists(mluke.encode(text, [(24, 29)], task=task))
        assert reference(theirs, text, entity_spans=[(24, 29)]) == encoded

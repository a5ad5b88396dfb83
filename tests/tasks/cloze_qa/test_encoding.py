"""Inputs of cloze questions: as the released code of LUKE makes them, windows, what does not fit, targets and loss."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_tokenizers import write_byte_bpe
from torch.nn.functional import binary_cross_entropy_with_logits

from loreweave.checkpoints.formats.luke_finetuned import CLOZE_TOKENS
from loreweave.encoding import EntityTokenizer, add_marker_tokens
from loreweave.errors import ConfigurationError
from loreweave.tasks.cloze_qa.encoding import ClozeEncoding, ClozeSettings, MarkerClozeEncoding
from loreweave.tasks.cloze_qa.model import build
from loreweave.tasks.cloze_qa.record import ClozeRecord
from loreweave.tasks.cloze_qa.settings import ClozeConfig
from loreweave.training.losses import binary_cross_entropy


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> EntityTokenizer:
    """Byte-level BPE with the tokens of the task; mentions are averaged over at most 6 sub-words."""
    read = EntityTokenizer.from_pretrained(write_byte_bpe(tmp_path_factory.mktemp("bpe")))
    words = read.word_tokenizer
    add_marker_tokens(words, CLOZE_TOKENS)
    return EntityTokenizer(words, read.entity_vocabulary, max_mention_length=6)


def made(tokenizer: EntityTokenizer, limit: int = 64, **changes: Any) -> ClozeEncoding:
    return ClozeEncoding(tokenizer, ClozeSettings(**{"max_query_length": 20, "doc_stride": 8} | changes), limit)


# ---- the released code, step by step -------------------------------------------------------------------------------------


def released(tokenizer: EntityTokenizer, record: ClozeRecord, limit: int, repeats: bool) -> list[dict[str, Any]]:
    """What the released code makes of a record whose candidates are sorted and apart, for a query that is not too long."""
    backend = tokenizer.words.backend
    highlight, placeholder, marker = (backend.token_to_id(token) for token in CLOZE_TOKENS)

    def tokenize(text: str, space: bool) -> list[int]:
        text = text.rstrip()
        text = " " + text if space and text and not text[0].isspace() else text
        return list(backend.encode(text, add_special_tokens=False).ids)

    def part(start: int, end: int) -> list[int]:
        whole = text[start:end]
        pieces = whole.split("@highlight")
        if start == 0 or text[start - 1] == " " or pieces[0].startswith(" "):
            ids = tokenize(pieces[0], True)
        else:
            ids = tokenize(whole if repeats else pieces[0], False)
        for piece in pieces[1:]:
            ids += [highlight, *tokenize(piece, False)]
        return ids

    text, query = record.text.replace("\n", " "), record.query.replace("\n", " ")
    before, after = query.split("@placeholder")
    asked = tokenize(before, True)
    gap = 1 + len(asked)
    asked += [placeholder, *tokenize(after, False)]
    document: list[int] = []
    spans, end = [], 0
    for first, last in record.candidates:
        document += part(end, first)
        spans.append((len(document), len(document) + 2 + len(part(first, last))))
        document += [marker, *part(first, last), marker]
        end = last
    document += part(end, len(text))
    room, start, windows = limit - len(asked) - 4, 0, []
    while True:
        inside = [c for c, (left, right) in enumerate(spans) if left >= start and right <= start + room]
        offset = len(asked) + 3 - start
        windows.append(
            {
                "ids": [0, *asked, 2, 2, *document[start : start + room], 2],
                "candidates": inside,
                "positions": [[gap]] + [list(range(*spans[c]))[:6] for c in inside],
                "targets": [int(c in record.correct) for c in inside],
            }
        )
        for row in windows[-1]["positions"][1:]:
            row[:] = [place + offset for place in row]
        if start + room >= len(document):
            return [window for window in windows if window["candidates"]]
        start += 8


PIECES = st.sampled_from(["@highlight", "\n", " ", ", ", "Tokyo", "is", "capital ", "(", "the  Japan", "é", "\n\n"])


@st.composite
def records(draw: st.DrawFn) -> ClozeRecord:
    text, spans = "", []
    for part in draw(st.lists(st.tuples(PIECES, st.booleans()), min_size=1, max_size=14)):
        if part[1] and part[0].strip() and "@" not in part[0]:
            spans.append((len(text), len(text) + len(part[0])))
        text += part[0]
    query = draw(PIECES).replace("@highlight", "of") + "@placeholder" + draw(PIECES).replace("@highlight", "of")
    correct = [number for number in range(len(spans)) if draw(st.booleans())]
    return ClozeRecord("q", text, query, tuple(spans), ("a",), tuple(correct))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=records(), repeats=st.booleans())
def test_inputs_are_those_of_the_released_code(tokenizer: EntityTokenizer, record: ClozeRecord, repeats: bool) -> None:
    found = made(tokenizer, 40, released_repetition=repeats).encode([record], ["answer"])
    expected = released(tokenizer, record, 40, repeats)
    assert [
        {
            "ids": example.encoded.input_ids, "candidates": list(example.candidates),
            "positions": example.encoded.entity_position_ids, "targets": list(example.targets or ()),
        }
        for example in found
    ] == expected  # fmt: skip


def test_a_part_of_the_passage_is_read_twice_only_where_the_released_code_does(tokenizer: EntityTokenizer) -> None:
    """After a mention that no space follows, the words before and after the highlight are there again."""
    text = "Tokyo, the capital\n@highlight\n\nIt is in Japan"
    record = ClozeRecord("q", text, "@placeholder is", ((0, 5), (text.index("Japan"), len(text))))
    once, twice = (made(tokenizer, 200, released_repetition=repeats).encode([record])[0] for repeats in (False, True))

    def words(ids: list[int]) -> str:
        return " ".join(tokenizer.words.backend.decode(ids).split())

    assert words(once.encoded.input_ids) == "is Tokyo, the capital It is in Japan"
    assert words(twice.encoded.input_ids) == "is Tokyo, the capital @highlight It is in It is in Japan"


# ---- windows and limits --------------------------------------------------------------------------------------------------


def test_a_long_query_keeps_its_placeholder(tokenizer: EntityTokenizer) -> None:
    gap = tokenizer.words.id_of("[PLACEHOLDER]")
    texts = ("@placeholder is" + " the Japan" * 30, "the Japan " * 30 + "is @placeholder")
    asked = [*texts, "Japan the " * 20 + "@placeholder" + " is the Japan" * 20]
    encoding = made(tokenizer, 60)
    for query in asked:
        (example, *_) = encoding.encode([ClozeRecord("q", "Tokyo is", query, ((0, 5),))])
        (place,) = example.encoded.entity_position_ids[0]
        assert example.encoded.input_ids[place] == gap and example.length <= 60
        assert example.encoded.input_ids.index(2) == 1 + 20  # the query has its maximum length
    assert encoding.report() == "queries cut (3), of these, cut on both sides of the placeholder (2)"


def test_nothing_is_lost_silently(tokenizer: EntityTokenizer) -> None:
    long = "Tokyo is the capital of Japan and " * 8
    encoding = made(tokenizer, 48)
    bare, whole = ClozeRecord("a", "Tokyo is", "@placeholder", ()), ClozeRecord("b", long, "@placeholder", ((0, len(long)),))
    many = ClozeRecord("c", long, "@placeholder", ((0, 5), (len(long) - 4, len(long) - 1)), ("Tokyo",), (0,))
    examples = encoding.encode([bare, whole, many])
    assert [example.record for example in examples] == [0, 1, 2, 2] and max(each.length for each in examples) <= 48
    assert [example.candidates for example in examples] == [(), (), (0,), (1,)]
    outputs = encoding.join(examples, [np.zeros(0), np.zeros(0), np.array([0.25]), np.array([-1.5])])
    assert [output.tolist() for output in outputs] == [[], [], [[0, 0.25], [1, -1.5]]]
    assert encoding.report() == (
        "queries read in several windows (1), candidates that fit in no window (1), "
        "candidates of which only the first sub-words are averaged (1)"
    )
    learned = made(tokenizer, 48)
    assert [example.record for example in learned.encode([bare, whole, many], ["answer"])] == [2, 2]
    assert "queries without a candidate in any input, from which nothing is learned (2)" in learned.report()


def test_a_candidate_has_its_largest_logit_of_all_windows(tokenizer: EntityTokenizer) -> None:
    text = "the is of Tokyo in the of Japan is the capital" + " of the and lives in" * 2
    record = ClozeRecord("q", text, "@placeholder", ((10, 15), (26, 31)))
    encoding = made(tokenizer, 40, doc_stride=3)
    examples = encoding.encode([record])
    assert len(examples) > 2 and sum(0 in example.candidates for example in examples) > 1
    logits = [np.arange(len(example.candidates)) - float(number) for number, example in enumerate(examples)]
    (found,) = encoding.join(examples, logits)
    best = {c: max(e.candidates.index(c) - n for n, e in enumerate(examples) if c in e.candidates) for c in (0, 1)}
    assert found.tolist() == [[c, best[c]] for c in (0, 1)]


def test_candidates_may_nest_and_touch(tokenizer: EntityTokenizer) -> None:
    text = "Los Angeles is in Japan"
    record = ClozeRecord("q", text, "@placeholder", ((0, 11), (4, 11), (18, 21), (21, 23)))
    (example,) = made(tokenizer, 64).encode([record])
    marker = tokenizer.words.id_of("[ENTITY]")
    ids, positions = example.encoded.input_ids, example.encoded.entity_position_ids[1:]
    assert ids.count(marker) == 8 and all(ids[row[0]] == marker for row in positions)
    assert positions[0][0] < positions[1][0] and positions[2][-1] + 1 == positions[3][0]


def test_too_small_a_limit_is_refused(tokenizer: EntityTokenizer) -> None:
    with pytest.raises(ConfigurationError, match="setting 'max_length': found 11, expected room for at least 4 special tokens"):
        made(tokenizer, 11)


# ---- tensors, targets, loss ----------------------------------------------------------------------------------------------

ROWS = [
    ClozeRecord("a", "Ann lives in Oslo .", "@placeholder works .", ((0, 3), (13, 17)), ("Ann",), (0,)),
    ClozeRecord("b", "Bob , Ann , Bob .", "a @placeholder .", ((0, 3), (6, 9), (12, 15)), ("Bob",), (0, 2)),
]


def test_a_luke_gets_masked_entities(tiny_luke: Path) -> None:
    encoding = build(str(tiny_luke), ["answer"], ClozeConfig()).encoding
    batch = encoding.collate(encoding.encode(ROWS, ["answer"]))
    mask = encoding.tokenizer.entity_vocabulary.mask_id  # type: ignore[attr-defined]
    assert batch["entity_attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert batch["entity_ids"][1].tolist() == [mask] * 4
    assert batch["entity_token_type_ids"].tolist() == [[0, 1, 1, 0], [0, 1, 1, 1]]  # a BERT has two segments
    # [CLS] a gap . [SEP] [E] bob [E] , [E] ann [E] , [E] bob [E] . [SEP]
    places = [[place for place in row if place >= 0] for row in batch["entity_position_ids"][1].tolist()]
    assert places == [[2], [5, 6, 7], [9, 10, 11], [13, 14, 15]]
    assert batch["token_type_ids"][1].tolist() == [0] * 5 + [1] * 13
    assert batch["labels"].tolist() == [[1, 0, -100], [1, 0, 1]]


def test_a_plain_encoder_gets_positions_of_markers(tiny_bert: Path) -> None:
    encoding = build(str(tiny_bert), ["answer"], ClozeConfig()).encoding
    assert isinstance(encoding, MarkerClozeEncoding)
    batch = encoding.collate(encoding.encode(ROWS))
    assert batch.keys() == {
        "input_ids", "attention_mask", "token_type_ids", "placeholder_positions", "candidate_positions", "candidate_ends",
    }  # fmt: skip
    assert batch["placeholder_positions"].tolist() == [1, 2]
    assert batch["candidate_positions"].tolist() == [[5, 10, -1], [5, 9, 13]]
    assert batch["candidate_ends"].tolist() == [[8, 13, 0], [8, 12, 16]]
    logits = torch.arange(6.0).reshape(2, 3)
    assert [row.tolist() for row in encoding.unpack(SimpleNamespace(logits=logits), batch)] == [[0, 1], [3, 4, 5]]


@pytest.mark.parametrize("encoder", ["tiny_luke", "tiny_bert"])
def test_the_loss_is_the_mean_over_all_candidates_of_an_update(encoder: str, request: pytest.FixtureRequest) -> None:
    """Every candidate is a decision of its own, so that a query can have several answers; padding counts nothing."""
    made = build(str(request.getfixturevalue(encoder)), ["answer"], ClozeConfig())
    made.model.eval()
    batch = made.encoding.collate(made.encoding.encode(ROWS, ["answer"]))
    labels = batch.pop("labels")
    output = made.model(**batch)
    valid = labels >= 0
    by_hand = binary_cross_entropy_with_logits(output.logits[valid], labels[valid].float(), reduction="sum")
    assert binary_cross_entropy(output, labels).item() == pytest.approx(by_hand.item() / 5)
    assert binary_cross_entropy(output, labels, 20).item() == pytest.approx(by_hand.item() / 20)
    binary_cross_entropy(output, labels).backward()
    assert all(p.grad.isfinite().all() for p in made.model.parameters() if p.grad is not None)


def test_the_loss_by_hand() -> None:
    logits = torch.tensor([[0.0, 2.0, torch.finfo(torch.float32).min]], requires_grad=True)
    loss = binary_cross_entropy(SimpleNamespace(logits=logits), torch.tensor([[1, 0, -100]]))
    assert loss.item() == pytest.approx((np.log(2) + np.log1p(np.exp(2.0))) / 2)
    loss.backward()
    assert logits.grad is not None and logits.grad[0].tolist() == pytest.approx([-0.25, 0.440399, 0], abs=1e-6)

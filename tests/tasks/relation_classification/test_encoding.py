"""Relation inputs: markers in the order of the text, entities and readouts in that of head and tail."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mention_tokenizers import pieces_of, tokenizer_of
from tiny_tokenizers import write_byte_bpe
from transformers import RobertaConfig, RobertaModel, RobertaTokenizer

from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.relation_classification.model import RelationConfig, build, load
from loreweave.tasks.relations.record import RelationRecord
from loreweave.training.settings.configuration import fill
from loreweave.training.settings.recipes import load_recipe
from loreweave.training.task_model import TaskModel

LABELS = ["no_relation", "lives"]
TEXT = "Ann lives in Oslo ."
FORWARDS = RelationRecord("0", TEXT, (0, 3), (13, 17), "lives")
BACKWARDS = RelationRecord("1", TEXT, (13, 17), (0, 3), "no_relation")


@pytest.fixture(scope="module")
def luke(tiny_luke: Path) -> TaskModel:
    return build(str(tiny_luke), LABELS, RelationConfig())


@pytest.fixture(scope="module")
def plain(tiny_bert: Path) -> TaskModel:
    return build(str(tiny_bert), LABELS, RelationConfig())


def test_luke_sees_head_and_tail_as_two_entities(luke: TaskModel) -> None:
    batch = luke.encoding.collate(luke.encoding.encode([FORWARDS, BACKWARDS], luke.labels))
    first, second = (pieces_of(luke, row.tolist()) for row in batch["input_ids"])
    assert first == ["[CLS]", "<ent>", "ann", "<ent>", "lives", "in", "<ent2>", "oslo", "<ent2>", ".", "[SEP]"]
    assert second == ["[CLS]", "<ent2>", "ann", "<ent2>", "lives", "in", "<ent>", "oslo", "<ent>", ".", "[SEP]"]
    positions = [[place[place >= 0].tolist() for place in row] for row in batch["entity_position_ids"]]
    assert positions == [[[1, 2, 3], [6, 7, 8]], [[6, 7, 8], [1, 2, 3]]]  # head, then tail, wherever they stand
    vocabulary = tokenizer_of(luke).entity_vocabulary
    assert batch["entity_ids"].tolist() == [[vocabulary.mask_id, vocabulary.mask2_id]] * 2
    assert batch["labels"].tolist() == [1, 0] and not batch["labels"].is_floating_point()


def test_a_plain_encoder_reads_at_both_opening_markers(plain: TaskModel) -> None:
    batch = plain.encoding.collate(plain.encoding.encode([FORWARDS, BACKWARDS], plain.labels))
    assert batch["state_positions"].tolist() == [[1, 6], [6, 1]]
    assert set(batch) == {"input_ids", "attention_mask", "token_type_ids", "state_positions", "labels"}


def test_keplers_four_markers_tell_head_from_tail_and_start_from_end(tiny_bert: Path) -> None:
    made = build(str(tiny_bert), LABELS, RelationConfig(head="kepler"))
    batch = made.encoding.collate(made.encoding.encode([BACKWARDS]))
    words = pieces_of(made, batch["input_ids"][0].tolist())
    assert words == ["[CLS]", "<e2>", "ann", "</e2>", "lives", "in", "<e1>", "oslo", "</e1>", ".", "[SEP]"]
    assert batch["state_positions"].tolist() == [[6, 1]]


def test_bracket_codes_stay_as_they_are(luke: TaskModel) -> None:
    """LUKE's code for relations changes none, unlike that for typing."""
    record = RelationRecord("0", "Ann -LRB- Oslo -RRB-", (0, 3), (10, 14), "lives")
    (example,) = luke.encoding.encode([record])
    assert "(" not in pieces_of(luke, example.encoded.input_ids)


@pytest.mark.parametrize("kind", ["luke", "plain"])
def test_long_texts_keep_both_mentions_with_their_markers(kind: str, request: pytest.FixtureRequest) -> None:
    made: TaskModel = request.getfixturevalue(kind)
    text = "the river is long . " * 20 + "Oslo is long . " + "the river is long . " * 20 + "Paris is long ."
    head, tail = text.index("Paris"), text.index("Oslo")
    (example,) = made.encoding.encode([RelationRecord("0", text, (head, head + 5), (tail, tail + 4))])
    words = pieces_of(made, example.encoded.input_ids)
    assert len(words) == 64 and words[words.index("oslo") - 1] == words[words.index("oslo") + 1] == "<ent2>"
    assert words[words.index("paris") - 1] == words[words.index("paris") + 1] == "<ent>"
    assert "texts truncated" in made.encoding.report()


# ---- as KEPLER's released code does it --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kepler(tmp_path_factory: pytest.TempPathFactory) -> TaskModel:
    folder = write_byte_bpe(tmp_path_factory.mktemp("roberta"))
    (folder / "entity_vocab.json").unlink()
    RobertaTokenizer.from_pretrained(folder).save_pretrained(folder)
    config = RobertaConfig(
        vocab_size=401, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=514,
    )  # fmt: skip
    RobertaModel(config).save_pretrained(folder)
    return build(str(folder), LABELS, fill(RelationConfig, load_recipe("kepler-wiki/tacred").config))


WORD = st.sampled_from(["Ann", "lives", '"', 'in"', "#", "Oslo$", "%", ",", "the", "x" * 40])


@given(st.lists(WORD, min_size=4, max_size=9), st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_keplers_released_input_token_by_token(kepler: TaskModel, tokens: list[str], data: st.DataObject) -> None:
    """The joined tokens as one BPE text, characters as markers put in between, states read at the opening ones; also
    where the text holds those characters."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(tokens)), min_size=4, max_size=4, unique=True)))
    spans = [(cuts[0], cuts[1]), (cuts[2], cuts[3])]
    if data.draw(st.booleans()):
        spans.reverse()
    words = tokenizer_of(kepler).word_tokenizer
    bpe = [words(("" if n == 0 else " ") + token, add_special_tokens=False)["input_ids"] for n, token in enumerate(tokens)]
    marks = {name: words.convert_tokens_to_ids(name) for name in '"#$%'}
    expected, readouts = [words.bos_token_id], dict[int, int]()
    for number in range(len(tokens) + 1):
        for mention, closing in ((0, "#"), (1, "%")):
            if spans[mention][1] == number:
                expected.append(marks[closing])
        for mention, opening in ((0, '"'), (1, "$")):
            if spans[mention][0] == number:
                readouts[mention] = len(expected)
                expected.append(marks[opening])
        expected += bpe[number] if number < len(tokens) else [words.eos_token_id]
    starts = [sum(len(token) + 1 for token in tokens[:number]) for number in range(len(tokens) + 1)]
    record = RelationRecord("0", " ".join(tokens), *((starts[first], starts[last] - 1) for first, last in spans))  # type: ignore[arg-type]
    (example,) = kepler.encoding.encode([record])
    assert example.encoded.input_ids == expected
    batch = kepler.encoding.collate([example])
    assert batch["state_positions"].tolist() == [[readouts[0], readouts[1]]]
    assert kepler.model.get_input_embeddings().num_embeddings == 401  # no row is new


TYPED = [
    RelationRecord("0", TEXT, (0, 3), (13, 17), "lives", {}, "PERSON", "CITY"),
    RelationRecord("1", TEXT, (13, 17), (0, 3), "no_relation", {}, "CITY", "PERSON"),
]


def test_each_type_has_markers_of_its_own(tiny_bert: Path) -> None:
    settings = {"typed_markers": "tokens", "mention_types": ["CITY", "PERSON"]}
    made = build(str(tiny_bert), LABELS, fill(RelationConfig, settings))
    batch = made.encoding.collate(made.encoding.encode(TYPED, LABELS))
    first, second = (pieces_of(made, row.tolist()) for row in batch["input_ids"])
    assert first == ["[CLS]", "<S:PERSON>", "ann", "</S:PERSON>", "lives", "in", "<O:CITY>", "oslo", "</O:CITY>", ".", "[SEP]"]
    assert second == ["[CLS]", "<O:PERSON>", "ann", "</O:PERSON>", "lives", "in", "<S:CITY>", "oslo", "</S:CITY>", ".", "[SEP]"]
    assert batch["state_positions"].tolist() == [[1, 6], [6, 1]] and batch["labels"].tolist() == [1, 0]
    table, words = made.model.get_input_embeddings().weight, tokenizer_of(made).words
    for marker, source in (("</S:CITY>", "@"), ("</O:CITY>", "#"), ("<ent>", "@")):
        assert (table[words.id_of(marker)] == table[words.id_of(source)]).all()


@pytest.mark.parametrize("markers", ["tokens", "punctuation"])
def test_codes_of_brackets_become_brackets_with_types_in_the_text(markers: str, tiny_bert: Path) -> None:
    types = {"mention_types": ["CITY", "PERSON"]} if markers == "tokens" else {}
    made = build(str(tiny_bert), LABELS, fill(RelationConfig, {"typed_markers": markers, **types}))
    coded = RelationRecord("0", "Ann -LRB- in Oslo -RRB- .", (0, 3), (13, 17), "lives", {}, "PERSON", "CITY")
    plain = RelationRecord("0", "Ann ( in Oslo ) .", (0, 3), (9, 13), "lives", {}, "PERSON", "CITY")
    first, second = made.encoding.encode([coded, plain])
    assert first.encoded.input_ids == second.encoded.input_ids


def test_a_type_without_a_marker_is_counted_and_marked_without_a_type(tiny_bert: Path) -> None:
    made = build(str(tiny_bert), LABELS, fill(RelationConfig, {"typed_markers": "tokens", "mention_types": ["CITY"]}))
    batch = made.encoding.collate(made.encoding.encode(TYPED))
    words = pieces_of(made, batch["input_ids"][0].tolist())
    assert words == ["[CLS]", "<ent>", "ann", "<ent>", "lives", "in", "<O:CITY>", "oslo", "</O:CITY>", ".", "[SEP]"]
    assert made.encoding.report() == "mentions whose type has no marker of its own (marked without a type) (2)"


def test_the_name_of_a_type_follows_the_opening_marker(tiny_bert: Path) -> None:
    made = build(str(tiny_bert), LABELS, fill(RelationConfig, {"typed_markers": "punctuation"}))
    turned = RelationRecord("0", TEXT, (13, 17), (0, 3), "lives", {}, "IN", "THE")  # words of the tiny vocabulary
    batch = made.encoding.collate(made.encoding.encode([turned], LABELS))
    words = pieces_of(made, batch["input_ids"][0].tolist())
    unknown = words[2]  # the sign, which the tiny vocabulary may lack
    assert [word for word in words if word not in (unknown, "*", "^")] == [
        "[CLS]", "<ent2>", "the", "ann", "<ent2>", "lives", "in", "<ent>", "in", "oslo", "<ent>", ".", "[SEP]",
    ]  # fmt: skip
    assert batch["state_positions"].tolist() == [[9, 1]]
    assert words[9] == "<ent>" and words[1] == "<ent2>" and words.index("the") == 3 and len(words) == 17


@pytest.mark.parametrize("markers", ["tokens", "punctuation"])
def test_types_stay_in_long_texts_and_after_saving(markers: str, tiny_bert: Path, tmp_path: Path) -> None:
    types = {"mention_types": ["CITY", "PERSON"]} if markers == "tokens" else {}
    made = build(str(tiny_bert), LABELS, fill(RelationConfig, {"typed_markers": markers, "max_length": 24, **types}))
    text = "Ann . " + "the river is long " * 30 + "Oslo"
    long = RelationRecord("0", text, (0, 3), (546, 550), "lives", {}, "PERSON", "CITY")
    made.save_pretrained(tmp_path)
    again = load(tmp_path)
    (example,), (reloaded,) = made.encoding.encode([long]), again.encoding.encode([long])
    assert example.encoded.input_ids == reloaded.encoded.input_ids and len(example.encoded.input_ids) == 24
    words = pieces_of(made, example.encoded.input_ids)
    opening = ["<S:PERSON>", "<O:CITY>"] if markers == "tokens" else ["<ent>", "<ent2>"]
    read = made.encoding.collate([example])["state_positions"][0].tolist()
    assert [words[place] for place in read] == opening and {"ann", "oslo"} <= set(words)
    batch = again.encoding.collate([reloaded])
    with torch.no_grad():
        torch.testing.assert_close(again.model.eval()(**batch).logits, made.model.eval()(**batch).logits, rtol=0, atol=0)


def test_where_types_are_not_read(tiny_bert: Path, tiny_luke: Path) -> None:
    with pytest.raises(ConfigurationError, match="typed_markers is read only with head=markers"):
        build(str(tiny_luke), LABELS, fill(RelationConfig, {"typed_markers": "tokens", "multi_label": False}))
    with pytest.raises(ConfigurationError, match="mention_types is read only with typed_markers=tokens"):
        build(str(tiny_bert), LABELS, fill(RelationConfig, {"typed_markers": "punctuation", "mention_types": ["CITY"]}))
    with pytest.raises(ConfigurationError, match="typed_markers=tokens needs mention_types, found none"):
        build(str(tiny_bert), LABELS, fill(RelationConfig, {"typed_markers": "tokens"}))
    made = build(str(tiny_luke), LABELS, fill(RelationConfig, {"typed_markers": "punctuation", "head": "markers"}))
    with pytest.raises(DataError, match="record 0, field 'head.type': found no type of the head 'Ann'"):
        made.encoding.encode([FORWARDS])

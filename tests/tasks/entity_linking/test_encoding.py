"""Windows of documents, batches, and the way back to records."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from linking_world import ROWS, SINGER
from tiny_tokenizers import write_byte_bpe
from transformers import RobertaTokenizer

from loreweave.corpus.knowledge.entity_table import DescribedEntity, EntityTable
from loreweave.errors import DataError
from loreweave.models.head_settings import IGNORED
from loreweave.tasks.entity_linking.encoding import EntityTexts, LinkingExample, linking_tokenizer
from loreweave.tasks.entity_linking.linker import LinkingModel
from loreweave.tasks.entity_linking.model import build
from loreweave.tasks.entity_linking.network import LinkingOutput
from loreweave.tasks.entity_linking.reader import query, read
from loreweave.tasks.entity_linking.record import LinkingRecord
from loreweave.tasks.entity_linking.settings import EntityLinkingConfig


@pytest.fixture
def built(tiny_bert: Path, entities: Path) -> LinkingModel:
    return build(str(tiny_bert), ["linked"], EntityLinkingConfig(entities=str(entities), max_length=24, nearest=2))


def words(built: LinkingModel, example: LinkingExample, span: tuple[int, int]) -> str:
    tokenizer = built.encoding.tokenizer.word_tokenizer
    return "".join(tokenizer.convert_ids_to_tokens(example.ids[slice(*span)])).replace("##", "")


def test_mentions_are_found_in_their_windows(built: LinkingModel) -> None:
    text = "ann lives in oslo . " * 12 + "bob lives in paris ."
    places = [13 + 20 * number for number in range(12)]
    marks = [{"start": place, "end": place + 4} for place in places] + [{"start": len(text) - 7, "end": len(text) - 2}]
    examples = built.encoding.encode(query({"text": text, "mentions": marks}, "long"))
    assert len(examples) > 3 and all(example.length <= 24 for example in examples)
    found = sorted(
        (number, words(built, one, span)) for one in examples for number, span in zip(one.mentions, one.spans, strict=True)
    )
    assert found == [*((number, "oslo") for number in range(12)), (12, "paris")]
    assert built.encoding.report() == ""


def test_entities_have_the_sub_words_of_documents(tmp_path: Path) -> None:
    """Also with a tokenizer that puts a space in front of a text."""
    table = EntityTable([DescribedEntity("Q1", "Tokyo", "capital of Japan"), DescribedEntity("Q2", " Oslo")])
    found = []
    for spaced in (False, True):
        write_byte_bpe(tmp_path)
        tokenizer = linking_tokenizer(RobertaTokenizer.from_pretrained(tmp_path, add_prefix_space=spaced))
        ids = [each.tolist() for each in EntityTexts(table, tokenizer.words, 64).ids([0, 1])]
        assert ids == [tokenizer.encode(entity.text, []).input_ids for entity in table]
        found.append(ids[0])
    assert found[0] != found[1]


def test_windows_look_at_their_own_mentions_alone(built: LinkingModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nested and overlapping mentions in any order, compared with a look at all of them for each window."""
    looked: list[int] = []
    lengths: list[int] = []
    positions: list[list[int]] = []
    encoder = built.encoding.tokenizer.encode_batch

    class Counted(list[int]):
        def __getitem__(self, place: Any) -> Any:
            looked.append(place)
            return super().__getitem__(place)

    def encode_batch(*given: Any, **options: Any) -> Any:
        encoded = encoder(*given, **options)
        positions.extend(encoded[0].entity_position_ids)
        lengths.append(len(encoded[0].input_ids) - 2)
        encoded[0].entity_position_ids = [Counted(each) for each in positions]
        return encoded

    monkeypatch.setattr(built.encoding.tokenizer, "encode_batch", encode_batch)
    text = "ann lives in oslo . " * 30
    places = [(4 * n, 4 * n + size) for n in range(100) for size in (3, 12, 150)]
    order = np.random.default_rng(0).permutation(len(places))
    marks = [{"start": places[number][0], "end": places[number][1]} for number in order]
    examples = built.encoding.encode(query({"text": text, "mentions": marks}, "long"))
    assert len(looked) <= 3 * len(marks)
    # 22 sub-words without special tokens, of which the first and the last two are context in the middle of the text
    expected = []
    for first in range(0, lengths[0], 18):
        begin = min(max(0, first - 2), lengths[0] - 22)
        inside = [number for number, each in enumerate(positions) if first <= each[0] - 1 < first + 18]
        spans = [(positions[n][0] - begin, min(positions[n][-1], begin + 22) - begin + 1) for n in inside]
        expected += [(inside, spans)] if inside else []
    assert [(one.mentions, one.spans) for one in examples] == expected and len(expected) > 5


def test_a_text_without_mentions_has_no_window(built: LinkingModel, data: Path) -> None:
    records = read(data).records
    examples = built.encoding.encode(records)
    assert sorted({one.record for one in examples}) == [0, 1, 2, 3, 4]
    joined = built.encoding.join(examples, [np.array([[0, 1, 0.5, 0.5]])] * len(examples))
    assert len(joined) == 5 and all(output.shape == (1, 4) for output in joined)


def test_training_leaves_out_mentions_without_a_known_entity(built: LinkingModel, data: Path) -> None:
    examples = built.encoding.encode(read(data).records, ["linked"])
    assert [(one.record, one.gold) for one in examples] == [(0, [0]), (1, [1]), (2, [2]), (3, [0])]
    assert "training mentions without an entity (1)" in built.encoding.report()  # bob
    assert "training mentions whose entity is not in the table of entities (1)" in built.encoding.report()  # Bonn


def test_other_names_of_all_entities_are_an_error_in_training(built: LinkingModel, data: Path) -> None:
    records = [record for record in read(data).records if record.id in ("c", "e")]  # bob (NIL) and Paris, Bonn
    assert len(built.encoding.encode(records, ["linked"])) == 1
    with pytest.raises(DataError, match="entities= has: the data have Bonn; the table has Q1, Q2, Q3; give its"):
        built.encoding.encode(records[1:], ["linked"])
    built.encoding.encode(records[1:])  # in an evaluation, they count as NIL


def test_the_dictionary_is_that_of_the_training_data(built: LinkingModel, data: Path) -> None:
    assert built.encoding.finder.find("Oslo") == [(0, 0.5), (1, 0.5)]
    built.encoding.encode(read(data).records, ["linked"])
    assert built.encoding.finder.find("Oslo") == [(0, pytest.approx(2 / 3)), (1, pytest.approx(1 / 3))]


def test_sub_words_of_entities_take_four_bytes_each(built: LinkingModel) -> None:
    """Also of texts that are asked for in another order, again, and after others were tokenised."""
    words, table = built.encoding.tokenizer.words, EntityTable(DescribedEntity(f"Q{n}", "oslo " * (9 * n)) for n in range(9))
    texts, asked = EntityTexts(table, words, 60), [8, 3, 8, 0]
    first = texts.ids(asked)
    expected = [words.special.around(words.encode([table[row].text])[0][:58]) for row in range(9)]
    assert [ids.tolist() for ids in first] == [expected[row] for row in asked]
    assert [ids.tolist() for ids in texts.ids(range(9))] == expected and len(expected[8]) == 60
    assert [ids.tolist() for ids in first] == [expected[row] for row in asked]
    assert {ids.dtype for ids in first} == {np.dtype(np.int32)}
    assert texts.inputs(np.array([1]))["input_ids"].tolist() == [expected[1]] and texts.ids([]) == []
    tracemalloc.start()
    try:
        many = EntityTexts(EntityTable(DescribedEntity(f"Q{n}", f"oslo {n} " * 30) for n in range(500)), words, 62)
        before = tracemalloc.get_traced_memory()[0]
        count = sum(map(len, many.ids(range(500))))
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert count == 500 * 62 and taken < 6 * count


def test_a_batch_has_the_right_entities_and_others_of_the_same_name(built: LinkingModel, data: Path) -> None:
    examples = built.encoding.encode(read(data).records, ["linked"])
    batch = built.encoding.collate([examples[0], examples[2]])
    assert batch["labels"].tolist() == [0, 1] and len(batch["entity_input_ids"]) == 3  # Oslo, Paris, and the other Oslo
    assert IGNORED not in batch["labels"]
    output = built.model(**{name: tensor for name, tensor in batch.items() if name != "labels"})
    assert output.logits.shape == (2, 3)


def test_a_mention_is_the_mean_of_its_sub_words(built: LinkingModel) -> None:
    records = query({"text": SINGER, "mentions": [{"start": 26, "end": 36}]}, "x")
    (example,) = built.encoding.encode(records)
    batch = built.encoding.collate([example])
    built.model.eval()
    with torch.no_grad():
        states = built.model.encoder_output(batch["input_ids"], batch["attention_mask"], None).last_hidden_state
        start, end = example.spans[0]
        expected = torch.nn.functional.normalize(states[0, start:end].mean(0), dim=-1)
        names = ("input_ids", "attention_mask", "positions", "position_mentions")
        found = built.model.mention_vectors(*(batch[name] for name in names), 1)[0]
    assert end - start == 2
    torch.testing.assert_close(found, expected)


def candidates_of(built: LinkingModel, record: LinkingRecord) -> dict[int, tuple[float, float]]:
    """Row -> similarity and prior of the first mention's candidates."""
    from loreweave.tasks.jobs.records import outputs_of

    (output,) = outputs_of(built, [record])
    return {int(row): (similarity, prior) for number, row, similarity, prior in output.tolist() if number == 0}


def test_candidates_have_similarities_and_priors(built: LinkingModel) -> None:
    (record,) = query({"text": ROWS[3]["text"], "mentions": [{"start": 13, "end": 17}]}, "d")
    found = candidates_of(built, record)
    assert set(found) == {0, 1} and [prior for _, prior in found.values()] == [0.5, 0.5]
    vector = built.model.entities
    assert vector is not None
    rows = vector.of(np.array([0, 1, 2]))
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(3))


def test_a_name_that_is_not_known_gets_the_nearest_entities(built: LinkingModel) -> None:
    (record,) = query({"text": ROWS[4]["text"], "mentions": [{"start": 13, "end": 17}]}, "e")
    found = candidates_of(built, record)
    assert len(found) == 2 and all(prior == 0 for _, prior in found.values())


def test_training_forgets_the_vectors_of_entities(built: LinkingModel) -> None:
    assert built.model.entities is not None
    built.model.eval()
    before = built.model.entities.of(np.array([0])).clone()
    with torch.no_grad():
        built.model.get_input_embeddings().weight.mul_(2.0)
    torch.testing.assert_close(built.model.entities.of(np.array([0])), before)  # still remembered
    built.model.train()
    built.model.eval()
    assert not torch.allclose(built.model.entities.of(np.array([0])), before)


def test_unpacking_keeps_the_mentions_of_each_text(built: LinkingModel) -> None:
    batch: dict[str, Any] = {"input_ids": torch.zeros(2, 3), "mention_examples": torch.tensor([0, 0, 1])}
    rows = torch.tensor([[5, -1], [6, 7], [8, -1]])
    output = LinkingOutput(rows=rows, similarities=rows / 10, priors=rows / 100)
    first, second = built.encoding.unpack(output, batch)
    assert first[:, :2].tolist() == [[0, 5], [1, 6], [1, 7]] and second[:, :2].tolist() == [[0, 8]]
    assert first[2, 2:].tolist() == pytest.approx([0.7, 0.07])

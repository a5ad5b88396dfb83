"""Entity rows from what an encoder reads, against states that are computed one window at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_worlds import make_world
from torch import Tensor
from torch.nn import functional

from loreweave.build.pretraining_set import PretrainingSet, open_pretraining_set
from loreweave.checkpoints.new_luke.entity_rows import SHRINKAGE, EntitySources, covariance, start_rows_from_reading
from loreweave.checkpoints.new_luke.entity_states import EntityStates
from loreweave.checkpoints.new_luke.from_encoder import NewLuke, luke_from_encoder
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.errors import ConfigurationError

OTHERS = ["Atlantis", "Mercury_(planet)"]
SENTENCE = "Atlantis is an island that nobody found."


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, minilm_dir: Path) -> Path:
    return make_world(tmp_path_factory.mktemp("world"), minilm_dir)


@pytest.fixture(scope="module")
def data(world: Path) -> PretrainingSet:
    return open_pretraining_set(world / "data")


def vocabulary(data: PretrainingSet) -> EntityVocabulary:
    """That of the data, with two entities that do not occur in it, and one without words."""
    assert data.vocabulary is not None
    known = data.vocabulary.to_hugging_face()
    return EntityVocabulary(known | {title: len(known) + row for row, title in enumerate([*OTHERS, "\u200b"])})


def new_luke(world: Path, entities: EntityVocabulary, size: int = 32) -> NewLuke:
    return luke_from_encoder(world / "encoder", entities, entity_embedding_size=size, entities_start="words")


def states_of(built: NewLuke, ids: list[int], spans: list[tuple[int, int]]) -> Tensor:
    """States of hidden entities at these sub-words of one text. [spans, hidden]"""
    mask_id = built.tokenizer.entity_vocabulary.mask_id
    longest = max(end - start for start, end in spans)
    places = [[*range(start, end), *[-1] * (longest - end + start)] for start, end in spans]
    with torch.no_grad():
        output = built.model.luke.eval()(
            input_ids=torch.tensor([ids]),
            entity_ids=torch.tensor([[mask_id] * len(spans)]),
            entity_position_ids=torch.tensor([places]),
        )
    found: Tensor = output.entity_last_hidden_state[0]
    return found


def occurrences(built: NewLuke, data: PretrainingSet) -> dict[int, Tensor]:
    """States of all mentions by entity. [mentions, hidden]"""
    words = built.tokenizer.word_tokenizer
    found: dict[int, list[Tensor]] = {}
    for row in data.dataset:
        spans = [(s + 1, s + n + 1) for s, n in zip(row["entity_starts"], row["entity_lengths"], strict=True)]
        states = states_of(built, [words.cls_token_id, *row["word_ids"], words.sep_token_id], spans)
        for entity, state in zip(row["entity_ids"], states, strict=True):
            found.setdefault(entity, []).append(state)
    return {entity: torch.stack(states) for entity, states in found.items()}


def cosines(one: Tensor, other: Tensor) -> Tensor:
    return functional.cosine_similarity(one, other, dim=-1)


def test_rows_are_the_mean_states_of_all_hidden_mentions(world: Path, data: PretrainingSet) -> None:
    built = new_luke(world, vocabulary(data))
    line = start_rows_from_reading(built.model, built.tokenizer, EntitySources([data.dataset], {}, occurrences=100))
    assert line.startswith("rows of 11 entities: 8 from 48 occurrences in 24 windows, 2 from their titles alone, 1 random")
    embeddings, head = built.model.luke.entity_embeddings, built.model.entity_predictions
    table, words = embeddings.entity_embeddings.weight, built.model.luke.embeddings.word_embeddings.weight
    entities = built.tokenizer.entity_vocabulary
    for id in (entities.mask_id, entities.mask2_id):
        assert id is not None and table[id].equal(words[built.tokenizer.word_tokenizer.mask_token_id])
    assert not table[entities.pad_id].any() and head.decoder.weight is table
    states = occurrences(built, data)
    everything = torch.cat(list(states.values()))
    rows = sorted(states)
    centred = torch.stack([states[row].mean(0) for row in rows]) - everything.mean(0)
    assert cosines(table[rows], centred).min() > 0.9999
    assert table[rows].norm(dim=1).mean().item() == pytest.approx(words.norm(dim=1).mean().item(), rel=1e-4)
    scores = (table[rows] @ head.transform.dense.weight * table[rows]).sum(1)
    assert (scores.std() / scores.mean()).item() < 1e-4, "of one length as the head sees them"
    inputs = everything @ head.transform.dense.weight.T + head.transform.dense.bias
    assert float(inputs.mean()) == pytest.approx(3, abs=1e-3) and float(inputs.std()) == pytest.approx(0.5, abs=0.05)


def test_the_head_scores_as_linear_discriminant_analysis(world: Path, data: PretrainingSet) -> None:
    """The order of entities for a state x is that of (x - m)^T S^-1 row, up to the activation, which is nearly linear."""
    built = new_luke(world, vocabulary(data))
    start_rows_from_reading(built.model, built.tokenizer, EntitySources([data.dataset], {}, occurrences=100))
    states = occurrences(built, data)
    everything = torch.cat(list(states.values())).double()
    sums = EntityStates(12, 32)
    for row, own in states.items():
        sums.add(own, torch.full((len(own),), row))
    rows = built.model.luke.entity_embeddings.entity_embeddings.weight[sorted(states)]
    expected = (everything - everything.mean(0)) @ torch.linalg.inv(covariance(sums)) @ rows.double().T
    with torch.no_grad():
        found = built.model.entity_predictions(everything.float())[:, sorted(states)]
    assert cosines(found.double(), expected).mean() > 0.98
    assert (found.argmax(1) == expected.argmax(1)).float().mean() > 0.9


def test_a_narrow_table_keeps_the_mask_token_and_the_principal_directions(world: Path, data: PretrainingSet) -> None:
    built = new_luke(world, vocabulary(data), size=6)
    start_rows_from_reading(built.model, built.tokenizer, EntitySources([data.dataset], {}, occurrences=100))
    embeddings = built.model.luke.entity_embeddings
    directions = embeddings.entity_embedding_dense.weight.T  # [6, 32]
    torch.testing.assert_close(directions @ directions.T, torch.eye(6), atol=1e-5, rtol=0)
    words = built.tokenizer.word_tokenizer
    mask_vector = built.model.luke.embeddings.word_embeddings.weight[words.mask_token_id]
    entities = built.tokenizer.entity_vocabulary
    torch.testing.assert_close(embeddings.vectors(torch.tensor(entities.mask_id)), mask_vector, atol=1e-5, rtol=0)
    states = occurrences(built, data)
    centred = torch.stack([states[row].mean(0) for row in sorted(states)]) - torch.cat(list(states.values())).mean(0)
    assert cosines(embeddings.entity_embeddings.weight[sorted(states)], centred @ directions.T).min() > 0.9999
    rest = centred - (centred @ directions[:1].T) @ directions[:1]
    left = (rest - (rest @ directions.T) @ directions).square().sum()
    best = torch.linalg.svdvals(rest)[5:].square().sum()
    assert float(left) == pytest.approx(float(best), rel=1e-2, abs=1e-5)


def test_entities_that_do_not_occur_are_read_from_their_texts_or_titles(world: Path, data: PretrainingSet) -> None:
    """Before the sentence, the title is the mention; a bracket is read but not part of it."""
    entities = vocabulary(data)
    atlantis, mercury = entities.id_of("Atlantis"), entities.id_of("Mercury_(planet)")
    assert atlantis is not None and mercury is not None
    built = new_luke(world, entities)
    sources = EntitySources([data.dataset], {atlantis: SENTENCE}, occurrences=100)
    line = start_rows_from_reading(built.model, built.tokenizer, sources)
    assert "1 from the first sentence about them, 1 from their titles alone, 1 random" in line
    mean = torch.cat(list(occurrences(built, data).values())).mean(0)
    words = built.tokenizer.word_tokenizer
    for row, text, mention in ((atlantis, f"Atlantis: {SENTENCE}", "Atlantis"), (mercury, "Mercury (planet)", "Mercury")):
        length = len(words(mention, add_special_tokens=False)["input_ids"])
        (state,) = states_of(built, words(text)["input_ids"], [(1, 1 + length)])
        found = built.model.luke.entity_embeddings.entity_embeddings.weight[row]
        assert cosines(found, state - mean) > 0.9999


def test_descriptions_need_no_pretraining_set(world: Path, data: PretrainingSet) -> None:
    entities = vocabulary(data)
    paris = entities.id_of("Paris")
    assert paris is not None
    built = new_luke(world, entities)
    line = start_rows_from_reading(built.model, built.tokenizer, EntitySources(sentences={paris: "Paris is a city."}))
    assert line.endswith("1 from the first sentence about them, 9 from their titles alone, 1 random (titles without words)")


def test_few_occurrences_are_drawn_by_the_seed(world: Path, data: PretrainingSet) -> None:
    """One of each of eight entities: at most eight windows, and every entity."""

    def read(seed: int) -> tuple[str, Tensor]:
        built = new_luke(world, vocabulary(data))
        sources = EntitySources([data.dataset], {}, occurrences=1, seed=seed)
        line = start_rows_from_reading(built.model, built.tokenizer, sources)
        return line, built.model.luke.entity_embeddings.entity_embeddings.weight.detach()

    (line, one), (_, same), (_, other) = read(0), read(0), read(1)
    assert "8 from" in line and int(line.split(" windows")[0].split()[-1]) <= 8
    assert one.equal(same) and not one.equal(other)


def test_mentions_beyond_the_limit_are_not_read(world: Path, data: PretrainingSet) -> None:
    """With five sub-words and two special tokens, the second city of a window is out of reach."""
    built = new_luke(world, vocabulary(data))
    line = start_rows_from_reading(built.model, built.tokenizer, EntitySources([data.dataset], {}, 100, max_words=7))
    assert "8 from 24 occurrences in 24 windows" in line


def test_mentions_of_unknown_entities_are_no_occurrences(world: Path, data: PretrainingSet) -> None:
    """Such as those of common words: six mentions of a city became [UNK], and the city is read from its title."""
    entities = vocabulary(data)
    city, unknown = next(row for _, _, row in entities.items() if row not in entities.special_ids), entities.unk_id
    some = data.dataset.map(lambda row: {"entity_ids": [unknown if id == city else id for id in row["entity_ids"]]})
    built = new_luke(world, entities)
    line = start_rows_from_reading(built.model, built.tokenizer, EntitySources([some], {}, occurrences=100))
    assert line.startswith("rows of 11 entities: 7 from 42 occurrences in 24 windows, 3 from their titles alone, 1 random")


def test_words_and_the_rest_of_the_encoder_stay(world: Path, data: PretrainingSet) -> None:
    built, plain = new_luke(world, vocabulary(data)), new_luke(world, vocabulary(data))
    built.model.train()
    start_rows_from_reading(built.model, built.tokenizer, EntitySources([data.dataset]))
    before = plain.model.state_dict()
    changed = {name for name, tensor in built.model.state_dict().items() if not tensor.equal(before[name])}
    dense = {"entity_predictions.transform.dense.weight", "entity_predictions.transform.dense.bias"}
    table = {"luke.entity_embeddings.entity_embeddings.weight", "entity_predictions.decoder.weight"}
    assert changed == dense | table and built.model.training


def test_what_cannot_be_read_is_refused(world: Path, data: PretrainingSet) -> None:
    entities = vocabulary(data)
    wide = new_luke(world, entities, size=64)
    with pytest.raises(ConfigurationError, match="found 64, expected at most the hidden size 32"):
        start_rows_from_reading(wide.model, wide.tokenizer, EntitySources([data.dataset]))
    wordless = EntityVocabulary({"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "\u200b": 3})
    built = new_luke(world, wordless)
    with pytest.raises(ConfigurationError, match="found no mention to read"):
        start_rows_from_reading(built.model, built.tokenizer, EntitySources())


def test_covariance_by_hand() -> None:
    """Two entities with two states each: around their means, the variance is 1 in both directions. With one state each there is
    no such variance, and that of all states counts."""
    several = EntityStates(3, 2)
    several.add(torch.tensor([[0.0, 0], [2, 0], [5, 1], [5, 3]]), torch.tensor([0, 0, 2, 2]))
    torch.testing.assert_close(covariance(several), (1 + SHRINKAGE) * torch.eye(2, dtype=torch.float64))
    single = EntityStates(3, 2)
    single.add(torch.tensor([[0.0, 0], [2, 0]]), torch.tensor([0, 1]))
    expected = torch.tensor([[1 + SHRINKAGE / 2, 0], [0, SHRINKAGE / 2]], dtype=torch.float64)
    torch.testing.assert_close(covariance(single), expected)
    assert several.known.tolist() == [0, 2] and several.means().tolist() == [[1, 0], [5, 2]]

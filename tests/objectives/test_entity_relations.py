"""Entity relations: which pairs there are, and the loss by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_worlds import CITIES
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.graphs.entities import GraphEntity
from loreweave.corpus.graphs.knowledge_graph import GraphRelation, KnowledgeGraph
from loreweave.corpus.knowledge.entity_types import write_entity_types
from loreweave.corpus.knowledge.pair_relations import PairRelations
from loreweave.errors import DataError
from loreweave.objectives import (
    EntityRelations,
    EntityRelationsConfig,
    EntityTypes,
    EntityTypesConfig,
    RunContext,
    Window,
    WordVocabulary,
    entity_relations,
)
from loreweave.objectives.base import ObjectiveLoss
from loreweave.objectives.entity_relations import compare, have_common, pairs_loss
from loreweave.objectives.linked_mentions import LinkedMentionsObjective

VOCABULARY = EntityVocabulary.from_counts(dict.fromkeys(CITIES, 6))
PARIS, LONDON, ROME = (VOCABULARY.id_of(city) or -1 for city in CITIES[:3])


@pytest.fixture(scope="module")
def words(minilm_dir: Path) -> RunContext:
    tokenizer = AutoTokenizer.from_pretrained(minilm_dir)
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    return RunContext(tokenizer, WordVocabulary.of(tokenizer), links=VOCABULARY)


@pytest.fixture
def cities(tmp_path: Path) -> Path:
    """Paris is near London, which is larger than Paris and near Rome."""
    entities = [GraphEntity(f"Q{number}", city) for number, city in enumerate(CITIES)]
    relations = [GraphRelation("P0", "near"), GraphRelation("P1", "larger")]
    graph = KnowledgeGraph.from_parts(entities, relations, {"train": [[0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 2]]})
    graph.save(tmp_path / "graph")
    return tmp_path / "graph"


def batch(objective: EntityRelations, *entities: list[int]) -> dict[str, Tensor]:
    """Windows of ten words with one mention of one word per entity."""
    windows = []
    for ids in entities:
        links = np.array(ids, np.int64)
        window = Window(np.arange(1000, 1010), links.copy(), np.arange(len(ids)), np.ones(len(ids), int), links=links)
        window.targets["entity_relations"] = objective.mask(window, np.random.default_rng(0))
        windows.append(window)
    return objective.batch(windows, 12)


def test_pairs_of_a_graph(words: RunContext, cities: Path) -> None:
    """Within a window only, in both directions; a pair may have two relations."""
    found = batch(EntityRelations(EntityRelationsConfig(graph=str(cities)), words), [PARIS, LONDON], [ROME, LONDON], [ROME])
    assert found["pairs"].tolist() == [[0, 1], [1, 0], [3, 2]]
    assert found["relations"].tolist() == [[0, 1], [1, -1], [0, -1]] and found["labels"].tolist() == [0, 1, 0]
    assert found["entities"].tolist() == [PARIS, LONDON, ROME, LONDON, ROME]
    assert found["mentions"].tolist() == [0, 1, 2, 3, 4] and len(found["positions"]) == 5


def test_pairs_of_types_are_in_the_order_of_the_text(words: RunContext, tmp_path: Path) -> None:
    path = tmp_path / "types.jsonl"
    write_entity_types(path, {"Paris": ("capital",), "London": ("port",)})
    found = batch(
        EntityRelations(EntityRelationsConfig(types=str(path)), words), [LONDON, PARIS], [PARIS, LONDON], [ROME, PARIS]
    )
    assert found["pairs"].tolist() == [[0, 1], [2, 3]]
    assert found["relations"].tolist() == [[2], [1]], "port and capital; capital and port"


def test_an_entity_that_is_linked_twice_is_no_pair(words: RunContext, tmp_path: Path) -> None:
    path = tmp_path / "types.jsonl"
    write_entity_types(path, {"Paris": ("capital",), "London": ("port",)})
    found = batch(EntityRelations(EntityRelationsConfig(types=str(path)), words), [PARIS, PARIS, LONDON])
    assert found["pairs"].tolist() == [[0, 2], [1, 2]] and found["relations"].tolist() == [[1], [1]]


@pytest.mark.parametrize("shuffled", [False, True])
def test_the_control_has_the_pairs_of_the_knowledge(words: RunContext, tmp_path: Path, shuffled: bool) -> None:
    """Texts name together what is related. Shuffled entities would leave the control next to no pairs."""
    chain = [[number, number % 2, number + 1] for number in range(len(CITIES) - 1)]
    relations = [GraphRelation("P0", "near"), GraphRelation("P1", "far")]
    KnowledgeGraph.from_parts([GraphEntity(city, city) for city in CITIES], relations, {"train": chain}).save(tmp_path / "g")
    asked = EntityRelations(EntityRelationsConfig(graph=str(tmp_path / "g"), shuffled=shuffled), words)
    links = [VOCABULARY.id_of(city) or -1 for city in CITIES]
    found = batch(asked, *(links[number : number + 2] for number in range(len(CITIES) - 1)))
    assert found["pairs"].tolist() == [[2 * number, 2 * number + 1] for number in range(len(CITIES) - 1)]
    assert (found["labels"].tolist() == [0, 1, 0, 1, 0, 1, 0]) is not shuffled


def test_a_batch_without_pairs(words: RunContext, cities: Path) -> None:
    asked = EntityRelations(EntityRelationsConfig(graph=str(cities)), words)
    found = batch(asked, [PARIS], [ROME])
    assert found["pairs"].shape == (0, 2) and found["relations"].shape == (0, 1) and len(found["labels"]) == 0
    loss = asked.loss(None, torch.nn.Linear(8, 4), found | {"states": torch.zeros(2, 4, requires_grad=True)})
    loss.total.backward()
    assert float(loss.total.detach()) == 0 and int(loss.correct) == 0


def loss_of(
    vectors: Tensor, relations: list[list[int]], entities: list[list[int]], mentions: list[list[int]] | None = None
) -> ObjectiveLoss:
    """Without `mentions`, each pair is of two mentions of its own."""
    places = torch.arange(2 * len(vectors)).view(-1, 2) if mentions is None else torch.tensor(mentions)
    columns = torch.cat([torch.tensor(relations), torch.tensor(entities), places], dim=1)
    return pairs_loss(vectors, vectors, *compare(columns, columns), 0.5)


def test_the_loss_by_hand() -> None:
    """Three pairs at 0, 60 and 90 degrees: 0 and 1 have a common relation. Temperature 1/2, so logits are 2 cos."""
    angles = torch.tensor([0.0, math.pi / 3, math.pi / 2], requires_grad=True)
    vectors = torch.stack([angles.cos(), angles.sin()], 1)
    loss = loss_of(vectors, [[4, 7], [7, -1], [5, -1]], [[1, 2], [3, 4], [5, 6]])
    root = math.sqrt(3)
    first = -math.log(math.e / (math.e + 1))  # 2 cos 60 = 1, 2 cos 90 = 0
    second = -math.log(math.e / (math.e + math.exp(root)))
    assert float(loss.total.detach()) == pytest.approx(first + second, rel=1e-5)
    assert int(loss.correct) == 1
    loss.total.backward()
    assert angles.grad is not None and angles.grad.isfinite().all() and angles.grad.abs().sum() > 0


@pytest.mark.parametrize("second", [[1, 2], [2, 1]])
def test_pairs_of_the_same_entities_do_not_count(second: list[int]) -> None:
    """Neither as correct nor as wrong ones, in any order (a symmetric relation), and padding is no common relation."""
    vectors = torch.eye(3)
    loss = loss_of(vectors, [[4, -1], [4, -1], [5, -1]], [[1, 2], second, [5, 6]])
    assert float(loss.total) == 0 and int(loss.correct) == 0
    wrong = loss_of(torch.ones(3, 2) / math.sqrt(2), [[4], [7], [4]], [[1, 2], second, [5, 6]])
    assert float(wrong.total) == pytest.approx(math.log(2)), "the first has the third alone, the third has both"


@pytest.mark.parametrize("second", [[0, 3], [3, 0], [1, 3], [3, 1]])
@pytest.mark.parametrize("relation", [4, 5])
def test_pairs_that_share_a_mention_do_not_count(second: list[int], relation: int) -> None:
    """The first two pairs share the state of one mention, whatever its role: neither is correct or wrong for the other. All
    vectors are equal. Each of the two has the third pair alone beside it, and the third has the two.
    """
    loss = loss_of(torch.ones(3, 2) / math.sqrt(2), [[4], [relation], [4]], [[1, 2], [3, 4], [5, 6]], [[0, 1], second, [6, 7]])
    assert float(loss.total) == pytest.approx(math.log(2)), "of the third pair: one of two is correct, or the mean over two"
    assert int(loss.correct) == (3 if relation == 4 else 2)


def test_other_mentions_of_an_entity_count() -> None:
    """Paris is linked in two windows: the pairs share a name, but no state."""
    loss = loss_of(torch.ones(3, 2) / math.sqrt(2), [[4], [4], [5]], [[1, 2], [1, 3], [5, 6]], [[0, 1], [2, 3], [4, 5]])
    assert float(loss.total) == pytest.approx(2 * math.log(2))


def test_mentions_are_those_of_a_window(words: RunContext, cities: Path) -> None:
    """London is near Rome and larger than Paris, Paris is near London. In one window, all pairs share London; beside a window
    with Paris and London alone, the two pairs that say "near" of different entities are compared."""
    asked = EntityRelations(EntityRelationsConfig(graph=str(cities), masked_share=0.0), words)
    together = batch(asked, [PARIS, LONDON, ROME])
    assert together["relations"].tolist() == [[0, 1], [1, -1], [0, -1]] and int(asked.count_targets(together)) == 0
    apart = batch(asked, [PARIS, LONDON], [LONDON, ROME])
    assert apart["relations"].tolist() == [[0, 1], [1, -1], [0, -1]] and int(asked.count_targets(apart)) == 2


def test_targets_are_the_pairs_with_another(words: RunContext, cities: Path) -> None:
    """Rome near London has the relation of Paris; the same pair twice has none. Loss and accuracy are divided by these."""
    graph = KnowledgeGraph.from_parts(
        [GraphEntity(city, city) for city in CITIES],
        [GraphRelation(f"P{number}", f"relation {number}") for number in range(3)],
        {"train": [[0, 0, 1], [2, 0, 3], [4, 1, 5], [6, 2, 7]]},
    )
    graph.save(cities.parent / "four")
    asked = EntityRelations(EntityRelationsConfig(graph=str(cities.parent / "four")), words)
    ids = [VOCABULARY.id_of(city) or -1 for city in CITIES]
    found = batch(asked, ids[:2], ids[2:4], ids[4:6], ids[6:])
    assert found["relations"].tolist() == [[0], [0], [1], [2]] and int(asked.count_targets(found)) == 2
    states = torch.randn(len(found["positions"]), 4, generator=torch.Generator().manual_seed(0))
    loss = asked.loss(None, torch.nn.Linear(8, 4), found | {"states": states})
    assert {name: float(part) for name, part in loss.parts.items()} == {"pairs": 4, "left_out": 0}


def crowded(seed: int, max_pairs: int | None, words: RunContext, types: Path, draws: list[int]) -> dict[str, Tensor]:
    """Windows of 12 mentions of three entities: 48 pairs of different entities, in the order of the text."""
    asked = EntityRelations(EntityRelationsConfig(types=str(types), max_pairs=max_pairs), replace(words, seed=seed))
    windows = []
    for draw in draws:
        links = np.array([PARIS, LONDON, ROME] * 4, np.int64)
        window = Window(np.arange(1000, 1020), links.copy(), np.arange(12), np.ones(12, int), links=links, draw=draw)
        window.targets["entity_relations"] = asked.mask(window, np.random.default_rng(0))
        windows.append(window)
    return asked.batch(windows, 22)


def test_a_window_has_at_most_max_pairs(words: RunContext, types_file: Path) -> None:
    """Drawn without replacement, by the run's seed and the number of the draw alone."""
    whole = crowded(3, None, words, types_file, [5])
    assert whole["pairs"].shape == (48, 2) and whole["left_out"].tolist() == [0]
    found = crowded(3, 10, words, types_file, [5, 6])
    assert found["pairs"].shape == (20, 2) and found["left_out"].tolist() == [2 * 38] and len(found["labels"]) == 20
    first = found["pairs"][:10]
    everything = {tuple(pair): row.tolist() for pair, row in zip(whole["pairs"].tolist(), whole["relations"], strict=True)}
    assert [everything[tuple(pair)] for pair in first.tolist()] == found["relations"][:10].tolist()
    assert len({tuple(pair) for pair in first.tolist()}) == 10
    assert crowded(3, 10, words, types_file, [5])["pairs"].tolist() == first.tolist()
    assert crowded(3, 10, words, types_file, [6])["pairs"].tolist() == (found["pairs"][10:] - 12).tolist() != first.tolist()
    assert crowded(4, 10, words, types_file, [5])["pairs"].tolist() != first.tolist()


def test_only_the_chosen_pairs_are_asked_for_their_relations(
    words: RunContext, types_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10 of 48 pairs for each of two windows, which are padded together."""
    asked: list[int] = []
    of = PairRelations.of

    def counting(self: PairRelations, heads: np.ndarray, tails: np.ndarray) -> np.ndarray:
        asked.append(len(heads))
        return of(self, heads, tails)

    monkeypatch.setattr(PairRelations, "of", counting)
    crowded(3, 10, words, types_file, [5, 6])
    assert asked == [20]


def test_processes_may_have_other_numbers_of_relations(
    words: RunContext, types_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables that are exchanged have as many columns in every process: another one has a pair with 9 relations."""
    found = crowded(3, 10, words, types_file, [5, 6])
    assert found["relations"].shape == (20, 4)
    alone = entity_relations._columns(found)
    monkeypatch.setattr(entity_relations, "most_columns", lambda table: 9)
    padded = entity_relations._columns(found)
    assert padded.shape == (20, 9 + 4) and (padded[:, 4:9] == -1).all()
    assert (padded[:, :4] == alone[:, :4]).all() and (padded[:, 9:] == alone[:, 4:]).all()


def test_the_pairs_of_a_seed_never_change(words: RunContext, types_file: Path) -> None:
    """Of 48 pairs in the order of the text, those that numpy's generator chooses: runs resume with them."""
    pairs = [[one, two] for one in range(12) for two in range(one + 1, 12) if one % 3 != two % 3]
    chosen = np.sort(np.random.default_rng([3, 9, 5]).choice(48, 10, replace=False))
    assert crowded(3, 10, words, types_file, [5])["pairs"].tolist() == [pairs[place] for place in chosen]


def test_pairs_left_out_are_shown(words: RunContext, types_file: Path) -> None:
    """As a number in the log, and the limit before training."""
    asked = EntityRelations(EntityRelationsConfig(types=str(types_file), max_pairs=12), words)
    assert "at most 12 pairs of a window" in asked.summary()[0]
    found = crowded(0, 12, words, types_file, [0, 1])
    loss = asked.loss(None, torch.nn.Linear(8, 4), found | {"states": torch.ones(len(found["positions"]), 4)})
    assert {name: float(part) for name, part in loss.parts.items()} == {"pairs": 24, "left_out": 72}


def test_mentions_that_begin_together_are_a_pair(words: RunContext, types_file: Path) -> None:
    """In the order of the window's mentions."""
    asked = EntityRelations(EntityRelationsConfig(types=str(types_file), probability=1.0, masked_share=0.0), words)
    rows = np.array([PARIS, LONDON, ROME])
    window = Window(np.arange(20), rows, np.array([4, 4, 2]), np.array([3, 2, 1]), links=rows)
    window.targets[asked.name] = asked.mask(window, np.random.default_rng(0))
    assert asked._pairs(window, window.targets[asked.name])[0].tolist() == [[0, 1], [2, 0], [2, 1]]


def test_what_objectives_hide_together(words: RunContext, types_file: Path) -> None:
    """Types hide half of the mentions; relations hide the same ones, and decide about mentions that are no target of types."""
    types = EntityTypes(EntityTypesConfig(types=str(types_file)), words)
    some = EntityTypes(EntityTypesConfig(types=str(types_file), probability=0.5), words)
    relations = EntityRelations(EntityRelationsConfig(types=str(types_file)), words)
    less = EntityRelations(EntityRelationsConfig(types=str(types_file), masked_share=0.1), words)
    more = EntityRelations(EntityRelationsConfig(types=str(types_file), masked_share=0.9), words)
    links = np.array([PARIS, LONDON, ROME] * 300, np.int64)

    def hidden(*objectives: LinkedMentionsObjective) -> np.ndarray:
        window = Window(np.arange(1000, 1900), links.copy(), np.arange(900), np.ones(900, int), links=links)
        for number, objective in enumerate(objectives):
            objective.mask(window, np.random.default_rng(number))
        return window.word_ids != np.arange(1000, 1900)

    alone = hidden(types)
    assert 400 < alone.sum() < 500
    assert (hidden(types, relations) == alone).all() and (hidden(types, less) == alone).all()
    assert (hidden(types, more) & alone == alone).all() and 770 < hidden(types, more).sum() < 850
    chosen = hidden(some, relations)
    assert 400 < chosen.sum() < 500 and (chosen & hidden(some) == hidden(some)).all() and 180 < hidden(some).sum() < 270


def test_pairs_with_many_relations_fit_in_memory() -> None:
    """1,500 pairs of 100 relations each: comparing each relation with each would take 22 GB."""
    relations = torch.arange(1500)[:, None] * 99 + torch.arange(100)  # pair i and i + 1 have one common relation
    found = have_common(relations, relations)
    assert found.shape == (1500, 1500) and int(found.sum()) == 1500 + 2 * 1499
    assert found.diagonal(1).all() and not found.diagonal(2).any()


def test_padding_is_no_common_relation() -> None:
    found = have_common(torch.tensor([[4, -1], [-1, -1]]), torch.tensor([[5, -1], [7, 4], [-1, -1]]))
    assert found.tolist() == [[False, True, False], [False, False, False]]


def test_several_correct_pairs_are_averaged() -> None:
    """Equal vectors: every other pair has the probability one half."""
    loss = loss_of(torch.ones(3, 2) / math.sqrt(2), [[4], [4], [4]], [[1, 2], [3, 4], [5, 6]])
    assert float(loss.total) == pytest.approx(3 * math.log(2))


def test_a_graph_of_other_entities_is_refused(words: RunContext, tmp_path: Path) -> None:
    entities = [GraphEntity(f"Q{number}", f"town {number}") for number in range(3)]
    relations = [GraphRelation("P0", "near"), GraphRelation("P1", "far")]
    KnowledgeGraph.from_parts(entities, relations, {"train": [[0, 0, 1], [1, 1, 2]]}).save(tmp_path / "towns")
    with pytest.raises(DataError, match="found 0 pairs of 0 entities in 0 relations among the linked entities"):
        EntityRelations(EntityRelationsConfig(graph=str(tmp_path / "towns")), words)

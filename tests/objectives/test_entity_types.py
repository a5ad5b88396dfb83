"""Entity types: which mentions are targets, what is hidden, and the loss by hand."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_worlds import CITIES
from tokenizers.processors import TemplateProcessing
from torch import nn
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from loreweave.build.pretraining_store import PretrainingSet
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.knowledge.entity_types import write_entity_types
from loreweave.errors import ConfigurationError, DataError
from loreweave.models.type_head import TypeHead
from loreweave.objectives import EntityTypes, EntityTypesConfig, RunContext, Window, WordVocabulary
from loreweave.objectives.entity_types import NameTexts, name_vectors, types_loss

VOCABULARY = EntityVocabulary.from_counts(dict.fromkeys(CITIES, 6))
PARIS, LONDON, BERN = (VOCABULARY.id_of(city) or -1 for city in ("Paris", "London", "Bern"))


@pytest.fixture(scope="module")
def words(minilm_dir: Path) -> RunContext:
    tokenizer = AutoTokenizer.from_pretrained(minilm_dir)
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    return RunContext(tokenizer, WordVocabulary.of(tokenizer), links=VOCABULARY)


def window() -> Window:
    """Ten words; Paris at 1 and 2, Bern (without a type) at 4, London at 7."""
    ids = np.array([PARIS, BERN, LONDON])
    return Window(np.arange(1000, 1010), ids.copy(), np.array([1, 4, 7]), np.array([2, 1, 1]), links=ids)


def objective(context: RunContext, types: Path, **settings: object) -> EntityTypes:
    return EntityTypes(EntityTypesConfig(types=str(types), **settings), context)  # type: ignore[arg-type]


def test_mentions_of_typed_entities_are_targets(words: RunContext, types_file: Path) -> None:
    """All of them, with all their sub-words hidden at masked_share 1; Bern has no type."""
    example = window()
    asked = objective(words, types_file, masked_share=1.0)
    targets = asked.mask(example, np.random.default_rng(0))
    assert targets.positions.tolist() == [0, 2] and targets.labels.tolist() == [PARIS, LONDON]
    assert words.words is not None
    assert np.flatnonzero(example.word_ids == words.words.mask_id).tolist() == [1, 2, 7]
    assert example.entity_ids.tolist() == [PARIS, BERN, LONDON], "a word-only run has no entities to hide"


def test_nothing_is_hidden_at_share_zero(words: RunContext, types_file: Path) -> None:
    example = window()
    targets = objective(words, types_file, masked_share=0.0).mask(example, np.random.default_rng(0))
    assert len(targets.positions) == 2 and example.word_ids.tolist() == list(range(1000, 1010))


def test_half_of_many_are_hidden_and_chosen(words: RunContext, types_file: Path) -> None:
    asked = objective(words, types_file, masked_share=0.5, probability=0.4)
    rng, hidden, chosen = np.random.default_rng(1), 0, 0
    for _ in range(1000):
        example = window()
        chosen += len(asked.mask(example, rng).positions)
        hidden += int((example.word_ids[7] != 1007) + (example.word_ids[1] != 1001))
    assert 740 < chosen < 860 and 340 < hidden < 460


def test_the_entity_of_a_hidden_mention_is_hidden_in_a_luke(words: RunContext, types_file: Path) -> None:
    """Also if masked entities has hidden it before: the label is that of the link."""
    example = window()
    example.entity_ids[0] = VOCABULARY.mask_id
    targets = objective(replace(words, entities=VOCABULARY), types_file, masked_share=1.0).mask(
        example, np.random.default_rng(0)
    )
    assert example.entity_ids.tolist() == [VOCABULARY.mask_id, BERN, VOCABULARY.mask_id]
    assert targets.labels.tolist() == [PARIS, LONDON]


def test_a_batch_of_two_windows(words: RunContext, types_file: Path) -> None:
    """Positions in the flattened states of width 12, behind the start token; types are padded."""
    asked = objective(words, types_file)
    windows = [window(), window()]
    for example in windows:
        example.targets["entity_types"] = asked.mask(example, np.random.default_rng(0))
    batch = asked.batch(windows, 12)
    assert batch["positions"].tolist() == [2, 3, 8, 14, 15, 20]
    assert batch["mentions"].tolist() == [0, 0, 1, 2, 2, 3]
    assert batch["labels"].tolist() == [PARIS, LONDON, PARIS, LONDON]
    names = asked.types.names
    assert names == ("capital", "holy city", "large city")
    assert batch["types"].tolist() == [[2, 0], [0, -1], [2, 0], [0, -1]]


def test_no_mention_no_target(words: RunContext, types_file: Path) -> None:
    asked = objective(words, types_file)
    nothing = np.empty(0, dtype=np.int64)
    example = Window(np.arange(5), nothing, nothing, nothing, links=nothing)
    example.targets["entity_types"] = asked.mask(example, np.random.default_rng(0))
    batch = asked.batch([example], 7)
    assert [len(batch[name]) for name in ("positions", "mentions", "labels", "types")] == [0, 0, 0, 0]
    head = nn.Linear(4, 3)
    loss = asked.loss(None, head, batch | {"states": torch.zeros(0, 4)})
    loss.total.backward()
    assert float(loss.total.detach()) == 0 and int(loss.correct) == 0


def set_of(source: str | None = None, **settings: object) -> PretrainingSet:
    manifest = {"settings": settings, "entity_vocabulary": {}} | ({} if source is None else {"source": source})
    return PretrainingSet(Path("build/pages"), manifest)


@pytest.mark.parametrize("data", [set_of(include_unknown_entities=True), set_of(source="tfrecord")])
def test_unknown_entities_are_not_taught_as_none(words: RunContext, types_file: Path, data: PretrainingSet) -> None:
    """[UNK] stands for entities in such a set. Without the class, they are no targets."""
    both = replace(words, data=[set_of(common_words=0.5, include_unknown_entities=False), data])
    with pytest.raises(ConfigurationError, match=r"no_entity: found true, but in build/pages \[UNK\] .* --common-words 0.5"):
        objective(both, types_file, no_entity=True)
    assert not objective(both, types_file).known[VOCABULARY.unk_id]


def test_data_without_common_words_are_named(words: RunContext, types_file: Path) -> None:
    """Sets that do not say it, and one of two sets with common words, are no reason to warn; nor is plain text."""

    def warned(*data: PretrainingSet) -> bool:
        lines = objective(replace(words, data=data), types_file, no_entity=True).summary()
        assert len(lines) == 1 or lines[1].startswith("warning: entity_types.no_entity is true, but no set of data was built")
        return len(lines) == 2

    plain = PretrainingSet(Path("build/plain"), {"settings": {}, "entity_vocabulary": None})
    assert warned(set_of(common_words=0)) and warned(set_of(common_words=0), plain)
    assert not warned(set_of(common_words=0), set_of(common_words=0.5)) and not warned(set_of()) and not warned(plain)


def test_a_shuffled_head_keeps_its_shuffling(words: RunContext, types_file: Path, encoder: nn.Module, tmp_path: Path) -> None:
    """In evaluation and further training with any seed."""

    def shuffled(seed: int, head: Path | None = None) -> EntityTypes:
        asked = None if head is None else str(head)
        return objective(replace(words, seed=seed), types_file, shuffled=True, head=asked)

    trained = shuffled(1)
    other = next(seed for seed in range(2, 9) if shuffled(seed).types.types.tolist() != trained.types.types.tolist())
    folder = tmp_path / "run" / "model"
    folder.mkdir(parents=True)
    trained.save(None, TypeHead(torch.eye(3, 4), 0.1), folder)
    again = shuffled(other, folder)
    assert again.types.types.tolist() == trained.types.types.tolist()
    further = tmp_path / "further"
    further.mkdir()
    again.save(None, TypeHead(torch.eye(3, 4), 0.1), further)
    assert shuffled(other, further).types.types.tolist() == trained.types.types.tolist()
    with pytest.raises(ConfigurationError, match="entity_types.shuffled: found false, .*model was trained otherwise"):
        objective(words, types_file, head=str(folder))


def test_a_shuffled_head_of_an_older_version_has_the_seed_of_its_run(
    words: RunContext, types_file: Path, tmp_path: Path
) -> None:
    trained = objective(replace(words, seed=1), types_file, shuffled=True)
    folder = tmp_path / "run" / "model"
    folder.mkdir(parents=True)
    trained.save(None, TypeHead(torch.eye(3, 4), 0.1), folder)
    path = folder / "entity_types.json"
    described = json.loads(path.read_text())
    described["training"].pop("seed")
    path.write_text(json.dumps(described))
    with pytest.raises(ConfigurationError, match="found no seed of the shuffling in .*expected it there or in the config.json"):
        objective(replace(words, seed=5), types_file, shuffled=True, head=str(folder))
    (tmp_path / "run" / "config.json").write_text('{"seed": 1}')
    again = objective(replace(words, seed=5), types_file, shuffled=True, head=str(folder))
    assert again.types.types.tolist() == trained.types.types.tolist()


def test_the_loss_by_hand() -> None:
    """Log-softmax of (0, log 2, log 3) is log(1/6), log(2/6), log(3/6). The second mention has the first and the third type."""
    logits = torch.tensor([[0.0, math.log(2), math.log(3)]] * 2, requires_grad=True)
    loss = types_loss(logits, torch.tensor([[1, -1], [0, 2]]))
    assert float(loss.total.detach()) == pytest.approx(math.log(3) + (math.log(6) + math.log(2)) / 2)
    assert int(loss.correct) == 1
    loss.total.backward()
    assert logits.grad is not None
    probabilities = torch.tensor([1 / 6, 1 / 3, 1 / 2])
    wanted = torch.stack([probabilities - torch.tensor([0, 1.0, 0]), probabilities - torch.tensor([0.5, 0, 0.5])])
    torch.testing.assert_close(logits.grad, wanted)


def test_names_are_the_mean_of_their_sub_words(encoder: nn.Module, context: RunContext) -> None:
    """Each alone, without the start and the end token, and without dropout."""
    assert context.tokenizer is not None
    names = ["city", "old large city", "river"]
    texts = NameTexts.of(names, context.tokenizer, "types.jsonl")
    found = name_vectors(encoder.train(), texts, context.tokenizer.pad_token_id, batch_size=2)
    assert encoder.training
    encoder.eval()
    for vector, name in zip(found, context.tokenizer(names)["input_ids"], strict=True):
        states = encoder(input_ids=torch.tensor([name])).last_hidden_state[0, 1:-1]
        torch.testing.assert_close(vector, states.mean(0))


def test_names_in_a_tokenizer_that_adds_an_end_alone(encoder: nn.Module, context: RunContext) -> None:
    """Every sub-word of a name counts, whatever the special tokens are."""
    tokenizer = copy.deepcopy(context.tokenizer)
    assert tokenizer is not None
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing("$A [SEP]", special_tokens=[("[SEP]", 3)])
    texts = NameTexts.of(["large city", "river"], tokenizer, "types.jsonl")
    assert [len(ids) - sum(inside) for ids, inside in zip(texts.ids, texts.inside, strict=True)] == [1, 1]
    (vector, _) = name_vectors(encoder, texts, tokenizer.pad_token_id)
    states = encoder(input_ids=torch.tensor(texts.ids[:1])).last_hidden_state[0, :-1]
    torch.testing.assert_close(vector, states.mean(0))


def test_a_name_without_a_sub_word_is_refused(words: RunContext, tmp_path: Path) -> None:
    """Its vector would be no number, and the loss of every mention with it."""
    path = tmp_path / "types.jsonl"
    write_entity_types(path, {"Paris": ("city",), "London": ("\u200b",)})
    with pytest.raises(DataError, match="has no sub-word for the encoder") as raised:
        objective(words, path)
    assert str(path) in str(raised.value) and "\\u200b" in str(raised.value)


def test_names_that_the_encoder_reads_alike_are_counted(words: RunContext, tmp_path: Path) -> None:
    path = tmp_path / "types.jsonl"
    write_entity_types(path, {"Paris": ("City",), "London": ("city",), "Bern": ("town",)})
    (line,) = objective(words, path).summary()
    assert "1 type cannot be told from another by the encoder's sub-words" in line


def test_data_without_a_target_are_reported_once(words: RunContext, types_file: Path) -> None:
    asked = objective(words, types_file)
    (line,) = asked.watch({"loss": 0.0, "accuracy": 1.0}, 10, 100)
    assert asked.watch({"loss": 0.0, "accuracy": 1.0}, 20, 100) == []
    assert line.startswith("warning: up to step 10, the loss of entity_types is 0: there is nothing to tell its targets from")
    assert objective(words, types_file).watch({"loss": 0.7, "accuracy": 0.0}, 10, 100) == []


def test_types_that_teach_nothing_are_refused(words: RunContext, tmp_path: Path) -> None:
    path = tmp_path / "types.jsonl"
    write_entity_types(path, {"Paris": ("city",), "London": ("city",), "Atlantis": ("island",)})
    with pytest.raises(DataError, match="found the type 'city' alone, expected at least two"):
        objective(words, path)
    write_entity_types(path, {"Atlantis": ("island",)})
    with pytest.raises(DataError, match="found no entity with a type"):
        objective(words, path)


def test_plain_text_has_no_links(words: RunContext, types_file: Path) -> None:
    with pytest.raises(ConfigurationError, match="found sets of plain text alone, expected one with links"):
        objective(replace(words, links=None), types_file)


def test_the_summary_says_what_is_known(words: RunContext, types_file: Path) -> None:
    (line,) = objective(words, types_file).summary()
    assert line == "entity_types: 7 of 8 entities have a type (3 types), 88% of the links that the vocabulary counts"
    assert objective(words, types_file, shuffled=True).summary()[0].endswith("; control: the types are shuffled among entities")


def test_unlinked_mentions_are_of_no_entity(words: RunContext, types_file: Path) -> None:
    """The class comes after the three types, and its vector is learned."""
    asked = objective(words, types_file, no_entity=True)
    ids = np.array([PARIS, VOCABULARY.unk_id])
    example = Window(np.arange(1000, 1010), ids.copy(), np.array([1, 4]), np.array([1, 1]), links=ids)
    example.targets["entity_types"] = asked.mask(example, np.random.default_rng(0))
    batch = asked.batch([example], 12)
    assert batch["labels"].tolist() == ids.tolist() and batch["types"].tolist() == [[2, 0], [3, -1]]
    without = objective(words, types_file).mask(example, np.random.default_rng(0))
    assert without.labels.tolist() == [PARIS]

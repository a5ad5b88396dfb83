"""Texts longer than an encoder's positions are cut where they must be, whatever way the encoder counts positions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_encoders import make_tiny_bert
from transformers import CONFIG_MAPPING, AutoModel, AutoModelForMaskedLM

from loreweave.checkpoints import latent_typing
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.models.sparse_typing import SparseTypingHead
from loreweave.tasks import entity_typing, few_shot_ner, few_shot_relation, link_prediction, ner, relation_classification
from loreweave.tasks.latent_types.model import TypePredictor
from loreweave.tasks.link_prediction.model import load as load_link_prediction
from loreweave.tasks.link_prediction.settings import ModelSettings

ROOM = {
    "mpnet": 24, "longformer": 21, "ibert": 21, "roberta-prelayernorm": 21, "roberta": 21, "distilbert": 26, "deberta-v2": 26,
}  # fmt: skip
"""Sub-words that 26 rows hold, where padding is 4 (MPNet's class counts from 2 always)."""
OF_KIND: dict[str, dict[str, Any]] = {
    "longformer": {"attention_window": [4]},
    "distilbert": {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 16},
}
LONG = "ann lives in oslo . " * 20


@pytest.fixture(scope="module", params=ROOM)
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A folder whose tokenizer names no limit, and the number of sub-words that its encoder reads."""
    folder = make_tiny_bert(tmp_path_factory.mktemp("encoder"))
    for file in ("model.safetensors", "config.json"):
        (folder / file).unlink()
    words = json.loads((folder / "tokenizer_config.json").read_text())
    words.pop("model_max_length", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(words | {"tokenizer_class": "PreTrainedTokenizerFast"}))
    kind = request.param
    size = len((folder / "vocab.txt").read_text().split())
    torch.manual_seed(0)
    config = CONFIG_MAPPING[kind](
        vocab_size=size, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=26, pad_token_id=4, bos_token_id=2, eos_token_id=3, type_vocab_size=2, **OF_KIND.get(kind, {}),
    )  # fmt: skip
    AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    return folder, ROOM[kind]


@pytest.mark.parametrize(
    ("task", "settings", "labels"),
    [
        (ner, {"max_mention_length": 4}, ["person"]),
        (entity_typing, {}, ["person", "city"]),
        (entity_typing, {"head": "kepler", "kepler_second_end": True}, ["person", "city"]),
        (relation_classification, {}, ["none", "lives_in"]),
    ],
)
def test_tasks_with_a_classifier(encoder: tuple[Path, int], task: Any, settings: dict[str, Any], labels: list[str]) -> None:
    folder, room = encoder
    declared = task.PARTS.training
    built = declared.build(str(folder), labels, declared.config(max_length=512, **settings))
    place = LONG.rindex("oslo")
    mentions = [(0, 3), (place, place + 4)]
    asked = {"ner": [], "entity-typing": mentions[1:], "relation-classification": mentions}[declared.name]
    rows = task.TASK.rows(LONG, asked)
    records = [record for row in rows for record in task.PARTS.query(row, "a")]
    examples = built.encoding.encode(records)
    assert max(example.length for example in examples) <= room
    with torch.no_grad():
        output = built.model.eval()(**built.encoding.collate(examples))
    assert output.logits.isfinite().all()
    used = max(int(built.encoding.collate([example])["attention_mask"].sum()) for example in examples)
    assert used == room, "no position is left unused"


def test_few_shot_names(encoder: tuple[Path, int]) -> None:
    from loreweave.tasks.few_shot_ner.model import load_any

    for asked in (None, 512):
        loaded, _ = load_any(encoder[0], seed=1, max_length=asked)
        assert loaded.encoding.max_length == encoder[1]  # type: ignore[attr-defined]  # a WordEncoding


@pytest.mark.parametrize("method", ["prototypes", "pair"])
def test_few_shot_relations(encoder: tuple[Path, int], method: str) -> None:
    from loreweave.tasks.few_shot_relation.model import FewShotRelationConfig, build
    from loreweave.tasks.relations.record import RelationRecord

    config = FewShotRelationConfig(max_length=512, method=method, way=2, shot=1)  # type: ignore[arg-type]  # parametrised
    built = build(str(encoder[0]), ["one", "other"], config)
    place = LONG.rindex("oslo")
    rows = [
        RelationRecord(id=str(n), text=LONG, head=(0, 3), tail=(place, place + 4), label=label, metadata={})
        for n, label in enumerate(["one", "one", "other", "other"])
    ]
    with torch.no_grad():
        batch = built.encoding.collate(built.encoding.encode(rows, ["one", "other"])[:2])
        batch.pop("labels")
        assert built.model.eval()(**batch).logits.isfinite().all()


def test_texts_of_a_graph(encoder: tuple[Path, int]) -> None:
    entities = [GraphEntity("Q1", "ann", LONG), GraphEntity("Q2", "oslo", LONG)]
    graph = KnowledgeGraph.from_parts(entities, [GraphRelation("P1", "lives", LONG)], {"test": [[0, 0, 1]]})
    assert load_link_prediction(encoder[0], graph, ModelSettings(untrained=True)).text.max_length == encoder[1]
    assert link_prediction.TASK.name == "link-prediction" and few_shot_ner.TASK and few_shot_relation.TASK


def test_latent_types(encoder: tuple[Path, int]) -> None:
    head = SparseTypingHead.of(AutoModel.from_pretrained(encoder[0]), types=2)
    latent_typing.save(encoder[0], head, {})
    (typed,) = TypePredictor(encoder[0], max_length=512).predict([LONG])
    assert len(typed.tokens) == encoder[1]

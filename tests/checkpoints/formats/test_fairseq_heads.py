"""KEPLER's heads in a file of fairseq: into side files and back, and what a file cannot hold is not written."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path

import fairseq_roberta as original
import pytest
import torch
from fairseq_roberta import REAL, TOKENS, close

from loreweave.checkpoints import convert, knowledge_embedding
from loreweave.checkpoints.formats import fairseq
from loreweave.errors import CheckpointError


def test_keplers_heads_go_into_side_files(tmp_path: Path) -> None:
    heads = {**original.knowledge_head("wikiData"), **original.knowledge_head("wordnet", 3, gamma=1.0)}
    halved = {name: tensor.half() for name, tensor in (original.tensors("0.8") | heads).items()}
    file = original.write(tmp_path / "in", "0.8", model=OrderedDict(halved), args=original.namespace(tokens_per_sample=24))
    report = convert(file, tmp_path / "out")
    assert knowledge_embedding.names(tmp_path / "out") == ["wikiData", "wordnet"]
    described = knowledge_embedding.describe(tmp_path / "out", "wikiData")
    assert (described.scorer, described.gamma, described.variant, described.pooling) == ("transe_l2", 4.0, "wiki", "first")
    assert described.relation_ids is None and described.graph is None and not described.normalize
    assert (described.text.max_length, described.text.relation_max_length, described.text.truncation) == (24, 3, "sequence")
    model = knowledge_embedding.load(tmp_path / "out", name="wordnet")
    table = halved["ke_heads.wordnet.relation_emb.weight"].float()
    assert model.head.gamma == 1.0 and model.head.relation_embeddings is not None
    assert torch.equal(model.head.relation_embeddings.weight, table)
    state = {name: tensor.float() for name, tensor in halved.items() if not name.startswith("ke_heads")}
    with torch.no_grad():
        embedded = model.embed(TOKENS, REAL.long())
    assert close(embedded, original.states(state, TOKENS)[:, 0])
    assert any("no relation ids" in note for note in report.notes) and any("float16" in note for note in report.notes)


@pytest.mark.parametrize(("option", "variant"), [("relation_desc", "cond"), ("relemb_from_desc", "rel")])
def test_the_variant_is_what_the_code_did(tmp_path: Path, option: str, variant: str) -> None:
    state = original.tensors("0.8") | original.knowledge_head("wikiData")
    file = original.write(tmp_path / "in", "0.8", model=state, args=original.namespace(**{option: True}))
    report = convert(file, tmp_path / "out")
    head = knowledge_embedding.load_head(tmp_path / "out")
    assert knowledge_embedding.describe(tmp_path / "out").variant == variant
    assert (head.relation_embeddings is None) == (variant == "rel") == bool(report.dropped)


@pytest.mark.parametrize(("setting", "value"), [("pooling", "mean"), ("normalize", True)])
def test_a_head_that_keplers_code_would_feed_otherwise_is_not_written(tmp_path: Path, setting: str, value: object) -> None:
    state = original.tensors("0.8") | original.knowledge_head("wikiData")
    convert(original.write(tmp_path / "in", "0.8", model=state), ours := tmp_path / "ours")
    (file,) = ours.glob("knowledge_embedding*.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {setting: value}))
    with pytest.raises(CheckpointError, match=rf"head wikiData: {setting} {value}, the target has.*--lossy"):
        convert(ours, tmp_path / "back", to="fairseq", fairseq_version="0.8")
    assert not (tmp_path / "back").exists()
    report = convert(ours, tmp_path / "back", to="fairseq", fairseq_version="0.8", lossy=True)
    assert len(report.lost) == 1
    assert not convert(ours, tmp_path / "new", to="fairseq").lost  # which has no place for the head, and says so


def test_two_heads_of_different_variants_do_not_both_fit(tmp_path: Path) -> None:
    heads = original.knowledge_head("wikiData") | original.knowledge_head("wordnet")
    convert(original.write(tmp_path / "in", "0.8", model=original.tensors("0.8") | heads), ours := tmp_path / "ours")
    file = next(ours.glob("knowledge_embedding.wordnet.json"))
    file.write_text(json.dumps(json.loads(file.read_text()) | {"variant": "cond"}))
    with pytest.raises(CheckpointError, match="head wordnet: variant cond, the target has wiki"):
        convert(ours, tmp_path / "back", to="fairseq", fairseq_version="0.8")


@pytest.mark.parametrize("back", [False, True])
def test_a_head_that_scores_otherwise_is_not_written(tmp_path: Path, back: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the margin were lost on the way."""
    state = original.tensors("0.8") | original.knowledge_head("wikiData", gamma=9.0)
    origin = original.write(tmp_path / "in", "0.8", model=state)
    if back:
        convert(origin, origin := tmp_path / "ours")
    module, name = (fairseq, "read_head") if back else (knowledge_embedding, "load_head")
    read = getattr(module, name)

    def damaged(*args: object, **named: object) -> object:
        head = read(*args, **named)
        head.gamma += 1.0
        return head

    monkeypatch.setattr(module, name, damaged)
    with pytest.raises(CheckpointError, match="head wikiData: scores off by up to 1"):
        convert(origin, tmp_path / "out", **({"to": "fairseq", "fairseq_version": "0.8"} if back else {}))  # type: ignore[arg-type]

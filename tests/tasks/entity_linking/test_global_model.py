"""LUKE's global model: scores, orders, entities outside the vocabulary, and what is saved."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import layouts
import numpy as np
import pytest
import torch
from linking_world import write
from pretraining_runs import interrupting
from safetensors.torch import load_file
from task_jobs import evaluate, silent

import loreweave
from loreweave.checkpoints import load_luke
from loreweave.corpus.mentions.dictionary import MentionDictionary, NameCounts
from loreweave.errors import ConfigurationError
from loreweave.models import LukeForMaskedLM
from loreweave.tasks.entity_linking.description_rows import DescriptionRows, id_of, read_map
from loreweave.tasks.entity_linking.global_encoding import GlobalEncoding
from loreweave.tasks.entity_linking.global_network import LukeLinker
from loreweave.tasks.entity_linking.linker import LinkingModel
from loreweave.tasks.entity_linking.model import build, load
from loreweave.tasks.entity_linking.reader import query, read
from loreweave.tasks.entity_linking.settings import EntityLinkingConfig
from loreweave.tasks.jobs.records import outputs_of
from loreweave.tasks.registry import load_task
from loreweave.training.runs.endings import Interrupted

TASK = load_task("entity-linking")
TEXT = {"text": "ann lives in Oslo and works in Paris .", "mentions": [{"start": 13, "end": 17}, {"start": 31, "end": 36}]}


@pytest.fixture
def built(tiny_luke: Path, entities: Path) -> LinkingModel:
    config = EntityLinkingConfig(entities=str(entities), max_length=48, max_mention_length=8)
    linker = build(str(tiny_luke), ["linked"], config)
    linker.model.eval()
    return linker


def rows_of(linker: LinkingModel) -> tuple[LukeLinker, GlobalEncoding]:
    assert isinstance(linker.model, LukeLinker) and isinstance(linker.encoding, GlobalEncoding)
    return linker.model, linker.encoding


def test_entities_of_the_vocabulary_keep_their_rows_and_others_get_new_ones(built: LinkingModel) -> None:
    model, encoding = rows_of(built)
    vocabulary = encoding.original.entity_vocabulary
    assert encoding.rows.ids.tolist() == [vocabulary.id_of("Oslo"), model.own_rows, vocabulary.id_of("Paris")]
    assert len(model.get_entity_embeddings().weight) == model.own_rows + 1 == len(model.entity_predictions.bias)
    assert id_of(encoding.finder.table[1], vocabulary) is None  # its label is that of another entity


def batch_of(built: LinkingModel) -> dict[str, torch.Tensor]:
    return built.encoding.collate(built.encoding.encode(query(TEXT, "t")))


def reference(built: LinkingModel, batch: dict[str, torch.Tensor], order: str) -> torch.Tensor:
    """Scores by the plain model with the extended table, one forward pass after the other."""
    names = ("input_ids", "attention_mask", "entity_ids", "entity_attention_mask", "entity_position_ids")
    inputs = {name: batch[name].clone() for name in names}
    ids, known = batch["candidate_ids"], batch["candidates"] >= 0
    final = torch.zeros(ids.shape)
    waiting = [0, 1]
    while waiting:
        with torch.no_grad():
            logits = LukeForMaskedLM.forward(built.model, **inputs).entity_logits[0]  # type: ignore[union-attr,index]
        scores = logits.gather(1, ids).masked_fill(~known, -1e4)
        if order == "local":
            return scores.masked_fill(~known, 0)
        sure = scores.softmax(1).amax(1)
        chosen = waiting[0] if order == "natural" else max(waiting, key=lambda one: float(sure[one]))
        for one in waiting:
            final[one] = scores[one]
        inputs["entity_ids"][0, chosen] = ids[chosen, scores[chosen].argmax()]
        waiting.remove(chosen)
    return final.masked_fill(~known, 0)


@pytest.mark.parametrize("order", ["local", "natural", "confidence"])
def test_scores_are_those_of_the_masked_entity_head(built: LinkingModel, order: Any) -> None:
    model, _ = rows_of(built)
    with torch.no_grad():
        model.get_entity_embeddings().weight.normal_(generator=torch.Generator().manual_seed(1))
    batch, model.order = batch_of(built), order
    with torch.inference_mode():
        output = model(**batch)
    expected = reference(built, batch, order)
    found = output.similarities.masked_fill(batch["candidates"] < 0, 0)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_the_next_pass_reads_what_was_chosen(built: LinkingModel) -> None:
    model, _ = rows_of(built)
    with torch.no_grad():
        model.get_entity_embeddings().weight.normal_(generator=torch.Generator().manual_seed(1))
    batch, found = batch_of(built), {}
    for order in ("local", "natural"):
        model.order = order  # type: ignore[assignment]
        with torch.inference_mode():
            found[order] = model(**batch).similarities
    torch.testing.assert_close(found["natural"][0], found["local"][0])  # the first mention is linked in the first pass
    assert not torch.allclose(found["natural"][1, :1], found["local"][1, :1])


def test_training_masks_a_share_and_shows_the_others(built: LinkingModel, data: Path) -> None:
    model, encoding = rows_of(built)
    records = query(TEXT, "t")
    (example,) = encoding.encode(records)
    example = type(example)(0, example.ids, example.mentions, example.spans, example.names, [0, 2])
    encoding.mask_share = 1.0
    batch = encoding.collate([example])
    assert batch["labels"].tolist() == [0, 0] and set(batch["entity_ids"].flatten().tolist()) == {model.mask_id}
    encoding.mask_share = 0.0
    batch = encoding.collate([example])
    assert batch["labels"].tolist() == [-100, -100] and batch["entity_ids"].tolist() == [encoding.rows.ids[[0, 2]].tolist()]
    model.train()
    assert model(**{name: tensor for name, tensor in batch.items() if name != "labels"}).logits.shape == (2, 2)


def test_training_mentions_whose_entity_is_no_candidate_are_counted(tiny_luke: Path, entities: Path, tmp_path: Path) -> None:
    names = MentionDictionary.from_counts({"the bank": NameCounts({"Oslo": 1})})
    names.save(tmp_path / "names")
    config = EntityLinkingConfig(entities=str(entities), dictionary=str(tmp_path / "names"), max_length=48)
    encoding = build(str(tiny_luke), ["linked"], config).encoding
    text = "the bank and Oslo and Paris"
    mentions = [{"start": 0, "end": 8, "entity": "Paris"}, {"start": 13, "end": 17, "entity": "Oslo"}]
    mentions.append({"start": 22, "end": 27, "entity": "Oslo"})
    records = read(write(tmp_path / "data.jsonl", [{"id": "a", "text": text, "mentions": mentions}])).records
    encoding.encode(records)
    assert encoding.report() == ""
    encoding.encode(records, ["linked"])
    assert encoding.report() == "training mentions whose entity is not among the candidates (2)"


def test_which_mentions_are_masked_depends_on_the_seed_the_epoch_and_the_window(built: LinkingModel) -> None:
    _, encoding = rows_of(built)
    (example,) = encoding.encode(query(TEXT, "t"))
    windows = [replace(example, record=record, gold=[0, 2]) for record in range(8)]
    encoding.mask_share = 0.5

    def masked(torch_seed: int) -> list[list[bool]]:
        torch.manual_seed(torch_seed)  # as in other processes, and after other batches
        found = [encoding.collate([window])["labels"].tolist() for window in windows]
        assert encoding.collate(windows)["labels"].tolist() == [label for labels in found for label in labels]
        return [[label >= 0 for label in labels] for labels in found]

    # numpy.random.default_rng([seed, 11, epoch, record, first mention]).random(2) < 0.5
    expected = {
        (seed, epoch): [(np.random.default_rng([seed, 11, epoch, n, 0]).random(2) < 0.5).tolist() for n in range(8)]
        for seed, epoch in ((0, 0), (0, 1), (5, 0))
    }
    assert len({str(each) for each in expected.values()}) == 3
    for (encoding.seed, encoding.epoch), wanted in expected.items():
        assert masked(1) == masked(2) == wanted


def test_an_interrupted_run_of_a_luke_resumes_to_the_same_weights(
    tiny_luke: Path, data: Path, entities: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"entities": str(entities), "epochs": 2, "batch_size": 1, "max_length": 32, "device": "cpu", "mask_share": 0.8}
    settings |= {"optimizer.learning_rate": 1e-2, "gradient_accumulation_steps": 1, "keep": "last"}

    def run(name: str, **options: Any) -> dict[str, torch.Tensor]:
        again = loreweave.finetune(
            "entity-linking", tiny_luke, train=data, dev=data, output=tmp_path / name, report=silent, **settings, **options
        )
        kept = load_file(again.path / "model" / "model.safetensors")
        return kept | load_file(again.path / "model" / "linking_description_map.safetensors")

    whole = run("whole")
    for step in (1, 4):  # within an epoch of four updates, and at its end
        with monkeypatch.context() as patched, pytest.raises(Interrupted):
            patched.setattr("loreweave.training.finetuning.StopOnInterrupt", interrupting(step))
            run(f"stopped-{step}")
        resumed = run(f"stopped-{step}", resume=True)
        assert whole.keys() == resumed.keys()
        assert [name for name in whole if not torch.equal(whole[name], resumed[name])] == []


def test_rows_of_descriptions_follow_the_fitted_map(built: LinkingModel, monkeypatch: pytest.MonkeyPatch) -> None:
    model, encoding = rows_of(built)
    size = model.get_entity_embeddings().embedding_dim
    predicted = torch.randn(3, size, generator=torch.Generator().manual_seed(2))
    monkeypatch.setattr(DescriptionRows, "_read", lambda self, rows: predicted[torch.from_numpy(rows)])
    with torch.no_grad():  # the only described entity of the vocabulary has twice the predicted vector as its row
        model.get_entity_embeddings().weight[int(encoding.rows.ids[0])] = 2 * predicted[0]
    encoding.rows.need(np.array([1]))
    torch.testing.assert_close(model.get_entity_embeddings().weight[model.own_rows], 2 * predicted[1], rtol=1e-4, atol=1e-4)


def test_rows_of_a_checkpoint_are_kept_and_missing_ones_are_set(built: LinkingModel, monkeypatch: pytest.MonkeyPatch) -> None:
    model, encoding = rows_of(built)
    size = model.get_entity_embeddings().embedding_dim
    monkeypatch.setattr(DescriptionRows, "_read", lambda self, rows: torch.ones(len(rows), size))
    weight, outside = model.get_entity_embeddings().weight, model.own_rows
    windows = [replace(one, gold=[0, 2]) for one in encoding.encode(query(TEXT, "t"))]
    for stored, kept in ((7.0, True), (0.0, False)):
        with torch.no_grad():
            weight[outside] = stored
        encoding.rows.forget()
        encoding.begin_epoch(windows, 0, resumed=True)
        assert bool((weight[outside] == 7).all()) is kept and bool((weight[outside] != 0).all())
    with torch.no_grad():
        weight[outside] = 7.0
    encoding.begin_epoch(windows, 1, resumed=False)
    assert not (weight[outside] == 7).any() and encoding.epoch == 1


def test_only_the_rows_of_the_vocabulary_are_saved(built: LinkingModel, tmp_path: Path) -> None:
    model, encoding = rows_of(built)
    (before,) = outputs_of(built, query(TEXT, "t"))
    built.save_pretrained(tmp_path / "model")
    plain = load_luke(tmp_path / "model", LukeForMaskedLM)
    assert plain.model.config.entity_vocab_size == model.own_rows and not plain.report.new_modules
    tensors = load_file(tmp_path / "model" / "model.safetensors")
    model.load_state_dict(tensors, strict=False)  # as a resumed run loads its checkpoint
    assert len(model.get_entity_embeddings().weight) == model.own_rows + 1
    again = loreweave.load(tmp_path / "model", device="cpu").loaded
    (after,) = outputs_of(again, query(TEXT, "t"))
    assert encoding.rows.map is not None and after == pytest.approx(before, abs=1e-5)


def test_a_run_from_a_luke_trains_everything_but_the_entities(
    tiny_luke: Path, data: Path, entities: Path, tmp_path: Path
) -> None:
    settings = {"entities": str(entities), "epochs": 1, "batch_size": 2, "max_length": 32, "device": "cpu"}
    run = loreweave.finetune(
        "entity-linking", tiny_luke, train=data, dev=data, output=tmp_path / "run", report=silent, **settings
    )
    assert run.results["dev"]["candidate_recall"] == 1
    before, after = (load_luke(path, LukeForMaskedLM).model for path in (tiny_luke, tmp_path / "run"))
    torch.testing.assert_close(after.get_entity_embeddings().weight, before.get_entity_embeddings().weight)
    assert not torch.equal(after.get_input_embeddings().weight, before.get_input_embeddings().weight)
    for order in ("local", "natural", "confidence"):
        evaluation, _ = evaluate(TASK, tmp_path / "run", data, settings=[f"order={order}"])
        assert evaluation.metrics["candidate_recall"] == 1


def test_the_test_score_of_a_run_is_that_of_its_model(tiny_luke: Path, data: Path, entities: Path, tmp_path: Path) -> None:
    """The entity outside the vocabulary has a row from its description there too."""
    settings = {"entities": str(entities), "epochs": 1, "batch_size": 2, "max_length": 32, "device": "cpu"}
    run = loreweave.finetune(
        "entity-linking", tiny_luke, train=data, dev=data, test=data, output=tmp_path / "run", report=silent, **settings
    )
    evaluation, _ = evaluate(TASK, tmp_path / "run", data)
    for split in ("dev", "test"):
        assert run.results[split] == pytest.approx(evaluation.metrics)
        lines = [json.loads(line) for line in (tmp_path / "run" / "predictions" / f"{split}.jsonl").open()]
        assert lines == [json.loads(json.dumps(row)) for row in evaluation.predictions]


def test_a_luke_without_training_links_too(tiny_luke: Path, data: Path, entities: Path) -> None:
    settings = ["untrained=true", f"entities={entities}"]
    evaluation, _ = evaluate(TASK, tiny_luke, data, settings=settings)
    assert evaluation.metrics["candidate_recall"] == 1
    with pytest.raises(ConfigurationError, match="setting 'cache': a LUKE has a table of entities"):
        evaluate(TASK, tiny_luke, data, settings=[*settings, "cache=x"])
    with pytest.raises(ConfigurationError, match="setting 'names': a LUKE predicts an entity among the candidates"):
        evaluate(TASK, tiny_luke, data, settings=[*settings, "names=false"])


def test_a_part_of_a_name_gives_a_luke_candidates_if_that_is_wanted(tiny_luke: Path, tmp_path: Path) -> None:
    table = write(tmp_path / "table.jsonl", [{"id": "a", "label": "Bob Dylan"}, {"id": "b", "label": "Oslo"}])
    mentions = [{"start": 0, "end": 5, "entity": "a"}]
    data = write(tmp_path / "dylan.jsonl", [{"id": "1", "text": "Dylan sang.", "mentions": mentions}])
    settings = ["untrained=true", f"entities={table}"]
    assert evaluate(TASK, tiny_luke, data, settings=settings)[0].metrics["accuracy"] == 0
    assert evaluate(TASK, tiny_luke, data, settings=[*settings, "partial_names=true"])[0].metrics["accuracy"] == 1


def test_a_published_disambiguation_model_links(tmp_path: Path) -> None:
    torch.manual_seed(0)
    folder, reference, _ = layouts.write_disambiguation(tmp_path / "ed")
    rows = [{"id": title, "label": name} for title, name in zip(layouts.TITLES[3:], ("ann", "ann", "bob"), strict=False)]
    entities = write(tmp_path / "entities.jsonl", rows)
    config = EntityLinkingConfig(entities=str(entities), max_length=16, max_mention_length=4)
    built = build(str(folder), ["linked"], config)
    built.model.eval()
    (example,) = built.encoding.encode(query({"text": "ann", "mentions": [{"start": 0, "end": 3}]}, "a"))
    batch = built.encoding.collate([example])
    with torch.no_grad():
        names = ("input_ids", "attention_mask", "entity_ids", "entity_attention_mask", "entity_position_ids")
        logits = reference(**{name: batch[name] for name in names}).entity_logits[0, 0]
        found = built.model(**batch)
    assert found.rows.tolist() == [[0, 1]]
    torch.testing.assert_close(found.similarities[0], logits[batch["candidate_ids"][0]], rtol=1e-4, atol=1e-4)


def test_a_new_entity_of_a_luke_can_be_linked_at_once(
    tiny_luke: Path, entities: Path, built: LinkingModel, tmp_path: Path
) -> None:
    built.save_pretrained(tmp_path / "model")
    new = write(tmp_path / "new.jsonl", [{"id": "Q9", "label": "Bonn", "description": "a long river"}])
    predictor = loreweave.load(tmp_path / "model", device="cpu", settings={"added_entities": str(new)})
    (answer,) = predictor.predict_rows([{"text": "ann lives in Bonn ."}])
    assert [(one["entity"], one["start"]) for one in answer["predicted"]] == [("Q9", 13)]


def test_a_plain_linker_has_no_order(run: Any, data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="setting 'order': found a linker over descriptions"):
        evaluate(TASK, tmp_path / "run", data, settings=["order=local"])


@pytest.mark.parametrize("with_dev", [True, False])
def test_the_saved_map_suits_the_saved_weights(
    tiny_luke: Path, data: Path, entities: Path, tmp_path: Path, with_dev: bool
) -> None:
    settings = {"entities": str(entities), "epochs": 2, "batch_size": 2, "max_length": 32, "device": "cpu", "keep": "last"}
    settings |= {"optimizer.learning_rate": 1e-2} | ({"dev": data} if with_dev else {})
    run = loreweave.finetune("entity-linking", tiny_luke, train=data, output=tmp_path / "run", report=silent, **settings)
    linker = load(run.path / "model")
    _, encoding = rows_of(linker)
    stored = encoding.rows.map
    assert stored is not None
    encoding.rows.forget()
    encoding.rows.need(np.arange(3))
    torch.testing.assert_close(stored, encoding.rows.map)


def test_a_map_of_other_weights_is_removed(built: LinkingModel, tmp_path: Path) -> None:
    _, encoding = rows_of(built)
    encoding.rows.need(np.arange(3))
    built.save_pretrained(tmp_path / "model")
    assert read_map(tmp_path / "model") is not None
    encoding.rows.forget()
    built.save_pretrained(tmp_path / "model")
    assert read_map(tmp_path / "model") is None

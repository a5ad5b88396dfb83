"""Checkpoint, graph and protocol to ranks: against going through all candidates one by one, and the same however computed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_encoders import make_tiny_bert, make_tiny_luke
from tiny_graphs import Oracle

from loreweave.corpus.graphs.knowledge_graph import GraphEntity, KnowledgeGraph
from loreweave.errors import ConfigurationError, DataError
from loreweave.metrics.known_answers import SIDES
from loreweave.tasks import embedding_cache
from loreweave.tasks.contract import Execution
from loreweave.tasks.jobs.evaluate import evaluate_task
from loreweave.tasks.link_prediction import TASK
from loreweave.tasks.link_prediction.reader import PROTOCOLS, entities_of
from loreweave.training.evaluation import Evaluation

VARIANTS = ("wiki", "rel", "cond", "contrastive", "table")
WORLD = ("inductive_train", "inductive_valid", "inductive_test")


def run(
    model: Path, graph: Path, *settings: str, output: Path | None = None, batch_size: int = 3
) -> tuple[Evaluation, dict[str, Any]]:
    how = Execution(device="cpu", batch_size=batch_size, report=lambda line: None)
    return evaluate_task(TASK, model, graph, settings=["bootstrap=20", *settings], execution=how, output=output)


def without_times(results: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in results.items() if name not in ("seconds", "embeddings", "settings")}


def same_arrays(first: Evaluation, second: Evaluation) -> bool:
    return all(np.array_equal(array, second.arrays[name]) for name, array in first.arrays.items())


def known_triples(graph: KnowledgeGraph, splits: tuple[str, ...]) -> set[tuple[int, int, int]]:
    return {tuple(int(part) for part in row) for split in splits for row in graph.triples[split]}  # type: ignore[misc]


def check_ranks(found: Evaluation, oracle: Oracle, graph: KnowledgeGraph, split: str, candidates: Any, known: Any) -> None:
    for number, triple in enumerate(graph.triples[split]):
        for side in SIDES:
            wanted = oracle.ranks(side, triple, candidates, known)
            arrays = [found.arrays[f"{side}_{name}"][number] for name in ("greater", "candidates")]
            assert tuple(arrays) == wanted, (side, triple)


@pytest.mark.parametrize("variant", VARIANTS)
def test_transductive_ranks(
    variant: str, graph: KnowledgeGraph, graph_folder: Path, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    """All entities are candidates and all splits are filtered; results are the mean over both sides."""
    settings = ["unseen=worst"] if variant == "table" else []
    evaluation, results = run(checkpoints[variant], graph_folder, *settings, f"cache={tmp_path}", "block_size=8")
    oracle = Oracle(checkpoints[variant], graph, variant)
    known = known_triples(graph, tuple(graph.triples))
    if variant == "table":  # the triple with an entity that train lacks has the last rank
        assert evaluation.arrays["head_greater"][8] + 1 == evaluation.arrays["head_candidates"][8]
        evaluation.arrays["head_greater"][8], _ = oracle.ranks("head", graph.triples["test"][8], range(20), known)
        evaluation.arrays["tail_greater"][8], _ = oracle.ranks("tail", graph.triples["test"][8], range(20), known)
    check_ranks(evaluation, oracle, graph, "test", range(20), known)
    assert results["unseen"] == {
        "policy": "worst" if variant == "table" else "encode",
        "triples_with_unseen_entities": 1,
        "triples_with_unseen_relations": 1,
        "skipped": 0,
        "worst_rank": int(variant == "table"),
    }
    assert results["candidates"] == 20 and results["checkpoint"]["trained_on_this_graph"]
    ranks = [row[f"{side}_rank"]["realistic"] for side in SIDES for row in evaluation.predictions]
    assert results["mrr"] == pytest.approx(np.mean([1 / rank for rank in ranks]))


def test_kepler_inductive_ranks(graph: KnowledgeGraph, graph_folder: Path, checkpoints: dict[str, Path]) -> None:
    """Candidates and filter are the evaluated split's own."""
    evaluation, results = run(checkpoints["wiki"], graph_folder, "protocol=kepler-inductive", "split=inductive_test")
    own = entities_of(graph, ["inductive_test"])
    assert results["candidates"] == len(own) < 8 and results["filtered_splits"] == ["inductive_test"]
    assert results["published_ranks"] == "pessimistic"
    assert results["embeddings"]["encoded"] == len(own)
    oracle = Oracle(checkpoints["wiki"], graph, "wiki")
    check_ranks(evaluation, oracle, graph, "inductive_test", own, known_triples(graph, ("inductive_test",)))


def test_blp_says_which_ends_are_new(graph_folder: Path, checkpoints: dict[str, Path]) -> None:
    evaluation, results = run(checkpoints["wiki"], graph_folder, "protocol=blp")
    plain, _ = run(checkpoints["wiki"], graph_folder)
    assert same_arrays(evaluation, plain)
    assert {row["new"]: row["count"] for row in results["by_new_ends"]} == {"none": 18, "head": 2}
    _, inductive = run(checkpoints["wiki"], graph_folder, "protocol=blp", "split=inductive_test")
    assert [row["new"] for row in inductive["by_new_ends"]] == ["both"]


def test_grail_ranks_among_all_and_among_a_few(graph: KnowledgeGraph, graph_folder: Path, checkpoints: dict[str, Path]) -> None:
    """Entities and filter are the inductive graph's; the few are drawn anew each time, and the same for the same seed."""
    few = ["protocol=grail", "negatives=2", "repetitions=4"]
    evaluation, results = run(checkpoints["contrastive"], graph_folder, *few)
    candidates, known = entities_of(graph, WORLD), known_triples(graph, WORLD)
    assert results["split"] == "inductive_test" and results["candidates"] == len(candidates) == 8
    check_ranks(
        evaluation, Oracle(checkpoints["contrastive"], graph, "contrastive"), graph, "inductive_test", candidates, known
    )
    times = [row for row in results["sampled"] if isinstance(row["repetition"], int)]
    assert len(times) == 4 and len({row["mr"] for row in times}) > 1
    assert all(1 <= row["mr"] <= 3 and row["hits_at_3"] == 1 for row in times)
    assert results["sampled_mrr"] == pytest.approx(np.mean([row["mrr"] for row in times]))
    assert run(checkpoints["contrastive"], graph_folder, *few)[1]["sampled"] == results["sampled"]
    assert run(checkpoints["contrastive"], graph_folder, *few, "seed=1")[1]["sampled"] != results["sampled"]
    _, everything = run(checkpoints["contrastive"], graph_folder, "protocol=grail", "negatives=50", "repetitions=1")
    assert everything["sampled"][0]["mr"] == pytest.approx(everything["mr"])  # there are fewer than 50, so all are drawn


@pytest.mark.parametrize("variant", ["wiki", "rel", "cond", "contrastive"])
def test_entities_of_one_text_tie_at_every_batch_size(
    variant: str, graph: KnowledgeGraph, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    """Their vectors differed in the last bits, by the padding of the texts beside them: some ranks changed."""
    shared = {2: 0, 5: 0, 7: 1, 8: 1, 9: 0, 10: 1, 13: 0, 14: 1, 17: 0}  # entity -> whose text it has
    entities = [replace(graph.entities[shared.get(row, row)], id=f"Q{row}") for row in range(graph.num_entities)]
    KnowledgeGraph.from_parts(entities, graph.relations, graph.triples).save(tmp_path / "shared")
    found = {size: run(checkpoints[variant], tmp_path / "shared", batch_size=size)[0] for size in (1, 7, 32)}
    assert same_arrays(found[1], found[7]) and same_arrays(found[1], found[32])
    equals = {row: [other for other in range(20) if shared.get(other, other) == shared.get(row, row)] for row in range(20)}
    known = known_triples(graph, tuple(graph.triples))
    for number, (head, relation, tail) in enumerate(graph.triples["test"].tolist()):
        wanted = sum((head, relation, other) not in known for other in equals[tail])
        assert found[1].arrays["tail_ties"][number] == wanted, (head, relation, tail)


@pytest.mark.parametrize("variant", ["wiki", "cond"])
def test_cached_resumed_and_fresh_results_are_one(
    variant: str, graph_folder: Path, checkpoints: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_cache.EmbeddingCache.__init__, "__kwdefaults__", {
        **(embedding_cache.EmbeddingCache.__init__.__kwdefaults__ or {}), "shard_rows": 6,
    })  # fmt: skip
    fresh, results = run(checkpoints[variant], graph_folder)
    stored, _ = run(checkpoints[variant], graph_folder, f"cache={tmp_path}")
    again, reused = run(checkpoints[variant], graph_folder, f"cache={tmp_path}")
    assert same_arrays(fresh, stored) and same_arrays(fresh, again)
    assert reused["embeddings"]["encoded"] == 0 and reused["embeddings"]["from_cache"] >= 20
    shards = sorted(tmp_path.rglob("*.safetensors"))
    assert len(shards) >= 4
    for shard in shards[1:]:  # as if interrupted after the first
        shard.unlink()
    resumed, after = run(checkpoints[variant], graph_folder, f"cache={tmp_path}")
    assert same_arrays(fresh, resumed) and without_times(after) == without_times(results)
    assert 0 < after["embeddings"]["encoded"] < results["embeddings"]["encoded"]


def test_two_processes_give_what_one_gives(graph_folder: Path, checkpoints: dict[str, Path], tmp_path: Path) -> None:
    alone, results = run(checkpoints["cond"], graph_folder, "protocol=grail", "negatives=3")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "loreweave"]
    command = ["evaluate", "link-prediction", "--model", str(checkpoints["cond"]), "--data", str(graph_folder)]
    options = ["--device", "cpu", "--batch-size", "3", "--output", str(tmp_path / "out"), "--json"]
    settings = ["protocol=grail", "negatives=3", "bootstrap=20", f"cache={tmp_path / 'cache'}"]
    done = subprocess.run(
        [*launch, *command, *options, *settings], capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert without_times(json.loads(done.stdout)) == json.loads(json.dumps(without_times(results)))
    written = np.load(tmp_path / "out" / "predictions" / "inductive_test.npz")
    assert all(np.array_equal(array, written[name]) for name, array in alone.arrays.items())


def test_one_side_alone(graph_folder: Path, checkpoints: dict[str, Path]) -> None:
    both, _ = run(checkpoints["wiki"], graph_folder)
    evaluation, results = run(checkpoints["wiki"], graph_folder, "side=tail")
    assert {row["side"] for row in results["by_side"]} == {"tail"} and "head_greater" not in evaluation.arrays
    assert np.array_equal(evaluation.arrays["tail_greater"], both.arrays["tail_greater"])
    tail = next(row for row in both.tables["by_side"] if (row["side"], row["ranks"]) == ("tail", "realistic"))
    assert results["mrr"] == tail["mrr"]


def test_what_cannot_be_scored(graph_folder: Path, checkpoints: dict[str, Path]) -> None:
    """Policies for entities that train lacks, each counted."""
    _, skipped = run(checkpoints["wiki"], graph_folder, "unseen=skip")
    assert skipped["skipped"] == {"triples with an entity that is not in train": skipped["unseen"]["skipped"]}
    assert (skipped["records"], skipped["unseen"]["skipped"]) == (9, 1)
    assert sum(row["count"] for row in skipped["per_relation"]) == 18
    worst, results = run(checkpoints["wiki"], graph_folder, "unseen=worst")
    row = worst.predictions[8]
    assert row["head"] == "Q11" and row["tail_rank"]["realistic"] == row["tail_rank"]["candidates"] > 10
    assert results["unseen"]["worst_rank"] == 1 and run(checkpoints["wiki"], graph_folder)[1]["mr"] < results["mr"]
    assert run(checkpoints["table"], graph_folder)[1]["unseen"]["policy"] == "worst"
    with pytest.raises(ConfigurationError, match="has a table of entities and no texts"):
        run(checkpoints["table"], graph_folder, "unseen=encode")
    with pytest.raises(DataError, match="nothing to score: 6 triples, each with"):
        run(checkpoints["wiki"], graph_folder, "protocol=grail", "unseen=skip")


def test_entities_without_text_are_counted(graph: KnowledgeGraph, checkpoints: dict[str, Path], tmp_path: Path) -> None:
    some = [GraphEntity(entity.id, entity.label if row < 15 else "") for row, entity in enumerate(graph.entities)]
    KnowledgeGraph.from_parts(some, graph.relations, graph.triples).save(tmp_path / "some")
    lines: list[str] = []
    how = Execution(device="cpu", report=lines.append)
    _, results = evaluate_task(TASK, checkpoints["wiki"], tmp_path / "some", settings=["bootstrap=0"], execution=how)
    assert results["text"]["candidates"] == {"nothing": 6, "description": 0, "label": 14, "alias": 0}
    assert "6 of 20 candidates without text" in lines
    none = [GraphEntity(entity.id) for entity in graph.entities]
    KnowledgeGraph.from_parts(none, graph.relations, graph.triples).save(tmp_path / "none")
    with pytest.raises(DataError, match="none of the 20 entities has a description, label or alias"):
        run(checkpoints["wiki"], tmp_path / "none")


def test_results_say_on_what_they_rest(
    graph: KnowledgeGraph, graph_folder: Path, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    _, results = run(checkpoints["wiki"], graph_folder, output=tmp_path / "out")
    assert json.loads((tmp_path / "out" / "results.json").read_text()) == json.loads(json.dumps(results))
    assert len((tmp_path / "out" / "predictions" / "test.jsonl").read_text().splitlines()) == 10
    assert results["graph"] == {"fingerprint": graph.fingerprint, "entities": 20, "relations": 3}
    assert results["checkpoint"]["hash"] == embedding_cache.hash_of_folder(checkpoints["wiki"])
    assert (results["protocol"], results["split"], results["records"]) == ("transductive", "test", 10)
    assert results["text"]["candidates"] == {"nothing": 0, "description": 18, "label": 1, "alias": 1}
    assert sum(results["text"]["asked"].values()) < 20 and results["text"]["relations"]["description"] == 3
    assert results["settings"]["protocol"] == "transductive" and results["settings"]["bootstrap"] == 20


@pytest.mark.parametrize("make", [make_tiny_bert, make_tiny_luke])
def test_an_untrained_encoder_is_a_baseline_when_asked_for(
    make: Any, graph: KnowledgeGraph, graph_folder: Path, tmp_path: Path
) -> None:
    """Relations are states of their descriptions, the scorer is TransE (KEPLER's RoBERTa rows)."""
    bert = tmp_path / "bert"
    bert.mkdir()
    model = make_tiny_bert(bert) if make is make_tiny_bert else make_tiny_luke(make_tiny_bert(bert), tmp_path / "luke")
    _, results = run(model, graph_folder, "untrained=true", "max_length=16", "pooling=mean")
    assert results["checkpoint"]["scorer"] == "transe_l1" and results["checkpoint"]["pooling"] == "mean"
    assert results["checkpoint"]["head"] == "untrained" and not results["checkpoint"]["trained_on_this_graph"]
    if make is make_tiny_bert:
        evaluation, _ = run(model, graph_folder, "untrained=true", "max_length=16", "scorer=transe_l1")
        oracle = Oracle(model, graph, "rel")
        oracle.relation_length = 16
        check_ranks(evaluation, oracle, graph, "test", range(20), known_triples(graph, tuple(graph.triples)))


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        ("wiki", "relations are matched by their ids, entities are read from their texts"),
        ("table", "entities and relations are matched by their ids"),
        ("rel", "entities and relations are read from their texts"),
        ("contrastive", "entities and relations are read from their texts"),
    ],
)
def test_on_another_graph_it_is_said_what_is_matched(
    variant: str, said: str, graph: KnowledgeGraph, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    other = KnowledgeGraph.from_parts(graph.entities, graph.relations[::-1], {"test": graph.triples["test"][:1]})
    other.save(tmp_path / "other")
    lines: list[str] = []
    settings = ["bootstrap=0", *(["unseen=worst"] if variant == "table" else [])]
    how = Execution(device="cpu", report=lines.append)
    evaluate_task(TASK, checkpoints[variant], tmp_path / "other", settings=settings, execution=how)
    assert f"the checkpoint was trained on another graph; {said}" in lines


def test_a_kind_of_ranks_is_named_where_authors_report_one(graph_folder: Path, checkpoints: dict[str, Path]) -> None:
    """KEPLER's transductive ranks are pessimistic, those of others realistic, and GraIL sorts."""
    found = {}
    for protocol in PROTOCOLS:
        lines: list[str] = []
        how = Execution(device="cpu", report=lines.append)
        split = [] if protocol == "grail" else ["split=inductive_test"]
        settings = ["bootstrap=0", f"protocol={protocol}", *split]
        _, results = evaluate_task(TASK, checkpoints["wiki"], graph_folder, settings=settings, execution=how)
        found[protocol] = results["published_ranks"]
        (line,) = (line for line in lines if line.startswith(f"{protocol}: "))
        assert line.endswith(f"; its authors report {found[protocol]} ranks") == (found[protocol] is not None)
    assert found == {"transductive": None, "kepler-inductive": "pessimistic", "blp": "realistic", "grail": None}

"""Episodes to answers: every sentence once, and the same numbers as the model of training."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_encoders import make_tiny_luke
from transformers import AutoTokenizer, RobertaConfig, RobertaModel

from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.contract import Execution, Reading
from loreweave.tasks.few_shot_relation.episodes import RelationEpisode, write_episodes
from loreweave.tasks.few_shot_relation.evaluation import Matcher, evaluate
from loreweave.tasks.few_shot_relation.matching import pair_logits, prototype_logits
from loreweave.tasks.few_shot_relation.model import FewShotRelationConfig, build
from loreweave.tasks.few_shot_relation.settings import EvaluationSettings, Method, MethodSettings
from loreweave.tasks.relation_classification.model import RelationConfig
from loreweave.tasks.relation_classification.model import build as build_classifier
from loreweave.tasks.relations.record import RelationRecord


def how(said: list[str] | None = None, **reading: Any) -> Execution:
    return Execution(device="cpu", reading=Reading(**reading), report=(said if said is not None else []).append)


def rows_of(matcher: Matcher, records: Any) -> torch.Tensor:
    """Vectors of sentences, each alone in its batch."""
    encoding = matcher.encoding
    with torch.no_grad():
        return torch.cat([matcher.model(**encoding.inputs(encoding.sentences.encode([record]))).logits for record in records])


@pytest.mark.parametrize("distance", ["euclidean", "dot"])
def test_prototypes_of_uneven_supports(tiny_bert: Path, episodes: list[RelationEpisode], distance: Any) -> None:
    matcher = Matcher.open(tiny_bert, MethodSettings(distance=distance), how())
    first, second = matcher.answer(episodes)
    assert matcher.inputs == 6  # of eight sentences, two occur twice
    support = [rows_of(matcher, shots).mean(0) for shots in episodes[1].support]
    expected = prototype_logits(torch.stack(support)[:, None], rows_of(matcher, episodes[1].query), distance)
    np.testing.assert_allclose(second.logits, expected.numpy(), rtol=1e-4, atol=1e-4)
    assert first.logits.shape == (2, 2)


@pytest.mark.parametrize("luke", [False, True])
def test_pairs_for_an_encoder_of_one_segment(
    tiny_bert: Path, episodes: list[RelationEpisode], tmp_path: Path, luke: bool
) -> None:
    """A RoBERTa with BERT's tokenizer, which numbers the second sentence 1."""
    folder = tmp_path / "encoder"
    shutil.copytree(tiny_bert, folder)
    vocabulary = len(AutoTokenizer.from_pretrained(tiny_bert))
    RobertaModel(
        RobertaConfig(
            vocab_size=vocabulary, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
            max_position_embeddings=65, type_vocab_size=1, pad_token_id=0,
        )
    ).save_pretrained(folder)  # fmt: skip
    if luke:
        folder = make_tiny_luke(folder, tmp_path / "luke")
    matcher = Matcher.open(folder, MethodSettings(method="pair"), how())
    answers = matcher.answer(episodes)
    assert len(answers) == 2 and all(np.isfinite(answer.logits).all() for answer in answers)


def test_pairs_are_averaged_over_each_relations_sentences(tiny_bert: Path, episodes: list[RelationEpisode]) -> None:
    matcher = Matcher.open(tiny_bert, MethodSettings(method="pair"), how())
    answers = matcher.answer(episodes)
    encoding = matcher.encoding
    (query,) = encoding.sentences.encode(episodes[1].query)
    means = []
    for shots in episodes[1].support:
        pairs = [encoding.pair(example, query) for example in encoding.sentences.encode(shots)]
        with torch.no_grad():
            means.append(torch.cat([matcher.model(**encoding.inputs([pair])).logits for pair in pairs]).mean(0))
    expected = pair_logits(torch.stack(means)[:, None])[:-1]
    np.testing.assert_allclose(answers[1].logits[0], expected.numpy(), rtol=1e-4, atol=1e-5)
    assert matcher.inputs == 4 + 3 - 1  # the first sentence of "lives" meets the same query in both


def test_training_and_evaluation_agree(tiny_bert: Path, fewrel_file: Path, tmp_path: Path, records: Any) -> None:
    methods: tuple[Method, ...] = ("proto", "pair")
    for method in methods:
        config = FewShotRelationConfig(method=method, way=3, shot=2, queries=2, seed=5)
        built = build(str(tiny_bert), ["and", "lives", "river", "works"], config)
        built.save_pretrained(tmp_path / method)
        batch = built.encoding.collate(built.encoding.encode(records, built.labels)[:3])
        with torch.no_grad():
            logits = built.model.eval()(**{name: t for name, t in batch.items() if name != "labels"}).logits
        settings = EvaluationSettings(way=3, shot=2, queries=2, episodes=3, seed=5)
        evaluation, facts = evaluate(tmp_path / method, fewrel_file, settings, how())
        assert [row["number"] for row in evaluation.predictions] == logits.argmax(-1).flatten().tolist()
        expected = (logits.argmax(-1) == batch["labels"]).float().mean().item()
        assert evaluation.metrics["accuracy"] == pytest.approx(expected)
        assert facts["relations_seen_in_training"] == ["and", "lives", "river", "works"] and facts["method"] == method


def test_what_is_told_about_seen_relations(tiny_bert: Path, fewrel_file: Path, tmp_path: Path) -> None:
    config = FewShotRelationConfig(relations=["and", "lives"])
    build(str(tiny_bert), ["and", "lives", "river"], config).save_pretrained(tmp_path / "model")
    said: list[str] = []
    settings = EvaluationSettings(way=2, episodes=2, relations=["river", "works"])
    facts = evaluate(tmp_path / "model", fewrel_file, settings, how(said))[1]
    assert facts["relations_seen_in_training"] == [] and "none of these relations was in the source" in said
    settings = EvaluationSettings(way=2, episodes=2, relations=["river", "lives"])
    facts = evaluate(tmp_path / "model", fewrel_file, settings, how(said))[1]
    assert facts["relations_seen_in_training"] == ["lives"] and "not a few-shot test: lives" in said[-1]


def test_none_of_the_above(tiny_bert: Path, fewrel_file: Path) -> None:
    said: list[str] = []
    proto, _ = evaluate(tiny_bert, fewrel_file, EvaluationSettings(way=2, na_rate=1, episodes=4), how(said))
    table = {row["relation"]: row for row in proto.tables["per_relation"]}
    assert table["none_of_the_above"] | {"accuracy": 0.0, "queries": 4} == table["none_of_the_above"]
    assert "proto never predicts none_of_the_above" in said[-1]
    pair, _ = evaluate(tiny_bert, fewrel_file, EvaluationSettings(method="pair", way=2, na_rate=1, episodes=4), how(said))
    assert len(pair.predictions) == 12 and "untrained" in said[-1]


def test_a_file_of_episodes(tiny_bert: Path, tmp_path: Path, episodes: list[RelationEpisode]) -> None:
    path = tmp_path / "episodes.jsonl"
    write_episodes(path, episodes)
    evaluation, facts = evaluate(tiny_bert, path, EvaluationSettings(), how())
    assert facts["records"] == 2 and facts["queries"] == 3 and len(evaluation.predictions) == 3 and not facts["trained"]
    with pytest.raises(ConfigurationError, match="way: .*episodes.jsonl has episodes of its own"):
        evaluate(tiny_bert, path, EvaluationSettings(way=5), how())
    (tmp_path / "broken.jsonl").write_text(json.dumps({"support": [], "query": []}))
    with pytest.raises(DataError, match=r"found no episode to score; left out: bad support \(1\)"):
        evaluate(tiny_bert, tmp_path / "broken.jsonl", EvaluationSettings(), how(skip_bad=True))


def test_hidden_answers(tiny_bert: Path, tmp_path: Path, fewrel_file: Path) -> None:
    rows = json.loads(fewrel_file.read_text())
    path = tmp_path / "test_wiki_input-2-1.json"
    path.write_text(json.dumps([{"meta_train": [rows["lives"][:1], rows["works"][:1]], "meta_test": rows["works"][3]}]))
    said: list[str] = []
    evaluation, facts = evaluate(tiny_bert, path, EvaluationSettings(), how(said))
    assert evaluation.metrics == {} and "nothing is scored" in evaluation.notes[-1]
    (tmp_path / "answers.json").write_text(json.dumps([evaluation.predictions[0]["number"]]))
    settings = EvaluationSettings(answers=tmp_path / "answers.json")
    scored, facts = evaluate(tiny_bert, path, settings, how(said))
    assert scored.metrics == {"accuracy": 1.0} and "per_relation" not in scored.tables and facts["relations"] == []
    assert any("about relations that the file does not name" in line for line in said)
    with pytest.raises(ConfigurationError, match="annotated sentences, which have their relations"):
        evaluate(tiny_bert, fewrel_file, settings, how())


def test_answers_are_by_the_number_of_the_episode(tiny_bert: Path, tmp_path: Path, fewrel_file: Path) -> None:
    rows = json.loads(fewrel_file.read_text())
    good = {"meta_train": [rows["lives"][:1], rows["works"][:1]], "meta_test": rows["works"][3]}
    path = tmp_path / "test.json"
    path.write_text(json.dumps([good, good | {"meta_train": []}, good, good]))
    guess = evaluate(tiny_bert, path, EvaluationSettings(), how(skip_bad=True))[0].predictions[0]["number"]
    (tmp_path / "answers.json").write_text(json.dumps([guess, 1 - guess, guess, 1 - guess]))
    settings = EvaluationSettings(answers=tmp_path / "answers.json")
    evaluation, facts = evaluate(tiny_bert, path, settings, how(skip_bad=True))
    assert facts["records"] == 3 and evaluation.metrics["accuracy"] == pytest.approx(2 / 3)
    (tmp_path / "answers.json").write_text(json.dumps([0, 0, 0]))
    with pytest.raises(DataError, match="found 3 answers, expected a list of at least 4 numbers"):
        evaluate(tiny_bert, path, settings, how(skip_bad=True))


def test_pairs_that_never_learned_none_do_not_answer_it(tiny_bert: Path, fewrel_file: Path, tmp_path: Path) -> None:
    labels = ["and", "lives", "river", "works"]
    asked = EvaluationSettings(way=2, na_rate=1, episodes=6)
    answers = {}
    for rate in (0.0, 1.0):
        folder, said = tmp_path / str(rate), list[str]()
        build(str(tiny_bert), labels, FewShotRelationConfig(method="pair", way=2, na_rate=rate)).save_pretrained(folder)
        evaluation, _ = evaluate(folder, fewrel_file, asked, how(said))
        answers[rate] = {row["number"] for row in evaluation.predictions}
        assert any("na_rate=0 never predicts none_of_the_above" in line for line in said) == (rate == 0)
    assert answers[0.0] <= {0, 1} and 2 in answers[1.0]


def test_relations_that_training_left_out_were_not_seen(
    tiny_bert: Path, fewrel_file: Path, tmp_path: Path, records: list[RelationRecord]
) -> None:
    few = [record for record in records if record.label != "works"]
    few += [record for record in records if record.label == "works"][:1]
    built = build(str(tiny_bert), ["and", "lives", "river", "works"], FewShotRelationConfig(way=2))
    built.encoding.encode(few, built.labels)
    assert "relations with too few sentences left out: works (1)" in built.encoding.report()
    built.save_pretrained(tmp_path / "model")
    facts = evaluate(tmp_path / "model", fewrel_file, EvaluationSettings(way=2, episodes=20), how())[1]
    assert "works" in facts["relations"] and "works" not in facts["relations_seen_in_training"]


def test_a_model_of_another_task_names_the_relations_that_it_knows(tiny_bert: Path, fewrel_file: Path, tmp_path: Path) -> None:
    build_classifier(str(tiny_bert), ["lives", "born in"], RelationConfig()).save_pretrained(tmp_path)
    said: list[str] = []
    facts = evaluate(tmp_path, fewrel_file, EvaluationSettings(way=2, episodes=20), how(said))[1]
    assert not facts["trained"] and facts["relations_seen_in_training"] == ["lives"]
    assert any("was trained for relation-classification, not in episodes" in line for line in said)
    assert any("1 of these relations was in the source too, so this is not a few-shot test: lives" in line for line in said)


def test_a_support_is_encoded_once_for_a_stream_of_queries(tiny_bert: Path, episodes: list[RelationEpisode]) -> None:
    matcher = Matcher.open(tiny_bert, MethodSettings(), how())
    first, again = matcher.answer(episodes[:1])[0], matcher.answer(episodes[:1])[0]
    support = sum(len(sentences) for sentences in episodes[0].support)
    queries = len(episodes[0].query)
    assert matcher.inputs == support + 2 * queries
    np.testing.assert_allclose(first.logits, again.logits, rtol=1e-5, atol=1e-5)


def test_small_relations_and_small_files(tiny_bert: Path, tmp_path: Path, fewrel_file: Path) -> None:
    rows = json.loads(fewrel_file.read_text())
    rows["and"] = rows["and"][:1]
    path = tmp_path / "small.json"
    path.write_text(json.dumps(rows))
    said: list[str] = []
    facts = evaluate(tiny_bert, path, EvaluationSettings(way=3, episodes=2), how(said))[1]
    assert facts["skipped"] == {"relations with too few sentences": 1} and "too few sentences: and" in said[0]
    with pytest.raises(DataError, match="small.json: found 3 relations with 2 or more sentences .* and 1 with fewer"):
        evaluate(tiny_bert, path, EvaluationSettings(), how())


def test_a_format_can_be_named(tiny_bert: Path, fewrel_file: Path) -> None:
    settings = EvaluationSettings(way=2, episodes=1)
    assert evaluate(tiny_bert, fewrel_file, settings, how(format="fewrel"))[1]["relations"]
    with pytest.raises(ConfigurationError, match="unknown format 'nothing'; this task reads tacred"):
        evaluate(tiny_bert, fewrel_file, EvaluationSettings(), how(format="nothing"))


def test_real_fewrel(minilm_dir: Path, shared_data: Path) -> None:
    path = shared_data / "re_fewrel" / "val_wiki.json.gz"
    if not path.is_file():
        pytest.skip(f"no {path}: the data set was left out of LOREWEAVE_DATA")
    evaluation, facts = evaluate(minilm_dir, path, EvaluationSettings(episodes=10), how())
    assert facts["queries"] == 50 and evaluation.metrics["accuracy"] > 0.3  # a guess has 0.2

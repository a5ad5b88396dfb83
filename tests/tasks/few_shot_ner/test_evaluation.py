"""From episodes to numbers: every method, plain and trained encoders, bad episodes, what the released code drops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from task_jobs import evaluate as evaluate_job

from loreweave.errors import CheckpointError, ConfigurationError, DataError
from loreweave.tasks.contract import Execution, Reading
from loreweave.tasks.few_shot_ner.evaluation import evaluate
from loreweave.tasks.few_shot_ner.model import FewShotNerConfig, build
from loreweave.tasks.few_shot_ner.settings import EvaluationSettings
from loreweave.tasks.registry import load_task
from loreweave.training.settings.configuration import fill

LINES: list[str] = []


def run(model: Path, data: Path, *settings: str, skip_bad: bool = False) -> tuple[Any, dict[str, Any]]:
    LINES.clear()
    execution = Execution(device="cpu", report=LINES.append, batch_size=2, reading=Reading(skip_bad=skip_bad))
    return evaluate(model, data, fill(EvaluationSettings, {}, ["bootstrap=10", *settings]), execution)


def rewrite(path: Path, **changes: Any) -> Path:
    """The first episode with other halves."""
    row = json.loads(path.read_text().splitlines()[0])
    path.write_text(path.read_text() + "\n" + json.dumps(row | changes))
    return path


@pytest.mark.parametrize("method", ["container", "nnshot", "protobert"])
def test_a_plain_encoder_finds_its_own_support(tiny_bert: Path, episode_file: Path, method: str) -> None:
    evaluation, facts = run(tiny_bert, episode_file, f"method={method}")
    assert facts["records"] == 3 and facts["sentences"] == 12 and facts["distinct_sentences"] == 3
    assert len(facts["data_sha256"]) == 64 and not facts["trained"] and "a plain encoder" in LINES[-1]
    assert facts["queries_with_a_text_of_the_support"] == 4 and len(evaluation.notes) == 1
    assert evaluation.notes[0].startswith("4 of 6 queries, in 2 episodes: the text is also in the support set")
    own = [row for row in evaluation.predictions if row["episode"] == "2"]
    if method != "protobert":  # a word is nearest to itself
        assert own and all(row["predicted"] == row["gold"] for row in own)
    assert evaluation.arrays["micro_counts"].shape == (3, 3)


def test_fine_tuning_does_not_depend_on_the_order_of_episodes(tiny_bert: Path, episode_file: Path) -> None:
    settings = ("fine_tune=true", "fine_tuning.max_steps=3", "space=gaussians")
    evaluation, facts = run(tiny_bert, episode_file, *settings)
    assert facts["fine_tuning"]["most_steps"] <= 3 and facts["fine_tuning"]["mean_steps"] >= 2
    episode_file.write_text("\n".join(reversed(episode_file.read_text().splitlines())))
    backwards, _ = run(tiny_bert, episode_file, *settings)
    assert evaluation.arrays["micro_counts"].tolist() == backwards.arrays["micro_counts"].tolist()[::-1]


def test_transitions_come_from_the_checkpoint_or_a_file(
    tiny_bert: Path, episode_file: Path, source_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="found no tag transitions"):
        run(tiny_bert, episode_file, "method=structshot")
    plain, _ = run(tiny_bert, episode_file, "viterbi=true", f"transitions={source_file}")
    from loreweave.tasks.few_shot_ner.reader import labels_of, read

    records = read(source_file).records
    built = build(str(tiny_bert), labels_of(records), FewShotNerConfig())
    built.encoding.encode(records, built.labels)
    built.save_pretrained(tmp_path / "model")
    kept, facts = run(tmp_path / "model", episode_file, "viterbi=true")
    assert facts["trained"] and kept.metrics == plain.metrics
    run(tmp_path / "model", episode_file, "method=structshot", "legacy=true")


def test_a_label_that_the_support_lacks_is_an_error_or_counted(tiny_bert: Path, episode_file: Path) -> None:
    rewrite(episode_file, query={"word": [["ann"]], "label": [["event-war"]]})
    with pytest.raises(DataError, match="line 4, field 'query.label': found the label 'event-war'"):
        run(tiny_bert, episode_file)
    _, facts = run(tiny_bert, episode_file, skip_bad=True)
    assert facts["records"] == 3 and facts["skipped"] == {"bad query.label": 1}
    assert "skipped 1 episode: bad query.label (1)" in LINES


def test_words_without_pieces_are_missed_or_dropped_with_their_sentence(tiny_bert: Path, episode_file: Path) -> None:
    query = {"word": [["\u200b", "in"], ["ann"]], "label": [["location-other", "O"], ["person-x"]]}
    episode_file.write_text(json.dumps(json.loads(episode_file.read_text().splitlines()[0]) | {"query": query}))
    evaluation, facts = run(tiny_bert, episode_file)
    assert facts["encoding"] == "words without pieces (1)" and evaluation.arrays["micro_counts"][0, 0] == 2
    assert evaluation.arrays["published_micro_counts"][0, 0] == 1
    legacy, facts = run(tiny_bert, episode_file, "legacy=true")
    assert legacy.arrays["micro_counts"][0, 0] == 1
    assert facts["skipped"] == {"sentences with a word that has no piece": 1}
    assert "left out: sentences with a word that has no piece (1)" in LINES
    assert not any(line.startswith("skipped") for line in LINES)  # no episode was


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_word_without_pieces_drops_its_sentence_wherever_it_stands(tiny_bert: Path, episode_file: Path, place: int) -> None:
    words, labels = ["ann", "in"], ["person-x", "O"]
    words.insert(place, "\u200b")
    labels.insert(place, "O")
    query = {"word": [words, ["ann"]], "label": [labels, ["person-x"]]}
    episode_file.write_text(json.dumps(json.loads(episode_file.read_text().splitlines()[0]) | {"query": query}))
    assert run(tiny_bert, episode_file, "legacy=true")[0].arrays["micro_counts"][0, 0] == 1


def test_a_cut_drops_no_sentence(tiny_bert: Path, episode_file: Path) -> None:
    """Not even where a word behind it has no piece."""
    query = {"word": [["ann", "lives", "in", "oslo", "\u200b"]], "label": [["person-x", "O", "O", "location-other", "O"]]}
    episode_file.write_text(json.dumps(json.loads(episode_file.read_text().splitlines()[0]) | {"query": query}))
    assert run(tiny_bert, episode_file, "legacy=true", "max_length=5")[1]["skipped"] == {}


def test_words_behind_the_cut_are_missed(tiny_bert: Path, episode_file: Path) -> None:
    whole, _ = run(tiny_bert, episode_file)
    cut, facts = run(tiny_bert, episode_file, "max_length=5")
    assert "words cut off" in facts["encoding"]
    assert cut.arrays["micro_counts"][:, 0].tolist() == whole.arrays["micro_counts"][:, 0].tolist()
    assert cut.arrays["published_micro_counts"][0, 0] < whole.arrays["published_micro_counts"][0, 0]


def test_words_behind_the_cut_are_said_once(tiny_bert: Path, episode_file: Path) -> None:
    said = list[str]()
    task, settings = load_task("few-shot-ner"), ["bootstrap=10", "max_length=5"]
    evaluation, results = evaluate_job(task, tiny_bert, episode_file, settings=settings, report=said.append)
    assert [line for line in said if "cut off" in line] == [f"encoding: {results['encoding']}"]
    note = "words that are not encoded are missed in micro_f1, and left out of published_micro_f1"
    assert said.count(note) == evaluation.notes.count(note) == 1
    assert note not in run(tiny_bert, episode_file)[0].notes


def test_the_first_episodes_and_none(tiny_bert: Path, episode_file: Path) -> None:
    assert run(tiny_bert, episode_file, "episodes=2")[1]["records"] == 2
    episode_file.write_text("")
    with pytest.raises(DataError, match="found no episode to score"):
        run(tiny_bert, episode_file)


@pytest.mark.parametrize("settings", [("method=nnshot",), ("method=container", "space=gaussians")])
def test_vectors_that_are_not_finite_are_no_answer(
    tiny_bert: Path, episode_file: Path, tmp_path: Path, settings: tuple[str, ...]
) -> None:
    built = build(str(tiny_bert), ["O"], FewShotNerConfig())
    parameters = dict(built.model.named_parameters())
    with torch.no_grad():
        next(parameter for name, parameter in parameters.items() if "LayerNorm.weight" in name)[0] = float("nan")
    built.save_pretrained(tmp_path / "damaged")
    with pytest.raises(CheckpointError, match="NaN among the [0-9,]+ numbers of the vectors of words"):
        run(tmp_path / "damaged", episode_file, *settings)


def test_similarities_that_are_not_finite_are_no_answer(tiny_bert: Path, episode_file: Path, tmp_path: Path) -> None:
    built = build(str(tiny_bert), ["O"], FewShotNerConfig())
    with torch.no_grad():
        built.model.get_submodule("gaussian_head").mean.bias.fill_(1e25)  # finite, its square is not
    built.save_pretrained(tmp_path / "far")
    with pytest.raises(CheckpointError, match="numbers of the similarities of words"):
        run(tmp_path / "far", episode_file, "space=gaussians")

"""`loreweave.probe`: several encoders on the same episodes and draws."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import loreweave
from loreweave.errors import CheckpointError, ConfigurationError, DataError
from loreweave.experiments.probes.defaults import REAL, default_data
from loreweave.experiments.probes.examples import PROBES
from loreweave.experiments.probes.predictions import save_predictions
from loreweave.experiments.probes.run import ProbeResult

Write = Callable[[str, Sequence[Any]], Path]
FAST = {
    "episodes": 40,
    "way": 4,
    "shots": 1,
    "labels": 10,
    "draws": 2,
    "bootstrap": 20,
    "device": "cpu",
    "report": lambda line: None,
}


def test_encoders_are_compared_on_equal_data(
    written: Write, relation_rows: list[Any], typing_rows: list[Any], tiny_bert: Path, tiny_luke: Path, tmp_path: Path
) -> None:
    relations, types = written("relations.jsonl", relation_rows), written("types.jsonl", typing_rows)
    found = loreweave.probe(
        [tiny_bert, tiny_luke], "states=words,entities", few_shot={"mine": [relations]}, typing={"mine": [types, types]},
        output=tmp_path / "out", **FAST,
    )  # fmt: skip
    columns, rows = found.table()
    assert columns == ["probe", "data", "learned from", str(tiny_bert), str(tiny_luke), f"{tiny_luke} (entities)"]
    assert [row[:3] for row in rows] == [
        ["few shot", "mine", "4-way 1-shot"], ["typing", "mine", "10 labels"], ["typing", "mine", "all 20 labels"],
    ]  # fmt: skip
    assert all(row[3] == row[4] for row in rows), "the words of the LUKE are those of the encoder"
    words = [row for row in found.results["differences"] if row["model"] == str(tiny_luke)]
    assert [row["difference"] for row in words] == [0, 0, 0] and words[0]["base"] == str(tiny_bert)
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results == found.results
    assert set(results["models"][str(tiny_bert)]) >= {"sha256", "family", "layers", "max_length", "seconds"}
    with (tmp_path / "out" / "scores.csv").open() as file:
        lines = list(csv.DictReader(file))
    of_bert = [(line["what"], line["draw"]) for line in lines if line["model"] == str(tiny_bert)]
    assert of_bert == [("4-way 1-shot", "0"), ("10 labels", "0"), ("10 labels", "1"), ("all 20 labels", "0")]
    assert float(lines[0]["score"]) == found.scores[0]["score"]
    with pytest.raises(ConfigurationError, match="other results"):
        loreweave.probe(tiny_bert, output=tmp_path / "out", typing={"mine": [types]}, **FAST)


def test_predictions_are_saved_as_the_tasks_save_them(
    written: Write, relation_rows: list[Any], typing_rows: list[Any], tiny_bert: Path, tiny_luke: Path, tmp_path: Path
) -> None:
    relations, types, out = written("r.jsonl", relation_rows), written("t.jsonl", typing_rows), tmp_path / "out"
    out.mkdir()
    found = loreweave.probe(
        [tiny_bert, tiny_luke], few_shot={"mine": [relations]}, relations={"mine": [relations, relations]},
        typing={"mine": [types, types]}, output=out, max_length=5, **FAST,
    )  # fmt: skip
    places = [found.results["models"][str(model)]["predictions"] for model in (tiny_bert, tiny_luke)]
    assert len(set(places)) == 2
    for model, place in zip((tiny_bert, tiny_luke), places, strict=True):
        names = ("few_shot.mine", "typing.mine", "relations.mine")
        assert {path.name for path in (out / place).iterdir()} == {f"{name}.jsonl" for name in names}
        for name in names:
            lines = (out / place / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
            assert [json.loads(line) for line in lines] == found.predictions[str(model)][name]
    scores = {(row["probe"], row["what"]): row["score"] for row in found.scores if row["model"] == str(tiny_bert)}
    folder = out / places[0]
    quiet = {"report": lambda line: None}
    typed = loreweave.score("entity-typing", gold=types, predictions=folder / "typing.mine.jsonl", **quiet)
    right = [row["predicted"] == row["gold"] for row in typed.predictions]
    assert sum(right) / len(right) == scores["typing", "all 20 labels"] == 0.5, "places were cut off"
    pairs = folder / "relations.mine.jsonl"
    related = loreweave.score("relation-classification", gold=relations, predictions=pairs, **quiet)
    assert related.metrics["accuracy"] == scores["relations", "all 24 labels"] == 0.25


def test_predictions_of_a_replaced_result_are_removed_but_not_those_of_the_user(
    written: Write, typing_rows: list[Any], tiny_bert: Path, tmp_path: Path
) -> None:
    types, own = written("t.jsonl", typing_rows), tmp_path / "out" / "predictions" / "mine.txt"
    own.parent.mkdir(parents=True)
    own.touch()
    loreweave.probe(tiny_bert, typing={"a": [types, types]}, output=tmp_path / "out", **FAST)
    assert own.exists() and len(list(own.parent.rglob("*.jsonl"))) == 1
    loreweave.probe(tiny_bert, typing={"b": [types, types]}, output=tmp_path / "out", overwrite=True, **FAST)
    assert [path.name for path in own.parent.rglob("*.*")] == ["typing.b.jsonl"]


def test_a_label_for_no_relation_in_the_test_file_alone_is_no_label_to_find(
    written: Write, relation_rows: list[Any], tiny_bert: Path
) -> None:
    """Two right predictions and one for a pair without a relation: F1 = 2 * 2 / (2 + 3), as if training knew the label."""
    test = [*relation_rows[:2], relation_rows[0] | {"label": "no_relation"}]
    train = [row for row in relation_rows if row["label"] in ("works at", "and")]
    files = [written("train.jsonl", train), written("test.jsonl", test)]
    found = loreweave.probe(tiny_bert, relations={"mine": files}, **FAST | {"labels": []})
    rows = found.predictions[str(tiny_bert)]["relations.mine"]
    assert [row["predicted"] for row in rows] == ["works at"] * 3
    assert [(row["metric"], row["score"]) for row in found.scores] == [("micro_f1", 0.8)]


def test_names_of_folders_differ(tmp_path: Path) -> None:
    found = save_predictions(tmp_path, {"runs/a": {"typing.x": []}, "runs-a": {"typing.x": []}, "../..": {}})
    assert found == {"runs/a": "predictions/runs-a", "runs-a": "predictions/runs-a-", "../..": "predictions/model"}
    assert len(list(tmp_path.rglob("*.jsonl"))) == 2


def test_names_of_files_differ(tmp_path: Path) -> None:
    """Names of data sets that differ in characters that file names cannot have, or at the beginning of a long name."""
    long = "x" * 100
    names = ("relations.a/b", "relations.a-b", "relations.a:b", f"typing.{long}", f"relations.{long}")
    predictions = {model: {name: [{"id": name}] for name in names} for model in ("first", "second")}
    save_predictions(tmp_path, predictions)
    for model in predictions:
        files = {path.stem: json.loads(path.read_text())["id"] for path in (tmp_path / "predictions" / model).iterdir()}
        assert files == dict(zip(("relations.a-b", "relations.a-b-", "relations.a-b--", long, f"{long}-"), names, strict=True))


def test_cells_have_the_spread_of_draws_or_the_interval_of_one() -> None:
    row = {"model": "m", "probe": "few_shot", "data": "d", "metric": "accuracy", "score": 0.625}
    rows = [row | {"what": "10 labels", "spread": 0.0249, "low": 0.6, "high": 0.7}]
    rows += [row | {"what": "all labels", "metric": "micro_f1", "spread": None, "low": 0.601, "high": 0.699}]
    columns, cells = ProbeResult({"scores": rows, "differences": []}).table()
    assert columns == ["probe", "data", "learned from", "m"]
    assert cells == [
        ["few shot", "d", "10 labels", "62.5 ± 2.5"], ["few shot", "d", "all labels (F1)", "62.5 [60.1, 69.9]"],
    ]  # fmt: skip


def test_a_missing_encoder_is_an_error_before_the_first_is_measured(
    written: Write, typing_rows: list[Any], tiny_bert: Path, tmp_path: Path
) -> None:
    path, encoded = written("types.jsonl", typing_rows), list[int]()
    with pytest.raises(CheckpointError, match="no such file"):
        loreweave.probe([tiny_bert, tmp_path / "nothing"], typing={"mine": [path, path]}, advance=encoded.append, **FAST)
    assert not encoded


def test_what_was_cut_is_counted(written: Write, typing_rows: list[Any], tiny_bert: Path) -> None:
    path, lines = written("types.jsonl", typing_rows), list[str]()
    found = loreweave.probe(tiny_bert, typing={"mine": [path, path]}, max_length=4, **FAST | {"report": lines.append})
    assert found.results["models"][str(tiny_bert)]["examples_without_a_vector"] == {"typing.mine": 20}
    assert any("20 examples of 40 without a vector, because a mention was cut off" in line for line in lines)


def test_data_are_checked_before_an_encoder_is_loaded(written: Write, relation_rows: list[Any], tmp_path: Path) -> None:
    path = written("relations.jsonl", relation_rows)
    with pytest.raises(DataError, match=r"relations.jsonl: found 4 relations .* expected at least 5"):
        loreweave.probe(tmp_path / "no-model", few_shot=[path], **FAST | {"way": 5})
    with pytest.raises(ConfigurationError, match="formats.other: found no data set of this name, but relations"):
        loreweave.probe(tmp_path / "no-model", few_shot=[path], formats={"other": "pairs"}, **FAST)
    with pytest.raises(ConfigurationError, match="probes: choose among"):
        loreweave.probe(tmp_path / "no-model", few_shot=[path], probes=["typing"], **FAST)
    with pytest.raises(ConfigurationError, match="models: found a, a"):
        loreweave.probe(["a", "a"], **FAST)


def test_default_data_are_the_mini_world_or_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOREWEAVE_DATA", raising=False)
    files, line = default_data(None)
    assert list(files) == ["few_shot", "typing", "mention_types"] and "bundled mini-world" in line
    assert all(path.exists() for sets in files.values() for paths in sets.values() for path in paths)
    folder = tmp_path / "typing_gum"
    folder.mkdir()
    (folder / "train.json.xz").touch()
    monkeypatch.setenv("LOREWEAVE_DATA", str(tmp_path))
    assert "has none of the data sets" in default_data(None)[1]
    (folder / "dev.json.xz").touch()
    files, line = default_data(["typing", "relations"])
    assert files == {"typing": {"gum": [folder / "train.json.xz", folder / "dev.json.xz"]}}
    assert line.endswith("not there: semeval, knowledgenet")
    assert set(REAL) == set(PROBES)

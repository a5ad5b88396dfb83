"""`loreweave evaluate`, `predict` and `embed` on a knowledge graph."""

from __future__ import annotations

import io
import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from tiny_graphs import make_checkpoint, make_small_graph

from loreweave.cli.main import main
from loreweave.tasks.link_prediction.settings import EvaluationSettings, ModelSettings, PredictionSettings


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A checkpoint and its graph."""
    folder = tmp_path_factory.mktemp("link")
    graph = make_small_graph()
    graph.save(folder / "graph")
    return str(make_checkpoint(folder / "model", graph, "wiki")), str(folder / "graph")


@pytest.mark.parametrize("settings", [EvaluationSettings, PredictionSettings])
def test_the_task_shows_every_setting(settings: type, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "link-prediction"]) == 0
    shown = capsys.readouterr().out
    assert [field.name for field in fields(settings) if f"\t{field.name}\t" not in shown] == []


def test_the_help_of_embed_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["embed", "--help"]) == 0
    shown = capsys.readouterr().out
    assert [field.name for field in fields(ModelSettings) if field.name not in shown] == []


def test_evaluate(places: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, graph = places
    command = ["evaluate", "link-prediction", "--model", model, "--data", graph, "--device", "cpu", "bootstrap=10"]
    assert main([*command, "--output", str(tmp_path / "out"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "out" / "results.json").read_text())
    assert printed["records"] == 10 and 0 < printed["mrr"] < 1
    assert len((tmp_path / "out" / "predictions" / "test.jsonl").read_text().splitlines()) == 10
    assert main([*command, "protocol=blp"]) == 0
    captured = capsys.readouterr()
    assert f"mrr\t{printed['mrr']:.4g}" in captured.out and "new\tcount" in captured.out
    assert "1 triple with an entity that train lacks (unseen=encode: 0 skipped" in captured.err


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["protocol=grale"], 2, "grail"),
        (["protocl=grail"], 2, "did you mean 'protocol'"),
        (["split=tests"], 2, "the graph has no 'tests'; did you mean 'test'"),
        (["pooling=mean"], 2, "a trained checkpoint has its own"),
        (["--format", "x"], 2, "link-prediction has no --format"),
        (["objective=x"], 1, "found no head 'x'"),
        (["--data", "nothing"], 1, "found no manifest.json"),
    ],
)
def test_mistakes_are_one_message(
    arguments: list[str], status: int, message: str, places: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    model, graph = places
    command = ["evaluate", "link-prediction", "--model", model, "--data", graph, "--device", "cpu"]
    assert main([*command, *arguments]) == status
    captured = capsys.readouterr()
    assert message in captured.err and not captured.out


def test_tasks_of_the_other_kind_take_no_settings(places: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    model, graph = places
    assert main(["evaluate", "ner", "--model", model, "--data", graph, "split=test"]) == 2
    assert "evaluate ner has no settings, found split=test" in capsys.readouterr().err
    assert main(["evaluate", "entity-typing", "--model", model, "--data", graph, "split=test"]) == 2
    assert "unknown setting 'split'; known: threshold" in capsys.readouterr().err
    assert main(["predict", "entity-typing", "--model", model, "--data", graph]) == 2
    assert "entity-typing has no --data" in capsys.readouterr().err
    assert main(["predict", "link-prediction", "--model", model]) == 2
    assert "link-prediction needs --data" in capsys.readouterr().err
    assert main(["finetune", "link-prediction", "--model", model, "--train", graph, "--output", "x"]) == 2
    assert "nothing is fine-tuned for link-prediction" in capsys.readouterr().err


def test_predict(
    places: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, graph = places
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"head": "Q1", "relation": "P0", "tail": null}\n\n{"relation": "P1", "tail": "Q2"}\n')
    command = ["predict", "link-prediction", "--model", model, "--data", graph, "--device", "cpu"]
    assert main([*command, str(questions), "top=3"]) == 0
    from_file = capsys.readouterr().out
    first, second = (json.loads(line) for line in from_file.splitlines())
    assert first["tail"] is None and second["head"] is None and len(first["predicted"]) == 3
    assert set(first["predicted"][0]) == {"id", "label", "score", "known"}
    monkeypatch.setattr("sys.stdin", io.StringIO(questions.read_text()))
    assert main([*command, "-", "top=3"]) == 0
    assert capsys.readouterr().out == from_file
    questions.write_text('{"head": "Q1", "relation": "P0"}\n{"head": "Nobody", "relation": "P0"}\n')
    assert main([*command, str(questions)]) == 1
    assert "questions.jsonl, line 2: found the entity 'Nobody'" in capsys.readouterr().err


def test_embed(places: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, graph = places
    command = ["embed", "--model", model, "--data", graph, "--device", "cpu", "--output", str(tmp_path / "out")]
    assert main([*command, f"cache={tmp_path / 'cache'}"]) == 0
    captured = capsys.readouterr()
    assert "entities\t20\t32" in captured.out and "wrote" in captured.err
    assert np.load(tmp_path / "out" / "entities.npy").shape == (20, 32)
    assert main(command) == 2
    assert "not empty" in capsys.readouterr().err
    assert main([*command, "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["shapes"] == {"entities": [20, 32], "relations": [3, 32]}

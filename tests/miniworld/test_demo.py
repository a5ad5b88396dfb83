"""The demo: what it says and leaves; the whole of it is slow, so here at the smallest budget, and whole with -m slow."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from loreweave.cli.main import COMMANDS, main
from loreweave.errors import ConfigurationError
from loreweave.miniworld.demo import PAGE, QUESTIONS, RESULTS, Budget, run_demo
from loreweave.miniworld.demo_page import page
from loreweave.miniworld.demo_result import ATTENTION_PAGE, Answer, DemoResult
from loreweave.miniworld.sentence_reading import ReadName, ReadRelation, ReadSentence
from loreweave.miniworld.world import load_graph_paths

SMALLEST = Budget(stage_1_steps=1, stage_2_steps=1, triples=4, ner_epochs=1, relation_epochs=1)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="not the folder of a demo"):
        run_demo(tmp_path)
    assert main(["demo", "--output", str(tmp_path)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def a_result(output: Path) -> DemoResult:
    read = ReadSentence("Ann left Oslo.", [ReadName(0, 3, "Ann", "person"), ReadName(9, 13, "Oslo", "place")])
    read.relations.append(ReadRelation("Ann", "place of <birth>", "Oslo", 0.75))
    return DemoResult(
        output,
        rows=[("typing, micro F1 (held-out entities)", 0.5, 0.625)],
        answers=[Answer("Norway", "capital", "Bergen", "Oslo", True), Answer("Chad", "capital", "Oslo", "Lima", False)],
        tests={"ner": 0.75},
        sentences=[read],
        commands=["loreweave build"],
        seconds=2.0,
    )


def test_the_command_shows_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = a_result(tmp_path)
    asked: dict[str, object] = {}

    def demo(output: Path, seed: int, **options: object) -> DemoResult:
        asked.update(options, output=output, seed=seed)
        return result

    monkeypatch.setattr("loreweave.miniworld.demo.run_demo", demo)
    assert main(["demo", "--output", str(tmp_path), "--seed", "3"]) == 0
    shown = capsys.readouterr()
    assert "typing, micro F1 (held-out entities)\t0.500\t0.625" in shown.out
    assert "ner 0.750" in shown.out and "  [Ann: person] left [Oslo: place].\n" in shown.out
    assert "  Norway, capital?  Bergen -> Oslo (right)\n" in shown.out and "Oslo -> Lima (wrong)" in shown.out
    assert "    Ann -> place of <birth> -> Oslo (0.75)\n" in shown.out
    assert str(tmp_path / PAGE) in shown.err and ATTENTION_PAGE in shown.err
    assert (asked["output"], asked["seed"], asked["overwrite"]) == (tmp_path, 3, False)
    assert main(["demo", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["measured"] == {
        "typing, micro F1 (held-out entities)": {"before": 0.5, "after": 0.625}
    }


def test_the_page_shows_the_same(tmp_path: Path) -> None:
    shown = page(a_result(tmp_path))
    assert '<td class="n">0.500</td><td class="n">0.625</td>' in shown and 'width:62.5%"></i><b style="left:50.0%' in shown
    assert '<td class="right">Oslo</td>' in shown and '<td class="wrong">Lima</td>' in shown and "1 of 2 are right" in shown
    assert "Ann<small>person</small></mark> left <mark" in shown and "place of &lt;birth&gt;" in shown
    assert "<script" not in shown and "http" not in shown, "it works offline"


def test_the_questions_are_facts_that_training_does_not_see() -> None:
    paths = load_graph_paths()
    names = {row["id"]: row["label"] for path in paths[:2] for row in map(json.loads, path.open(encoding="utf-8"))}

    def asked(path: Path) -> set[tuple[str, str]]:
        triples = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
        return {(names[head], names[relation]) for head, relation, _ in triples}

    assert set(QUESTIONS) <= asked(paths.test) - asked(paths.train) - asked(paths.valid)


@pytest.mark.slow
def test_the_demo_runs_and_its_commands_are_real(tmp_path: Path) -> None:
    said: list[str] = []
    result = run_demo(tmp_path / "demo", budget=SMALLEST, report=said.append)
    assert [what for what, _, _ in result.rows] == [
        "masked words, accuracy (held-out pages)",
        "masked entities, accuracy (held-out pages)",
        "link prediction, MRR (held-out facts)",
        "link prediction, Hits@10 (held-out facts)",
    ]
    assert all(0 <= value <= 1 for _, *values in result.rows for value in values)
    assert json.loads((result.output / RESULTS).read_text()) == result.to_dict()
    for command in result.commands:
        program, name, *_ = shlex.split(command)
        assert (program, name in COMMANDS) == ("loreweave", True)
        assert f"$ {command}" in said
    models = ("pretraining-2", "ner", "relation-classification", "entity-linking")
    for model in ("luke-start", *(f"{name}/model" for name in models)):
        assert (result.output / model / "config.json").is_file()
    assert result.tests.keys() == {"ner", "relation-classification", "entity-linking"} and len(result.sentences) == 3
    assert [(answer.head, answer.relation) for answer in result.answers] == list(QUESTIONS)
    assert "attention-explorer/1" in (result.output / ATTENTION_PAGE).read_text(encoding="utf-8")
    assert "Before and after" in (result.output / PAGE).read_text(encoding="utf-8")
    first = shlex.split(result.commands[0])[1:]
    assert main([*first, "--overwrite"]) == 0, "the first command can be repeated as it was shown"

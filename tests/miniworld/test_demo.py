"""The demo: what it says and leaves; the whole of it is slow, so here at the smallest budget, and whole with -m slow."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from loreweave.cli.main import COMMANDS, main
from loreweave.errors import ConfigurationError
from loreweave.miniworld.demo import RESULTS, Budget, DemoResult, run_demo

SMALLEST = Budget(stage_1_steps=1, stage_2_steps=1, triples=4, typing_epochs=1, sentence_epochs=1, types_steps=1)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="holds something that is no demo"):
        run_demo(tmp_path)
    assert main(["demo", "--output", str(tmp_path)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_command_shows_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = DemoResult(
        tmp_path,
        rows=[("typing, micro F1 (held-out entities)", 0.5, 0.625)],
        tests={"ner": 0.75},
        names=["in [Oslo: place]"],
        types=["Oslo(3)"],
        commands=["loreweave build"],
        seconds=2.0,
    )
    asked: dict[str, object] = {}

    def demo(output: Path, seed: int, **options: object) -> DemoResult:
        asked.update(options, output=output, seed=seed)
        return result

    monkeypatch.setattr("loreweave.miniworld.demo.run_demo", demo)
    assert main(["demo", "--output", str(tmp_path), "--seed", "3"]) == 0
    shown = capsys.readouterr()
    assert "typing, micro F1 (held-out entities)\t0.5\t0.625" in shown.out
    assert "ner 0.750" in shown.out and "  in [Oslo: place]\n" in shown.out
    assert "  Oslo(3)\n" in shown.out and str(tmp_path) in shown.err
    assert (asked["output"], asked["seed"], asked["overwrite"]) == (tmp_path, 3, False)
    assert main(["demo", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["measured"] == {
        "typing, micro F1 (held-out entities)": {"before": 0.5, "after": 0.625}
    }


@pytest.mark.slow
def test_the_demo_runs_and_its_commands_are_real(tmp_path: Path) -> None:
    said: list[str] = []
    result = run_demo(tmp_path / "demo", budget=SMALLEST, report=said.append)
    assert [what for what, _, _ in result.rows] == [
        "masked words, accuracy (held-out pages)",
        "masked entities, accuracy (held-out pages)",
        "link prediction, MRR (held-out facts)",
        "link prediction, Hits@10 (held-out facts)",
        "typing, micro F1 (held-out entities)",
        "typing, all labels right (held-out entities)",
    ]
    assert all(0 <= value <= 1 for _, *values in result.rows for value in values)
    assert json.loads((result.output / RESULTS).read_text()) == result.to_dict()
    for command in result.commands:
        program, name, *_ = shlex.split(command)
        assert (program, name in COMMANDS) == ("loreweave", True)
        assert f"$ {command}" in said
    models = ("pretraining-2", "typing-before", "typing-after", "ner", "relation-classification", "latent-typing")
    for model in ("luke-start", *(f"{name}/model" for name in models)):
        assert (result.output / model / "config.json").is_file()
    assert result.tests.keys() == {"ner", "relation-classification"} and len(result.names) == 3
    assert len(result.types) == 3 and all("(" in marked for marked in result.types), "a typer after one step selects nearly all"
    first = shlex.split(result.commands[0])[1:]
    assert main([*first, "--overwrite"]) == 0, "the first command can be repeated as it was shown"

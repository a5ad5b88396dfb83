"""The help of all commands, settings that were taken for options, and what a shell completes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loreweave.cli.help import as_setting, starting_with
from loreweave.cli.main import COMMANDS, load_command, main

BUILDS = [["build", name] for name in load_command("build").commands]
WIDTH = 80


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS), *BUILDS], ids=" ".join)
def test_arguments_come_before_prose_and_all_fits(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    assert main([*command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= WIDTH and "..." not in shown.partition("Commands:")[2]
    options, example = shown.index("Options:"), shown.find("Example: ")
    assert 0 < options < example
    before = [line for line in shown[:options].split("Arguments:")[0].split("\n\n") if not line.startswith("Usage")]
    assert len([paragraph for paragraph in before if paragraph.strip()]) <= 2


def test_probe_lists_its_settings_with_their_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "--help"]) == 0
    listed = " ".join(capsys.readouterr().out.partition("Settings:")[2].split())
    assert listed.startswith("probes Probes to run if no files are given: few_shot, typing, mention_types or relations.")
    assert "shots Numbers of support sentences per relation in an episode. Each number is scored. [default: 1,5]" in listed
    assert (
        "max_length Maximum number of sub-words per text. Null: the maximum of the encoder. way" in listed
    )  # no default: null


def test_search_lists_the_keys_of_a_sweep(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "--help"]) == 0
    listed = " ".join(capsys.readouterr().out.partition("Settings:")[2].split())
    assert "vary Settings that vary, by name" in listed and "budget.trials Maximum number of trials." in listed
    assert "repeat.seeds Seeds of the repetitions." in listed
    assert "job.hours Wall-clock limit in hours. [default: 24.0]" in listed


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("finetune ner --epochs 3", "--epochs; settings are given as key=value after the command: epochs=3"),
        ("finetune ner --model m --learning-rate=1e-5", "optimizer.learning_rate=1e-5"),
        ("finetune few-shot-ner --warmup-ratio .1 --model m", "schedule.warmup_ratio=.1"),
        ("finetune ner --tensorboard --train a.txt", "tensorboard=..."),
        ("pretrain minilm/pretraining-1 --seed 7", "seed=7"),
        ("evaluate link-prediction --model m --protocol blp", "protocol=blp"),
        ("predict link-prediction --model m --top 3", "top=3"),
        ("evaluate entity-typing --model m --threshold .3", "threshold=.3"),
        ("score relation-classification --gold a --predictions b --no-label NA", "no_label=NA"),
    ],
)
def test_an_option_that_is_a_setting(command: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command.split()) == 2
    err = capsys.readouterr().err
    assert err.startswith("Error: no such option: --") and err.strip().endswith(message)


@pytest.mark.parametrize("command", ["finetune ner --epoch 3", "evaluate ner --top 3", "tasks --epochs 3", "finetune --epochs"])
def test_any_other_option_is_refused_as_ever(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command.split()) == 2
    assert "No such option: --" in capsys.readouterr().err
    assert as_setting("tasks", "--epochs", ["--epochs"]) is None


def complete(line: str) -> list[str]:
    """What bash offers behind the line."""
    words = line.split(" ")
    environment = {"_LOREWEAVE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    code = "import sys; sys.argv = ['loreweave']; from loreweave.cli.main import main; sys.exit(main())"
    result = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return result.stdout.split()


def test_bash_completes_commands_tasks_and_options() -> None:
    assert complete("loreweave fi") == ["finetune"]
    assert complete("loreweave predict few-shot-r") == ["few-shot-relation"]
    assert "--model" in complete("loreweave evaluate ner --mo")
    assert starting_with(("ab", "b"))("a") == ["ab"]


def test_completion_is_installed_for_bash(tmp_path: Path) -> None:
    (tmp_path / ".bashrc").touch()
    code = "import sys; sys.argv = ['loreweave', '--install-completion', 'bash']; from loreweave.cli.main import main; main()"
    environment = os.environ | {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    (script,) = (tmp_path / ".bash_completions").iterdir()
    assert "complete -o default -F _loreweave_completion loreweave" in script.read_text()
    assert str(script) in (tmp_path / ".bashrc").read_text()

"""The command line: light help, exit statuses, and one message in place of a traceback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from loreweave import __version__
from loreweave.cli.main import COMMANDS, load_command, main
from loreweave.errors import ConfigurationError, DataError
from loreweave.training.runs.endings import Interrupted

HEAVY = ("torch", "transformers", "datasets", "accelerate", "sklearn", "pyarrow", "rich")


def imported_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}), file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stderr.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import loreweave",
        "from loreweave.cli.main import main; assert main(['--help']) == 0",
        "from loreweave.cli.main import main; assert main(['--version']) == 0",
        "from loreweave.cli.main import main; assert main(['recipes', 'luke-large/open-entity']) == 0",
    ],
)
def test_what_needs_no_model_imports_nothing_heavy(statement: str) -> None:
    assert imported_by(statement).isdisjoint(HEAVY)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_shows_an_example_and_is_light(name: str) -> None:
    code = f"from loreweave.cli.main import main; assert main([{name!r}, '--help']) == 0"
    loaded = imported_by(code)
    assert "torch" not in loaded and "transformers" not in loaded
    result = subprocess.run([sys.executable, "-m", "loreweave", name, "--help"], capture_output=True, text=True, check=True)
    assert f"Usage: loreweave {name}" in result.stdout
    assert "Example" in result.stdout and f"loreweave {name}" in result.stdout.split("Example", 1)[1]


def test_help_lists_every_command_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, summary in COMMANDS.items():
        assert name in shown and summary.split()[0] in shown


def test_every_listed_command_has_its_own_module_and_no_module_is_forgotten() -> None:
    folder = Path(sys.modules["loreweave.cli.main"].__file__ or "").parent
    modules = {
        path.parent.name if path.name == "__init__.py" else path.stem
        for path in [*folder.glob("*.py"), *folder.glob("experiments/*.py"), *folder.glob("*/__init__.py")]
        if "def command(" in path.read_text() or "\ncommand = " in path.read_text()
    }
    assert modules == set(COMMANDS)
    for name in COMMANDS:
        assert load_command(name).name in (name, "command", None)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"loreweave {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recipe"], "Did you mean 'recipes'?"),
        (["recipes", "--wrong"], "No such option"),
        (["recipes", "luke-larg/open-entity"], "did you mean 'luke-large/open-entity'?"),
        (["pretrain", "minilm/entity-typing"], "is for finetuning; use 'loreweave finetune entity-typing"),
        (
            ["pretrain", "minilm/pretraining-1", "sead=1"],
            "unknown setting 'sead'; did you mean 'seed'?",
        ),
        (["pretrain", "minilm/pretraining-1", "--resume", "--overwrite"], "exclude each other"),
    ],
)
def test_wrong_use_exits_with_2_and_says_what_is_right(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in " ".join(captured.err.split()) and captured.out == ""
    assert "Traceback" not in captured.err


Command = Callable[[Callable[[], None]], None]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """Puts a function in the place of the command `demo`."""

    def replace(function: Callable[[], None]) -> None:
        module = ModuleType("loreweave.cli.demo")
        module.command = function  # type: ignore[attr-defined]  # a stand-in module
        monkeypatch.setitem(sys.modules, "loreweave.cli.demo", module)

    return replace


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (DataError("found 'x'", path="a.json", line=3), 1, "Error: a.json, line 3: found 'x'\n"),
        (ConfigurationError("unknown"), 2, "Error: unknown\n"),
        (
            FileNotFoundError(2, "No such file or directory", "a.json"),
            1,
            "Error: a.json: found no such file\n",
        ),
        (PermissionError(13, "Permission denied", "a.json"), 1, "Error: a.json: found no permission to use it\n"),
        (OSError(28, "No space left on device", "a.json"), 1, "Error: a.json: no space left on device\n"),
        (OSError(28, "No space left on device"), 1, "Error: [Errno 28] No space left on device\n"),
        (ZeroDivisionError("by zero"), 1, "Error: ZeroDivisionError: by zero (--debug shows where)\n"),
        (ModuleNotFoundError("No module named 'x'"), 1, "Error: No module named 'x'; is the extra"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
        (Interrupted("interrupted at update 3"), 130, "Error: interrupted at update 3\n"),
    ],
)
def test_a_failure_is_one_message_and_a_status(
    error: BaseException, status: int, message: str, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    command(fail)
    assert main(["demo"]) == status
    captured = capsys.readouterr()
    assert captured.err.startswith(message) and captured.out == "" and "Traceback" not in captured.err


@pytest.mark.parametrize("arguments", [["--debug", "demo"], ["demo", "--debug"]])
def test_debug_shows_the_traceback(arguments: list[str], command: Command) -> None:
    def fail() -> None:
        raise DataError("broken")

    command(fail)
    with pytest.raises(DataError, match="broken"):
        main(arguments)


def test_python_m_loreweave_is_the_same_command() -> None:
    result = subprocess.run([sys.executable, "-m", "loreweave", "nothing"], capture_output=True, text=True)
    assert result.returncode == 2 and "No such command 'nothing'" in result.stderr

"""The command `loreweave`: finds a command, runs it, and turns errors into one message and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from loreweave import __version__
from loreweave.cli.help import HelpCommand, HelpGroup
from loreweave.errors import LoreweaveError, reason_of

COMMANDS = {
    "demo": "Run a complete example on the bundled sample data, in a few minutes on a CPU.",
    "build": "Build pre-training sets, vocabularies, types of entities, mention dictionaries, graphs, episodes and other data.",
    "pretrain": "Pre-train an encoder by a recipe.",
    "finetune": "Fine-tune an encoder on a task.",
    "evaluate": "Score a checkpoint on a task.",
    "score": "Score any system's predictions on a task.",
    "check": "Check a task's files before training.",
    "predict": "Predict with a checkpoint for texts or JSON Lines; the output is JSON Lines.",
    "types": "Show the latent types of sentences, and the sentences rebuilt from them.",
    "attention": "Write a page that shows the attention between the words and entities of texts.",
    "probe": "Compare encoders without fine-tuning, on few-shot relations and types of mentions.",
    "search": "Search over settings of a task or of pre-training.",
    "runs": "List the runs in folders, with their settings and scores.",
    "report": "Write one page, pictures and tables about runs.",
    "rerun": "Repeat a run from its record, and compare the numbers.",
    "embed": "Write the embeddings of a knowledge graph.",
    "convert": "Convert a checkpoint from one format to another.",
    "tasks": "List the tasks, or show the file formats, metrics and settings of one task.",
    "recipes": "List the packaged recipes, or show the settings of one recipe.",
}
"""Every command with its line in `loreweave --help`; `command` in its module (see `module_of`) is its function."""

_EXPERIMENTS = {"search", "runs", "report", "rerun"}
"""Commands in the folder `experiments`; all others are beside this module."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as in shells (128 + SIGINT)."""


class _Group(HelpGroup):
    """Knows its commands by name and line; imports the module of a command only when it is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Replace the placeholder by the real command."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name in COMMANDS else stand_in, rest

    def invoke(self, ctx: Any) -> Any:
        """Report Ctrl-C, with the message of a run that it stopped; typer would exit silently."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            print(f"Error: {stop}" if str(stop) else "Interrupted.", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=_Group,
    name="loreweave",
    help="Train, fine-tune, evaluate and inspect entity-aware encoders.\n\n"
    "To use several processes: torchrun --nproc-per-node 8 -m loreweave COMMAND ...",
    epilog="Example: loreweave demo",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain text, so that [key=value ...] is not markup
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"loreweave {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error. Can be given anywhere.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Options of every command; `main` looks for `--debug` itself."""


def _stand_in() -> None:
    """Placeholder for a command in the help."""


for _name, _summary in COMMANDS.items():
    app.command(_name, help=_summary)(_stand_in)


def module_of(name: str) -> str:
    """The module of a command."""
    return f"loreweave.cli.experiments.{name}" if name in _EXPERIMENTS else f"loreweave.cli.{name}"


def load_command(name: str) -> Any:
    """Import the module of one command and create the command for typer."""
    command: Callable[..., None] | typer.Typer = import_module(module_of(name)).command
    if isinstance(command, typer.Typer):  # a command with commands of its own
        command.info.cls = HelpGroup
        for registered in command.registered_commands:
            registered.cls = HelpCommand
        return typer.main.get_command(command)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["--help", "-h"]})
    alone.command(name, cls=HelpCommand)(command)
    return typer.main.get_command(alone)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 success, 1 failure, 2 wrong use, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    end = given.index("--") if "--" in given else len(given)
    debug = "--debug" in given[:end]
    try:
        app([part for part in given[:end] if part != "--debug"] + given[end:], prog_name="loreweave")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except Exception as error:
        if debug:
            raise
        print(f"Error: {_message(error)}", file=sys.stderr)
        return error.exit_code if isinstance(error, LoreweaveError) else 1
    return 0


def _message(error: Exception) -> str:
    """One message: our own errors as they are, those of the system about a file with its name, others with their type."""
    if isinstance(error, OSError) and error.filename is not None and error.filename2 is None:
        return f"{error.filename}: {reason_of(error)}"
    if isinstance(error, (LoreweaveError, OSError)):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return f"{error}; is the extra that contains it installed? (pip install 'loreweave[demo]', see pyproject.toml)"
    return f"{type(error).__name__}: {error} (--debug shows where)"

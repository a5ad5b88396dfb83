"""Help of commands, and messages about options that are settings: `--epochs 3` is `epochs=3`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from loreweave.errors import ConfigurationError
from loreweave.tasks.registry import load_task, task_names, trained_task_names


def starting_with(names: Sequence[str]) -> Callable[[str], list[str]]:
    """Completions of the beginning of an argument."""
    return lambda incomplete: [name for name in names if name.startswith(incomplete)]


AnyTask = Annotated[
    str,
    typer.Argument(metavar="TASK", help=f"The task: {', '.join(task_names())}.", autocompletion=starting_with(task_names())),
]
TrainedTask = Annotated[
    str,
    typer.Argument(
        metavar="TASK",
        help=f"The task: {', '.join(trained_task_names())}.",
        autocompletion=starting_with(trained_task_names()),
    ),
]


LISTS_SETTINGS = ("probe", "search")
"""Commands whose help lists their settings. `loreweave tasks TASK` lists those of the others."""


class HelpCommand(TyperCommand):
    """Shows its first paragraph, its arguments, options and settings, and then the rest of its text."""

    def __init__(self, name: str | None, *, help: str | None = None, epilog: str | None = None, **others: Any) -> None:
        first, _, rest = (help or "").partition("\n\n")
        super().__init__(name, help=first or None, epilog="\n\n".join(filter(None, (rest, epilog))) or None, **others)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Explain how to write a setting that was given as an option.

        Raises:
            ConfigurationError: the option is a setting.
        """
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            if type(error).__name__ != "NoSuchOption" or not isinstance(option := getattr(error, "option_name", None), str):
                raise
            message = as_setting(str(ctx.info_name), option, given)
            if message is None:
                raise
            raise ConfigurationError(message) from None

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Add a section with the settings, if the command lists them."""
        super().format_options(ctx, formatter)
        if self.name in LISTS_SETTINGS:
            with formatter.section("Settings"):
                formatter.write_dl(list(_setting_rows(self.name)))


class HelpGroup(TyperGroup):
    """Shows the lines of its commands without shortening them."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """One row per command."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, (command.help or "").partition("\n\n")[0]) for name, command in commands if command])


def as_setting(command: str, option: str, given: Sequence[str]) -> str | None:
    """Message about an option that is a setting of this command; None if it is not a setting.

    Args:
        command: name of the command.
        option: option with its hyphens.
        given: all arguments of the command.
    """
    name = option.lstrip("-").replace("-", "_")
    found = [setting for setting in _settings(command, given) if setting == name or setting.rpartition(".")[2] == name]
    if not found:
        return None
    setting = name if name in found else found[0]
    place = next(number for number, part in enumerate(given) if part.partition("=")[0] == option)
    value = given[place].partition("=")[2] or next(iter(given[place + 1 :]), "")
    value = value if value and not value.startswith("--") else "..."
    return f"no such option: {option}; settings are given as key=value after the command: {setting}={value}"


def _settings(command: str, given: Sequence[str]) -> Iterator[str]:
    """Dotted names of all settings of a command, which the task among its arguments determines."""
    from loreweave.training.settings.documentation import setting_docs

    for cls in _configurations(command, given):
        yield from (setting.name for setting in setting_docs(cls))


def _setting_rows(command: str) -> Iterator[tuple[str, str]]:
    """Name of each setting of a command, and its text with the default."""
    from loreweave.training.settings.documentation import setting_docs
    from loreweave.training.settings.fields import written

    for cls in _configurations(command, ()):
        for setting in setting_docs(cls):
            default = setting.default
            shown = ",".join(map(written, default)) if isinstance(default, list) else written(default)
            default_text = f"  [default: {shown}]" if default not in (None, {}) else ""
            yield setting.name, setting.text.replace("`", "") + default_text


def _configurations(command: str, given: Sequence[str]) -> Iterator[type]:
    if command == "pretrain":
        from loreweave.pretraining.configuration import PretrainingConfig

        yield PretrainingConfig
        return
    if command == "probe":
        from loreweave.experiments.probes.settings import ProbeConfig

        yield ProbeConfig
        return
    if command == "search":
        from loreweave.experiments.search.sweep import Sweep

        yield Sweep
        return
    name = next((part for part in given if part in task_names()), None)
    if name is None:
        return
    task = load_task(name)
    if command == "finetune" and task.training is not None:
        yield task.training.config
    elif command in ("evaluate", "predict", "score"):
        yield {"evaluate": task.evaluation, "predict": task.prediction, "score": task.scoring}[command]

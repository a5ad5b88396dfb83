"""`loreweave check`: checks a task's files, or texts for pre-training, before training."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from loreweave.cli.console import progress, say, show_facts, show_json, show_table
from loreweave.cli.help import starting_with
from loreweave.cli.options import AsJson, FileFormat, Overwrite, TagNamesOption, read_tag_names
from loreweave.errors import ConfigurationError
from loreweave.tasks.jobs.record_facts import LISTED, LISTED_OF_TEXTS, PRETRAINING
from loreweave.tasks.registry import trained_task_names

_SHOWN_ERRORS, _SHOWN_LABELS, _SHOWN_PAIRS = 10, 200, 20
_SPREADS = ("characters", "words_per_text", "words_per_mention", "sub_words")
_LISTS = {False: (*LISTED, "labels", "all"), True: (*LISTED_OF_TEXTS, "labels", "entities", "all")}
"""Kinds of `--list` for tasks, and for pre-training."""
_OF_MENTIONS = ("mentions", "misaligned", "overlaps")
"""Facts that say nothing about texts that have no mentions."""
_OF_SEVERAL_LABELS = ("with_one_label", "with_several_labels", "labels_per_record")
"""Facts that say nothing about files whose records have one label each, or none."""

CheckedTask = Annotated[
    str,
    typer.Argument(
        metavar="TASK",
        help=f"The task: {', '.join(trained_task_names())}; or {PRETRAINING}, for texts with mentions.",
        autocompletion=starting_with((*trained_task_names(), PRETRAINING)),
    ),
]
Model = Annotated[
    str | None, typer.Option("--model", help="Encoder or checkpoint for which sub-words and cut records are counted.")
]
MaxLength = Annotated[
    int | None,
    typer.Option("--max-length", min=8, help="Maximum number of sub-words. Default: the maximum of the encoder."),
]
Lists = Annotated[
    list[str] | None,
    typer.Option(
        "--list", metavar="KIND", help=f"List each counted case with its place: {', '.join(_LISTS[False])}; can be repeated."
    ),
]


def command(
    task: CheckedTask,
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Files to check, the training file first.")],
    format: FileFormat = None,
    tag_names: TagNamesOption = None,
    model: Model = None,
    max_length: MaxLength = None,
    lists: Lists = None,
    output: Annotated[Path | None, typer.Option("--output", help="CSV file for all numbers, one per row.")] = None,
    overwrite: Overwrite = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 1 if there are findings.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check files before training: bad records, labels, duplicates, overlaps, misaligned mentions, leaks between files.

    Nothing is trained, and no model is needed. With --model, the records are encoded as for training. The exit status is 1 if
    no record of a file could be read.

    The command counts texts, words, sentences, mentions, labels, pairs of labels in one record, and lengths. For two files, it
    shows the drift of labels and lengths (Jensen-Shannon divergence in bits, 0: equal, 1: nothing in common), and the share of
    mentions of the second file that the first one has. It counts the following kinds of findings; --list KIND shows each
    finding of a kind with its file and line.

    bad: records with an error, which --skip-bad of other commands leaves out. unused: records that the task cannot use.
    dropped: parts of records that are left out. odd: answers that are kept, but do not occur in their context or not at their
    place. repeated_ids: records with the id of an earlier one. unlabelled: records without a label. misaligned: mentions
    that cut a word or have white space at their edges. overlaps: records whose mentions share characters. duplicates: records
    with the same text and mentions. conflicts: duplicates with different labels. leaks: texts that are in two files.

    For a few-shot task, the first file is the training file, and the command names the labels that the other files share with
    it. For relations, no_label=NAME after the files names the label for "no relation", whose records are counted.

    With pretraining instead of a task, the files are texts for 'loreweave build pretraining'. The command counts mentions with
    an entity, entities, and texts without mentions, and names another way of counting that fits the offsets. Its findings are
    bad, unused, dropped, without_mentions, misaligned, duplicates and leaks; --list entities shows up to 1,000 entities.

    Example: loreweave check relation-classification train.json dev.json test.json --model studio-ousia/luke-base

    Example: loreweave check ner train.conll --list misaligned --list dropped

    Example: loreweave check pretraining pages.jsonl heldout.jsonl
    """
    from loreweave.corpus.files.writing import check_free

    wanted = _wanted(lists or [], _LISTS[task == PRETRAINING])
    if output is not None:
        check_free(output, overwrite)
    given = (files, format, tag_names, model, max_length)
    found = _check_texts(*given) if task == PRETRAINING else _check_task(task, *given)
    if output is not None:
        _write(output, found)
    if as_json:
        show_json(found)
    else:
        _show(found, wanted)
    nothing_read = not all(row["texts"] for row in found["files"])
    if nothing_read or (strict and found["findings"]):
        raise typer.Exit(1)


def _wanted(lists: list[str], kinds: Collection[str]) -> set[str]:
    """The kinds to list, which can be written as in the table (`repeated-ids`).

    Raises:
        ConfigurationError: an unknown kind.
    """
    wanted = {kind.replace("-", "_"): kind for kind in lists}
    unknown = sorted(wanted.keys() - set(kinds))
    if unknown:
        raise ConfigurationError(f"--list: unknown kind {wanted[unknown[0]]!r}; there are {', '.join(kinds)}")
    return set(kinds if "all" in wanted else wanted)


def _check_task(
    task: str, files: list[Path], format: str | None, tag_names: Path | None, model: str | None, max_length: int | None
) -> dict[str, Any]:
    from loreweave.tasks.contract import Reading
    from loreweave.tasks.jobs.check import check_files
    from loreweave.tasks.registry import load_task

    paths, no_label = _without_label_for_none(files)
    reading = Reading(format=format, tag_names=read_tag_names(tag_names))
    return check_files(
        load_task(task), paths, reading=reading, model=model, max_length=max_length, no_label=no_label, report=say
    )


def _check_texts(
    files: list[Path], format: str | None, tag_names: Path | None, model: str | None, max_length: int | None
) -> dict[str, Any]:
    """The texts of `loreweave check pretraining`.

    Raises:
        ConfigurationError: an option that only tasks have.
    """
    from loreweave.pretraining.text_check import check_texts

    if model is not None or max_length is not None:
        option = "--max-length" if model is None else "--model"
        raise ConfigurationError(f"{option}: texts are not encoded here; 'loreweave build pretraining' counts their sub-words")
    paths, no_label = _without_label_for_none(files)
    if no_label is not None:
        raise ConfigurationError(f"no_label={no_label} is for relations; leave it out")
    with progress("texts read") as advance:
        return check_texts(paths, format=format, tag_names=read_tag_names(tag_names), advance=advance)


def _without_label_for_none(arguments: list[Path]) -> tuple[list[Path], str | None]:
    """The files, and the value of `no_label=NAME` among them, which is written as in the other commands."""
    named = [str(path).removeprefix("no_label=") for path in arguments if str(path).startswith("no_label=")]
    paths = [path for path in arguments if not str(path).startswith("no_label=")]
    if not paths:
        raise ConfigurationError("give at least one file together with no_label=NAME")
    return paths, named[-1] if named else None


def _write(output: Path, found: dict[str, Any]) -> None:
    from loreweave.corpus.files.csv_tables import write_csv
    from loreweave.tasks.jobs.data_statistics import csv_rows

    output.parent.mkdir(parents=True, exist_ok=True)
    write_csv(output, ("file", "what", "label", "other", "value"), csv_rows(found))
    say(f"wrote {output}")


def _show(found: dict[str, Any], lists: set[str]) -> None:
    for row in found["files"]:
        for line in [] if "bad" in lists else row["errors"][:_SHOWN_ERRORS]:
            say(f"{row['file']}, {line}")
        if "bad" not in lists and len(row["errors"]) > _SHOWN_ERRORS:
            say(f"{row['file']}: {_SHOWN_ERRORS} of {len(row['errors'])} bad records; --list bad lists them all")
    hidden: tuple[str, ...] = ()
    if not any(row["mentions"] or "sentences" in row for row in found["files"]):
        hidden += _OF_MENTIONS
    if not any(row.get("with_several_labels") for row in found["files"]):
        hidden += _OF_SEVERAL_LABELS
    show_facts({row["file"]: _flat(row, hidden) for row in found["files"]}, title="files")
    files = [row["file"] for row in found["files"]]
    what = "texts" if found["task"] == PRETRAINING else "records"
    _show_labels(found["labels"], f"labels: {what} with each", whole="labels" in lists)
    _show_labels(found["mentions"], "labels: mentions with each", whole="labels" in lists)
    together = [{"label": f"{row['label']}, {row['other']}"} | {name: row[name] for name in files} for row in found["together"]]
    _show_labels(together, "labels: records with both", whole="labels" in lists, most=_SHOWN_PAIRS)
    _show_labels(found.get("entities", []), "entities: mentions of each", whole="entities" in lists, most=_SHOWN_PAIRS)
    if found["drift"]:
        names = [name for name in found["drift"][0] if any(row[name] is not None for row in found["drift"])]
        rows = [[row[name] for name in names] for row in found["drift"]]
        show_table([name.replace("_", "-") for name in names], rows, title="drift", always_titled=True)
    for kind in LISTED_OF_TEXTS if found["task"] == PRETRAINING else LISTED:
        if kind in lists:
            lines = [(row["file"], line) for row in found["files"] for line in row["listed"][kind]]
            if lines:
                show_table(("file", "place and what"), lines, title=f"{kind}: {len(lines)}", always_titled=True)
            else:
                say(f"{kind}: none")
    for line in found["findings"]:
        say(line)
    if not found["findings"]:
        say("no findings")


def _show_labels(rows: list[dict[str, Any]], title: str, *, whole: bool, most: int = _SHOWN_LABELS) -> None:
    shown = rows if whole else rows[:most]
    if shown:
        what, *files = shown[0]  # "label" or "entity", and the names of the files
        facts = {file: {str(row[what]): row[file] for row in shown} for file in files}
        show_facts(facts, title=title, what=what)
    if len(rows) > len(shown):
        say(f"{title}: {len(shown)} of {len(rows)}; --list {title.partition(':')[0]} shows all")


def _flat(row: dict[str, Any], hidden: Collection[str]) -> dict[str, Any]:
    """Facts about a file: one fact per length statistic, without lists and without `hidden` ones."""
    facts: dict[str, Any] = {}
    for name, value in row.items():
        if name in _SPREADS:
            facts |= {f"{name.replace('_', '-')} ({part})": number for part, number in value.items()}
        elif name in ("unused", "dropped"):
            facts[name] = sum(value.values())
        elif name not in ("file", "errors", "notes", "listed", "cut", *hidden):
            facts[name.replace("_", "-")] = value
    return facts

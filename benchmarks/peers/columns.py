"""What the peers' scripts share: reading and writing files of two columns, and the CPU time of a process with its children."""

from __future__ import annotations

import gzip
import json
import resource
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Sentence = tuple[list[str], list[str]]
"""Tokens and tags."""


def read(path: str) -> list[Sentence]:
    """The sentences of a file (plain or .gz): a token and a tag a line, a blank line between sentences."""
    sentences: list[Sentence] = [([], [])]
    with gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8") as file:
        for line in file:
            columns = line.split()
            if not columns:
                sentences.append(([], []))
            else:
                sentences[-1][0].append(columns[0])
                sentences[-1][1].append(columns[-1])
    return [sentence for sentence in sentences if sentence[0]]


def write(path: Path, sentences: Iterable[tuple[Sequence[str], Sequence[str]]]) -> None:
    """The opposite of `read`."""
    blocks = ("\n".join(f"{token}\t{tag}" for token, tag in zip(*sentence, strict=True)) for sentence in sentences)
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def spans(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """(first token, token after the last, type) of IOB2 tags."""
    found: list[tuple[int, int, str]] = []
    for place, tag in enumerate(tags):
        if tag[:2] == "B-":
            found.append((place, place + 1, tag[2:]))
        elif tag[:2] == "I-" and found and found[-1][1] == place and found[-1][2] == tag[2:]:
            found[-1] = (found[-1][0], place + 1, tag[2:])
    return found


def tags(length: int, found: Iterable[tuple[int, int, str]]) -> list[str]:
    """IOB2 tags of spans."""
    made = ["O"] * length
    for start, end, label in found:
        made[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
    return made


def cpu_seconds() -> float:
    """CPU time of this process and of those that it waited for."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in used)


def asked() -> dict[str, Any]:
    """What the benchmark asks for: the JSON object on standard input."""
    found: dict[str, Any] = json.load(sys.stdin)
    return found


def answer(output: Path, predicted: Iterable[tuple[Sequence[str], Sequence[str]]], **facts: float) -> None:
    """Write the predictions and what they cost."""
    write(output / "predictions.txt", predicted)
    (output / "facts.json").write_text(json.dumps(facts))

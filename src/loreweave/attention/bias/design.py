"""Design of a bias probe: templates with a slot for a name, groups of names, and the words and labels of interest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loreweave.attention.capture.mentions import find_mentions
from loreweave.corpus.counts import counted
from loreweave.corpus.files.rows import id_of
from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import ConfigurationError, DataError
from loreweave.training.settings.configuration import load_yaml, unknown_name

SLOT = "{name}"
EXAMPLE = "example"
"""Name of the design that comes with the package."""

Span = tuple[int, int]


@dataclass(frozen=True)
class Template:
    """A sentence with a slot.

    Attributes:
        id: its name.
        before, after: text around the name.
        targets: word of interest -> its characters; negative ones count from the end, because they come after the slot.
    """

    id: str
    before: str
    after: str
    targets: dict[str, Span]

    def text(self, name: str) -> str:
        """The sentence with a name."""
        return f"{self.before}{name}{self.after}"

    def span(self, name: str) -> Span:
        """Characters of the name."""
        return len(self.before), len(self.before) + len(name)

    def target_spans(self, name: str) -> dict[str, Span]:
        """Characters of the words of interest in the sentence with a name."""
        size = len(self.text(name))
        return {word: (s, e) if s >= 0 else (s + size, e + size) for word, (s, e) in self.targets.items()}


@dataclass(frozen=True)
class Design:
    """What is compared.

    Attributes:
        templates: the sentences.
        groups: name of a group -> its names, in an order that pairs them by rank.
        labels: labels whose probabilities are compared. Empty: all labels of the model.
    """

    templates: list[Template]
    groups: dict[str, list[str]]
    labels: list[str] = field(default_factory=list)

    def cases(self) -> Iterator[tuple[Template, str, int, str]]:
        """Template, group, rank (from 1) and name of each sentence."""
        for template in self.templates:
            for group, names in self.groups.items():
                for rank, name in enumerate(names, 1):
                    yield template, group, rank, name

    def check_pairs(self) -> None:
        """Refuse groups of different sizes.

        Raises:
            ConfigurationError: names both.
        """
        sizes = {group: len(names) for group, names in self.groups.items()}
        if len(set(sizes.values())) > 1:
            found = ", ".join(f"{group}: {size}" for group, size in sizes.items())
            raise ConfigurationError(f"--paired: found groups of different sizes ({found}), expected one name for each rank")


def read_design(path: Path) -> Design:
    """Read a YAML file with `templates`, `groups` and, if some labels are of interest, `labels`; or the `example`.

    Raises:
        ConfigurationError: names the file, the field and what is wrong.
    """
    if str(path) == EXAMPLE and not path.exists():
        path = Path(__file__).with_name("example.yaml")
    values = load_yaml(path)
    try:
        known = ["templates", "groups", "labels"]
        if unknown := [key for key in values if key not in known]:
            raise ConfigurationError(f"found the key {unknown[0]!r}{unknown_name(unknown[0], known)}")
        templates = [_template(row, number) for number, row in enumerate(_list(values.get("templates"), "templates"), 1)]
        _check_once([template.id for template in templates], "templates: the id")
        return Design(templates, _groups(values.get("groups")), _strings(values.get("labels") or [], "labels"))
    except (ConfigurationError, DataError) as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _template(row: Any, number: int) -> Template:
    """A template of the file: `text` with one slot, `targets`, and an `id` if it has one."""
    where = f"templates, number {number}"
    if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not set(row) <= {"id", "text", "targets"}:
        raise ConfigurationError(f"{where}: found {in_json(row)}, expected text, and optionally id and targets")
    text: str = row["text"]
    if text.count(SLOT) != 1:
        raise ConfigurationError(f"{where}: found {text.count(SLOT)} slots in {text!r}, expected one {SLOT}")
    words = _strings(row.get("targets") or [], f"{where}, targets")
    _check_once(words, f"{where}: the target")
    slot = text.index(SLOT)
    targets = {}
    for word, (start, end) in zip(words, find_mentions(text, words), strict=True):
        if start < slot + len(SLOT) and end > slot:
            raise ConfigurationError(f"{where}: found the target {word!r} in the slot, expected a word of the sentence")
        targets[word] = (start, end) if start < slot else (start - len(text), end - len(text))
    return Template(id_of(row, str(number)), text[:slot], text[slot + len(SLOT) :], targets)


def _groups(value: Any) -> dict[str, list[str]]:
    """At least two groups of at least two names, each name once."""
    if not isinstance(value, dict) or len(value) < 2:
        raise ConfigurationError(f"groups: found {in_json(value)}, expected two or more groups of names")
    groups = {str(group): _strings(names, f"groups, {group}") for group, names in value.items()}
    for group, names in groups.items():
        _check_once(names, f"groups, {group}: the name")
        if len(names) < 2:
            raise ConfigurationError(f"groups, {group}: found {counted(len(names), 'name')}, expected two or more")
    return groups


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise ConfigurationError(f"{name}: found {in_json(value)}, expected a list")
    return value


def _strings(value: Any, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each.strip() for each in value):
        raise ConfigurationError(
            f"{name}: found {in_json(value)}, expected a list of words (in quotes if YAML reads them otherwise)"
        )
    return [each.strip() for each in value]


def _check_once(names: list[str], what: str) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(f"{what} {twice!r} is given twice")

"""The page of a report: one HTML file with all pictures and one script for its tables, which needs no network."""

from __future__ import annotations

import base64
import hashlib
import html
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from loreweave.corpus.counts import counted
from loreweave.experiments.report.cells import Cell
from loreweave.experiments.report.parts import NotShown, Part, Table, not_shown
from loreweave.experiments.runs.recorded import is_number

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --soft: #595959; --line: #d0d0d0; --back: #ffffff; --head: #f2f2f2; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececec; --soft: #b0b0b0; --line: #4a4a4a; --back: #161616; --head: #242424; }
}
body { margin: 0 auto; max-width: 72rem; padding: 1rem; color: var(--ink); background: var(--back);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.35rem; margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
h3 { font-size: 1.1rem; margin-top: 2rem; } h4 { font-size: 0.95rem; margin: 1.5rem 0 0.5rem; }
p.caption, p.note { color: var(--soft); max-width: 60rem; }
p.answer { font-size: 1.1rem; }
img { max-width: 100%; height: auto; background: #ffffff; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; margin-bottom: 1rem; }
.table { width: fit-content; max-width: 100%; max-height: 32rem; overflow: auto; border: 1px solid var(--line); }
table { border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line);
  overflow-wrap: normal; max-width: 36rem; }
th { position: sticky; top: 0; background: var(--head); } td.number { text-align: right; }
td.number, td.short { white-space: nowrap; } td.long { min-width: 18rem; } th { vertical-align: bottom; }
th button { all: unset; cursor: pointer; } th button:hover { text-decoration: underline; }
th button::before { content: ""; position: absolute; inset: 0; }
th button:focus-visible::before { outline: 2px solid currentcolor; outline-offset: -3px; }
th button::after { content: "\\a0↕"; content: "\\a0↕" / ""; color: var(--soft); }
th[aria-sort=ascending] button::after { content: "\\a0▲"; content: "\\a0▲" / ""; color: inherit; }
th[aria-sort=descending] button::after { content: "\\a0▼"; content: "\\a0▼" / ""; color: inherit; }
p.filter { margin: 0.5rem 0; color: var(--soft); font-size: 0.9rem; }
p.filter input { font: inherit; color: var(--ink); background: var(--back); border: 1px solid var(--soft);
  padding: 0.1rem 0.4rem; }
@media print { p.filter:not(.used), th:not([aria-sort]) button::after { display: none; }
  .table { max-height: none; overflow: visible; } }
a { color: inherit; } nav ul { columns: 16rem; padding-left: 1.2rem; }
nav p { margin: 1rem 0 0; } nav p + ul { margin-top: 0.2rem; }
"""
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?")
"""A number as a setting is written, which the page rounds."""
_SHORT, _LONG = 24, 80
"""Number of characters up to which a cell is one line, and from which it has a minimum width."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{hash}'"
"""No address is read, and no script runs but that of the page, which the hash of its text names."""


@dataclass(frozen=True)
class Drawn:
    """A figure of a section as the page shows it.

    Attributes:
        name: name of the figure.
        part: what it shows, or why it does not apply.
        svgs: the pictures as SVG, in the order of `part.pictures`.
        prefix: of the names of its files.
    """

    name: str
    part: Part | NotShown
    svgs: Sequence[bytes] = ()
    prefix: str = ""


def page_html(title: str, answers: Sequence[str], sections: Sequence[tuple[str, Sequence[Drawn]]]) -> str:
    """The page: the answer of each section first, then contents, then the figures."""
    shown = [(name, [drawn for drawn in figures if isinstance(drawn.part, Part)]) for name, figures in sections]
    lists = [_entries(place, figures) for place, (_, figures) in enumerate(shown)]
    contents = lists[0] if len(lists) == 1 else "".join(
        f'<p><a href="#section-{place + 1}">{_text(name)}</a></p>{entries}'
        for place, ((name, _), entries) in enumerate(zip(shown, lists, strict=True))
    )  # fmt: skip
    labels = _labels(sections)
    body = "".join(_section(place, name, figures, labels) for place, (name, figures) in enumerate(sections))
    answer = "".join(f'<p class="answer">{_text(line)}</p>' for line in answers)
    script = _script()
    policy = _POLICY.format(hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode())
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body><main>"
        f'<h1>{_text(title)}</h1>{answer}<nav aria-label="Contents">{contents}</nav>{body}</main>'
        f"<script>{script}</script></body></html>\n"
    )


@cache
def _script() -> str:
    return resources.files(__package__).joinpath("page.js").read_text(encoding="utf-8")


def _entries(place: int, figures: Sequence[Drawn]) -> str:
    """The figures of a section in the contents."""
    entries = (
        f'<li><a href="#{_anchor(place, drawn)}">{_text(drawn.part.title)}</a></li>'
        for drawn in figures
        if isinstance(drawn.part, Part)
    )
    return f"<ul>{''.join(entries)}</ul>"


def _labels(sections: Sequence[tuple[str, Sequence[Drawn]]]) -> dict[int, str]:
    """A name for each table, by its identity: its title or that of its file; if others have it too, with that of the section
    and of the figure.
    """
    named = [
        (table, (name, drawn.part.title))
        for name, figures in sections
        for drawn in figures
        if isinstance(drawn.part, Part)
        for table in drawn.part.tables
    ]
    labels = [table.title or table.name.replace("_", " ") for table, _ in named]
    for level in range(2):
        count = Counter(labels)
        labels = [
            f"{label}, {more[level]}" if count[label] > 1 else label for label, (_, more) in zip(labels, named, strict=True)
        ]
    return {id(table): label for (table, _), label in zip(named, labels, strict=True)}


def _section(place: int, name: str, figures: Sequence[Drawn], labels: Mapping[int, str]) -> str:
    parts = "".join(_figure(place, drawn, labels) for drawn in figures if isinstance(drawn.part, Part))
    left = {drawn.name: drawn.part.reason for drawn in figures if isinstance(drawn.part, NotShown)}
    note = f'<p class="note">Not shown: {_text(not_shown(left))}.</p>' if left else ""
    return f'<h2 id="section-{place + 1}">{_text(name)}</h2>{parts}{note}'


def _figure(place: int, drawn: Drawn, labels: Mapping[int, str]) -> str:
    part = drawn.part
    assert isinstance(part, Part)
    pictures = "".join(
        f'<img src="data:image/svg+xml;base64,{base64.b64encode(svg).decode("ascii")}" alt="{_text(picture.text)}">'
        for picture, svg in zip(part.pictures, drawn.svgs, strict=True)
    )
    pictures = f'<div class="pictures">{pictures}</div>' if pictures else ""
    notes = "".join(f'<p class="note">{_text(note[0].upper() + note[1:])}.</p>' for note in part.notes if note)
    tables = "".join(_table(table, drawn.prefix, labels[id(table)]) for table in part.tables)
    tables += "".join(f'<p class="note">{_link(f"{drawn.prefix}{lines.name}.jsonl")}</p>' for lines in part.lines)
    title = f'<h3 id="{_anchor(place, drawn)}">{_text(part.title)}</h3>'
    return f'{title}<p class="caption">{_text(part.caption)}</p>{pictures}{notes}{tables}'


def _table(table: Table, prefix: str, label: str) -> str:
    """The first rows without columns that are empty in all of them, and the name of the file with everything."""
    rows = table.rows[: table.shown]
    is_cut = len(rows) < len(table.rows)
    number = counted(len(table.rows), "row")
    more = "" if not is_cut else f"{len(rows):,} of {number} are on this page; all rows: " if rows else f"{number}, "
    title = f"<h4>{_text(table.title)}</h4>" if table.title else ""
    title += f'<p class="caption">{_text(table.about)}</p>' if table.about else ""
    link = f'<p class="note">{more}{_link(f"{prefix}{table.name}.csv")}</p>'
    if not rows:
        return f"{title}{link}"
    kept = [place for place in range(len(table.columns)) if any(not _is_empty(row[place]) for row in table.rows)]
    head = "".join(f'<th scope="col">{_text(table.columns[place]).replace(".", ".<wbr>")}</th>' for place in kept)
    body = "".join(f"<tr>{''.join(_cell(row[place]) for place in kept)}</tr>" for row in rows)
    region = f'role="region" tabindex="0" aria-label="{_text(label)}"{" data-cut" if is_cut else ""}'
    return f'{title}<div class="table" {region}><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{link}'


def _link(name: str) -> str:
    file = _text(f"tables/{name}")
    return f'<a href="{file}">{file}</a>'


def _is_empty(value: object) -> bool:
    if isinstance(value, Cell):
        return not value.text
    return value is None or value == "" or (isinstance(value, float) and not math.isfinite(value))


def _cell(value: object) -> str:
    if isinstance(value, Cell) and is_number(value.value):
        return f'<td class="number" data-value="{value.value}">{_text(value.text)}</td>'
    digits = ""
    if isinstance(value, Cell):
        if value.value != value.text and _NUMBER.fullmatch(str(value.value)):
            digits = f' data-value="{value.value}"'
        value = value.text
    if isinstance(value, float):
        cell = f'<td class="number" data-value="{float(value)!r}">{_number(value)}</td>'
        return cell if math.isfinite(value) else "<td></td>"
    if isinstance(value, int) and not isinstance(value, bool):
        return f'<td class="number" data-value="{value}">{f"{value:,}" if abs(value) >= 10000 else value}</td>'
    text = "" if value is None else str(value)
    width = "short" if len(text) <= _SHORT else "long" if len(text) > _LONG else ""
    kind = f' class="{width}"' if width else ""
    return f"<td{kind}{digits}>{_text(text)}</td>"


def _number(value: float) -> str:
    """Four decimals, so that scores in a column are aligned; whole, very small and large numbers in short."""
    return f"{value:.4f}" if 0.0005 <= abs(value) < 1 and not value.is_integer() else f"{value:.4g}"


def _anchor(place: int, drawn: Drawn) -> str:
    return f"{drawn.name}-{place + 1}"


def _text(value: str) -> str:
    return html.escape(value, quote=True)

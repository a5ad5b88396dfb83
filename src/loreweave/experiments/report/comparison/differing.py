"""The records that one system has right and the other wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from loreweave.corpus.counts import counted
from loreweave.experiments.report.comparison.matching import Matched
from loreweave.experiments.report.comparison.results import PAIR, Compared, PairResult, seeds_text
from loreweave.experiments.report.parts import NotShown, Part, Table
from loreweave.experiments.report.prediction_rows import RecordKey, Row, around, has_gold, short
from loreweave.experiments.runs.recorded import RecordedRun

_SHOWN_RECORDS = 15


def draw(found: Compared) -> Part | NotShown:
    """McNemar's tables, and the records that one system has right and the other wrong."""
    rows: list[list[object]] = []
    tables: list[Table] = []
    for number, pair in enumerate(found.pairs):
        for seeds in pair.seed_pairs:
            one = seeds.outcomes
            if one is not None:
                start = [pair.split, pair.first.label, pair.second.label, seeds_text(seeds)]
                rows.append([*start, one.both, one.first_only, one.second_only, one.neither, one.p])
        if found.matched[pair.split].rows:
            sides = [found.section.scored(system, pair.split) for system in (pair.first, pair.second)]
            tables += _differing(found.matched[pair.split], pair, sides, number + 1)
    if not rows:
        return NotShown("the predictions have no gold answers of records that all runs have")
    columns = [*PAIR, "seeds", "both right", "first only", "second only", "both wrong", "McNemar p (exact)"]
    why = "no seed of training is in both, so their runs are paired in their order"
    unpaired = {f"{pair.first.label} and {pair.second.label}: {why}"
                for pair in found.pairs if not pair.paired_by_seed and len(pair.seed_pairs) > 1}  # fmt: skip
    caption = (
        "A record is right if its whole prediction equals the gold answer. For one run of each system, McNemar's exact test "
        "compares the number of records that only the first has right with the number that only the second has right. The "
        "tables of records show the records on which the systems differ most. The columns with runs count the runs that have "
        "the record right."
    )
    tables.insert(0, Table("mcnemar", columns, rows))
    return Part("Records on which they differ", caption, tables=tables, notes=sorted(unpaired))


def _differing(matched: Matched, pair: PairResult, sides: Sequence[Sequence[RecordedRun]], number: int) -> list[Table]:
    """A table of the records that the first has right more often, and one of the reverse."""
    shares: list[dict[RecordKey, int]] = []
    for runs in sides:
        right = [matched.right(run) for run in runs]
        shares.append({key: sum(one.get(key, False) for one in right) for key in right[0]})
    gaps = {key: count / len(sides[0]) - shares[1][key] / len(sides[1]) for key, count in shares[0].items() if key in shares[1]}
    names = [pair.first.label, pair.second.label]
    columns = ["id", "text", "gold", *names, *(f"{name}: runs right" for name in names)]
    tables = []
    for way, sign in (("first_better", 1), ("second_better", -1)):
        keys = sorted((key for key, gap in gaps.items() if sign * gap > 0), key=lambda key: -sign * gaps[key])
        rows = [_record_row(key, matched, sides, shares) for key in keys]
        better, worse = names[::sign]
        title = f"{pair.split}: {better} right, {worse} wrong ({counted(len(rows), 'record')})"
        tables.append(Table(f"records_{number}_{pair.split}_{way}", columns, rows, _SHOWN_RECORDS, title))
    return tables


def _record_row(
    key: RecordKey, matched: Matched, sides: Sequence[Sequence[RecordedRun]], shares: Sequence[Mapping[RecordKey, int]]
) -> list[object]:
    rows = [[matched.rows[run.path][key] for run in runs if key in matched.rows[run.path]] for runs in sides]
    first = rows[0][0]
    name = " ".join(key) if first.get("episode") is not None else key[0]
    counts = [f"{share[key]} of {len(runs)}" for share, runs in zip(shares, sides, strict=True)]
    return [name, around(first), short(first["gold"], first), *map(_most_frequent, rows), *counts]


def _most_frequent(rows: Sequence[Row]) -> str:
    """The prediction of most runs."""
    found = Counter(short(row["predicted"], row) for row in rows if has_gold(row))
    (text, count) = found.most_common(1)[0]
    return text if len(found) == 1 else f"{text} ({count} of {sum(found.values())})"

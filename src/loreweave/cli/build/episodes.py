"""`loreweave build episodes`: few-shot episodes from any sentences with typed mentions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loreweave.cli.console import progress, say, show_counts
from loreweave.cli.options import CountsAsJson, EpisodeCount, FileFormat, Overwrite, Seed, SkipBad, TagNamesOption
from loreweave.corpus.files.writing import check_free

if TYPE_CHECKING:
    from loreweave.build.episodes import SamplerSettings
    from loreweave.corpus.column_formats.tag_schemes import WrittenScheme
    from loreweave.corpus.episodes import Episode
    from loreweave.corpus.tokens import TaggedSentence


Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE", help="Annotated sentences in any format of docs/formats.md, or folders of such files."),
]
Output = Annotated[Path, typer.Option("--output", help="JSON Lines file to write, in the layout of Few-NERD.")]
Way = Annotated[int, typer.Option("--way", min=1, help="Number of types in an episode.")]
Shot = Annotated[
    int, typer.Option("--shot", min=1, help="Minimum number of support spans per type; the maximum is twice that.")
]
QueryShot = Annotated[
    int, typer.Option("--query-shot", min=1, help="Minimum number of query spans per type; the maximum is twice that.")
]
Types = Annotated[str | None, typer.Option("--types", help="Types that may be drawn, separated by commas. Default: all.")]
ExcludeTypesOf = Annotated[
    list[Path] | None,
    typer.Option("--exclude-types-of", help="File or folder whose types must not be drawn; can be repeated."),
]
OthersOutside = Annotated[
    bool, typer.Option("--others-outside", help="Tag spans of excluded types as O. Default: leave out their sentences.")
]
OneSource = Annotated[bool, typer.Option("--one-source", help="Take all sentences of an episode from the same FILE argument.")]
KeepTouching = Annotated[
    bool,
    typer.Option(
        "--keep-touching", help="Write tags with the prefixes B- and I-, so that adjacent spans of a type stay separate."
    ),
]
KeepCopies = Annotated[
    bool,
    typer.Option(
        "--keep-copies",
        help="Allow queries with the same text as a sentence of their support, as Few-NERD's sampler does, and count them.",
    ),
]
LegacySampler = Annotated[
    bool, typer.Option("--legacy-sampler", help="Sample as before August 2021: types can exceed twice the shot.")
]


def episodes(
    files: Files,
    output: Output,
    way: Way = 5,
    shot: Shot = 1,
    query_shot: QueryShot = 1,
    count: EpisodeCount = 200,
    seed: Seed = 0,
    types: Types = None,
    exclude_types_of: ExcludeTypesOf = None,
    others_outside: OthersOutside = False,
    one_source: OneSource = False,
    keep_touching: KeepTouching = False,
    keep_copies: KeepCopies = False,
    legacy_sampler: LegacySampler = False,
    format: FileFormat = None,
    tag_names: TagNamesOption = None,
    skip_bad: SkipBad = False,
    overwrite: Overwrite = False,
    as_json: CountsAsJson = False,
) -> None:
    """Sample N-way K~2K-shot episodes for few-shot-ner.

    A sentence is used only if all its types are types of the episode (see --others-outside). Of nested mentions, only the
    outermost are used. A query never has the same text as a sentence of its support (see --keep-copies).

    Example: loreweave build episodes crossner/ai crossner/science --exclude-types-of crossner/politics --way 5 --shot 1
    --output ai_science_5_1.jsonl
    """
    from loreweave.build.episodes import SamplerSettings
    from loreweave.corpus.class_labels import read_label_names

    check_free(output, overwrite)

    names = None if tag_names is None else read_label_names(tag_names)
    read = partial(_sentences, format=format, skip_bad=skip_bad, names=names)
    left_out = Counter[str]()
    sources = [read(path, left_out) for path in files]
    excluded = [read(path, Counter()) for path in exclude_types_of or ()]
    settings = SamplerSettings(
        way=way, shot=shot, query_shot=query_shot, seed=seed, legacy=legacy_sampler, others_outside=others_outside,
        distinct=not keep_copies, scheme="prefixed" if keep_touching else "io",
    )  # fmt: skip
    rows = _write(output, sources, excluded, types, count, settings, one_source)
    show_counts(rows | left_out, output, always=("sentences", "types", "types_drawn_from", "episodes"), as_json=as_json)


def _write(
    output: Path,
    sources: list[list[TaggedSentence]],
    excluded: list[list[TaggedSentence]],
    types: str | None,
    count: int,
    settings: SamplerSettings,
    one_source: bool,
) -> dict[str, int]:
    """Write the episodes; return the counts of sentences, types and episodes."""
    from loreweave.build.episodes import EpisodeSampler, types_of
    from loreweave.corpus.episodes import write_episodes
    from loreweave.errors import ConfigurationError

    pooled = [sentence for source in sources for sentence in source]
    found = types_of(pooled)
    wanted = found if types is None else {name.strip() for name in types.split(",")}
    if unknown := wanted - found:
        raise ConfigurationError(f"--types: no sentence has {', '.join(sorted(unknown))}; found {', '.join(sorted(found))}")
    wanted = wanted - {label for sentences in excluded for label in types_of(sentences)}
    sampler = EpisodeSampler(sources if one_source else [pooled], wanted, settings)
    with progress("episodes", count) as advance:
        scheme: WrittenScheme = "io" if settings.scheme == "io" else "iob2"
        written = write_episodes(output, _counting_copies(sampler.episodes(count, advance), sampler.counts), scheme)
    rows = {"sentences": len(pooled), "types": len(found), "types_drawn_from": len(wanted), "episodes": written}
    return rows | sampler.counts


def _counting_copies(episodes: Iterator[Episode], counts: Counter[str]) -> Iterator[Episode]:
    """The episodes; their queries with a text of the support are counted, and reported at the end."""
    from loreweave.tasks.episodes.copies import copies_in, describe_copies
    from loreweave.tasks.few_shot_ner.scoring import texts_of

    copies, queries = list[tuple[str, int]](), 0
    for episode in episodes:
        copies += copies_in(texts_of([episode]))
        queries += len(episode.query)
        yield episode
    counts["queries_with_a_text_of_the_support"] += len(copies)
    for line in describe_copies(copies, queries):
        say(line)


def _sentences(
    path: Path, left_out: Counter[str], *, format: str | None, skip_bad: bool, names: Sequence[str] | None
) -> list[TaggedSentence]:
    """Sentences of a file or folder; what was left out or looks unusual is reported, and counted in `left_out`."""
    from loreweave.corpus.annotated_sentences import read_tagged_sentences
    from loreweave.corpus.files.records import describe_skipped

    found = read_tagged_sentences(path, format, skip_bad, names)
    for line in describe_skipped(found, path):
        say(line)
    left_out.update(found.dropped + found.skipped)
    return found.records

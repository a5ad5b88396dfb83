"""`loreweave build relation-episodes`: few-shot episodes from any sentences with annotated relations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loreweave.cli.console import progress, say, show_counts
from loreweave.cli.options import CountsAsJson, EpisodeCount, FileFormat, Overwrite, Seed
from loreweave.corpus.files.writing import check_free

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE", help="Files in any format of relation classification, such as FewRel or TACRED.")
]
Output = Annotated[Path, typer.Option("--output", help="JSON Lines file to write.")]
Way = Annotated[int, typer.Option("--way", min=2, help="Number of relations in an episode.")]
Shot = Annotated[int, typer.Option("--shot", min=1, help="Number of support sentences per relation.")]
Queries = Annotated[int, typer.Option("--queries", min=1, help="Number of queries per relation.")]
NaRate = Annotated[
    float,
    typer.Option(
        "--na-rate", min=0, help="Number of queries whose relation is not in the episode, as a multiple of --queries."
    ),
]
Relations = Annotated[
    str | None, typer.Option("--relations", help="Relations that may be drawn, separated by commas. Default: all.")
]
ExcludeRelationsOf = Annotated[
    list[Path] | None,
    typer.Option("--exclude-relations-of", help="File whose relations must not be drawn; can be repeated."),
]


def relation_episodes(
    files: Files,
    output: Output,
    way: Way = 5,
    shot: Shot = 1,
    queries: Queries = 1,
    na_rate: NaRate = 0.0,
    count: EpisodeCount = 1000,
    seed: Seed = 0,
    relations: Relations = None,
    exclude_relations_of: ExcludeRelationsOf = None,
    format: FileFormat = None,
    overwrite: Overwrite = False,
    as_json: CountsAsJson = False,
) -> None:
    """Sample N-way K-shot episodes for few-shot-relation.

    Each line has "support" and "query", which are lists of sentences with "text", "head", "tail" and "label". This command
    is useful for sharing episodes; 'loreweave evaluate few-shot-relation' draws the same ones from the same file and seed.

    Example: loreweave build relation-episodes val_wiki.json --way 5 --shot 1 --count 1000 --output wiki_5_1.jsonl
    """
    from loreweave.build.relation_episodes import EpisodeShape
    from loreweave.corpus.files.records import describe_skipped
    from loreweave.tasks.episodes.copies import copies_in, describe_copies
    from loreweave.tasks.few_shot_relation import reader
    from loreweave.tasks.few_shot_relation.episodes import RelationEpisode, draws_of, episode_of, write_episodes
    from loreweave.tasks.few_shot_relation.scoring import texts_of

    check_free(output, overwrite)
    read = [reader.read(path, format) for path in files]
    for path, found in zip(files, read, strict=True):
        for line in describe_skipped(found, path):
            say(line)
    records = [record for found in read for record in found.records]
    names = reader.labels_of(records)
    wanted = names if relations is None else [name.strip() for name in relations.split(",")]
    excluded = {name for path in exclude_relations_of or () for name in reader.labels_of(reader.read(path, format).records)}
    shape = EpisodeShape(way=way, shot=shot, queries=queries, na_rate=na_rate)
    draws = draws_of(records, shape, seed, [name for name in wanted if name not in excluded], files[0])
    copies: list[tuple[str, int]] = []
    with progress("episodes", count) as advance:

        def episode(number: int) -> RelationEpisode:
            advance()
            drawn = episode_of(draws.draw(number), records, str(number))
            copies.extend(copies_in(texts_of([drawn])))
            return drawn

        written = write_episodes(output, map(episode, range(count)))
    asked = len(draws.draw(0).query) * count
    for line in describe_copies(copies, asked):
        say(line)
    rows = {"sentences": len(records), "relations": len(names), "relations_drawn_from": len(draws.classes), "episodes": written}
    rows |= {"queries_with_a_text_of_the_support": len(copies)}
    rows |= {"relations_with_too_few_sentences": len(draws.left_out)}
    show_counts(rows, output, always=("sentences", "relations", "relations_drawn_from", "episodes"), as_json=as_json)

"""`loreweave build wikidata5m` and `loreweave build graph`: build the folder of a knowledge graph from published files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loreweave.cli.console import progress, say, show_json, show_table
from loreweave.cli.options import ManifestAsJson, OutputFolder, Overwrite, SkipBad
from loreweave.corpus.counts import counted, listed
from loreweave.corpus.graphs.formats import FORMATS, find_graph, options_of

if TYPE_CHECKING:
    from loreweave.corpus.graphs.building import GraphPolicy
    from loreweave.corpus.graphs.source import GraphSource
    from loreweave.corpus.graphs.splitting import Splitting

_SHOWN = 10

Folder = Annotated[Path, typer.Argument(help="Folder with the files, or one file of triples.")]
WithoutText = Annotated[
    str,
    typer.Option(
        "--without-text",
        help="Treatment of entities without label, description and alias: keep, leave-out (with their triples) or error.",
    ),
]
Exclude = Annotated[
    Path | None,
    typer.Option(
        "--exclude-triples",
        help="File of triples to remove from training: head<TAB>relation<TAB>tail, or in the columns of the other triples.",
    ),
]
Within = Annotated[
    Path | None,
    typer.Option(
        "--within-vocabulary",
        help="Entity vocabulary. Entities whose id or label is not in it are left out, with their triples.",
    ),
]
RelationDescriptions = Annotated[
    Path | None, typer.Option("--relation-descriptions", help="File of relation<TAB>description (triples).")
]

Format = Annotated[
    str, typer.Option("--format", help=f"Layout of the files: {', '.join(FORMATS)}. csv and tsv are read as triples.")
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        help="Columns to read: head=NAME,relation=NAME,tail=NAME in files of triples, and id=NAME,name=NAME,"
        "aliases=NAME,description=NAME in files of texts. Without a header, use numbers from 1 (triples).",
    ),
]


Setting = Annotated[str, typer.Option("--setting", help="Published split: transductive or inductive.")]
Wikidata5mRelationDescriptions = Annotated[
    Path | None,
    typer.Option(
        "--relation-descriptions", help="File of P-id<TAB>description. The published files have no descriptions of relations."
    ),
]
TextFrom = Annotated[
    Path | None,
    typer.Option("--text-from", help="Folder of a built graph with the same ids, from which texts are taken (grail, triples)."),
]
Descriptions = Annotated[Path | None, typer.Option("--descriptions", help="File of entity<TAB>description (triples).")]
Names = Annotated[Path | None, typer.Option("--names", help="File of entity<TAB>name<TAB>alias... (triples).")]
RelationNames = Annotated[
    Path | None, typer.Option("--relation-names", help="File of relation<TAB>name<TAB>alias... (triples).")
]
Split = Annotated[
    str | None,
    typer.Option("--split", help="Split one file of triples into train/valid/test by these percentages, such as 80/10/10."),
]
Seed = Annotated[int, typer.Option("--seed", help="Random seed of --split.")]
Inductive = Annotated[
    bool,
    typer.Option(
        "--inductive",
        help="With --split: hold out entities, so that each valid and test triple has an entity that is not in train.",
    ),
]
Labels = Annotated[
    str | None, typer.Option("--labels", help="With the value ids, missing labels are made from ids that are words (NELL).")
]
Language = Annotated[str | None, typer.Option("--language", help="Language of labels (codex). Default: en.")]
SubWords = Annotated[
    Path | None, typer.Option("--sub-words", help="Folder of GPT-2's encoder.json and vocab.bpe (kepler-shards).")
]


def wikidata5m(
    folder: Folder,
    output: OutputFolder,
    setting: Setting = "transductive",
    relation_descriptions: Wikidata5mRelationDescriptions = None,
    without_text: WithoutText = "keep",
    exclude_triples: Exclude = None,
    within_vocabulary: Within = None,
    skip_bad: SkipBad = False,
    overwrite: Overwrite = False,
    as_json: ManifestAsJson = False,
) -> None:
    """Make a knowledge graph from the unpacked files of Wikidata5M: triples, descriptions and aliases.

    Example: loreweave build wikidata5m downloads/wikidata5m --output build/wikidata5m
    """
    source = find_graph("wikidata5m", folder, _given(setting=setting, relation_descriptions=relation_descriptions))
    policy = _policy(without_text, skip_bad, exclude_triples, within_vocabulary)
    _build(source, output, policy, overwrite, as_json)


def graph(
    folder: Folder,
    output: OutputFolder,
    format: Format,
    text_from: TextFrom = None,
    descriptions: Descriptions = None,
    names: Names = None,
    relation_descriptions: RelationDescriptions = None,
    relation_names: RelationNames = None,
    columns: Columns = None,
    split: Split = None,
    seed: Seed = 0,
    inductive: Inductive = False,
    labels: Labels = None,
    language: Language = None,
    sub_words: SubWords = None,
    without_text: WithoutText = "keep",
    exclude_triples: Exclude = None,
    within_vocabulary: Within = None,
    skip_bad: SkipBad = False,
    overwrite: Overwrite = False,
    as_json: ManifestAsJson = False,
) -> None:
    """Make a knowledge graph from published files or from your own.

    --format triples reads train, valid and test as .tsv, .txt or .csv, with or without a header, or one such file with
    --split. Options name the files with texts, which are tab-separated or CSV. --format jsonl reads entities.jsonl,
    relations.jsonl and triples/*.tsv.

    For codex and grail, give the folder with the triples. The labels (codex) or the inductive half (grail) are read from the
    folder next to it, as published. For kepler-shards, give one folder of KEPLER's binarised training data (KE1_0), or the
    folder that contains several. docs/graphs.md shows every layout.

    Example: loreweave build graph data/kg_wn18rr --format wn18rr --output build/wn18rr
    """
    from loreweave.corpus.graphs.id_labels import with_labels_of_ids
    from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
    from loreweave.corpus.graphs.source import with_texts_of
    from loreweave.corpus.graphs.splitting import Splitting
    from loreweave.errors import ConfigurationError

    options = _given(
        descriptions=descriptions, names=names, relation_descriptions=relation_descriptions, relation_names=relation_names,
        language=language, sub_words=sub_words, columns=columns,
    )  # fmt: skip
    source = find_graph(format, folder, options)
    if text_from is not None:
        if source.text_files:
            raise ConfigurationError(f"--text-from: texts are there already ({source.text_files[0].name})")
        source = with_texts_of(source, KnowledgeGraph.load(text_from))
    if labels not in (None, "ids"):
        raise ConfigurationError(f"--labels: found {labels!r}, expected ids")
    if labels:
        source = with_labels_of_ids(source)
    if split is None and (inductive or seed):
        raise ConfigurationError(f"{'--inductive' if inductive else '--seed'} is for --split")
    splitting = None if split is None else Splitting.parse(split, seed, inductive)
    policy = _policy(without_text, skip_bad, exclude_triples, within_vocabulary, splitting)
    _build(source, output, policy, overwrite, as_json)


def _policy(
    without_text: str,
    skip_bad: bool,
    exclude_triples: Path | None,
    within_vocabulary: Path | None,
    splitting: Splitting | None = None,
) -> GraphPolicy:
    from loreweave.corpus.graphs.building import GraphPolicy

    # Any text may be given; GraphPolicy refuses unknown policies.
    return GraphPolicy(without_text, skip_bad, exclude_triples, within_vocabulary, splitting)  # type: ignore[arg-type]


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _build(source: GraphSource, output: Path, policy: GraphPolicy, overwrite: bool, as_json: bool) -> None:
    from loreweave.corpus.graphs.building import LEFT_OUT, build_graph, differences_from_published

    manifest = build_graph(source, output, policy, overwrite=overwrite, progress=progress)
    if as_json:
        show_json({"output": str(output), **manifest})
        return
    show_table(("what", "count"), _counts(manifest))
    rows = [(split, *(counts[name] for name in _COLUMNS)) for split, counts in manifest["splits"].items()]
    show_table(("split", *(name.replace("_", " ") for name in _COLUMNS)), rows)
    for line in (*_split_lines(manifest["splitting"]), *_id_lines(manifest["ids"])):
        say(line)
    for warning in manifest["warnings"]:
        say(f"Warning: {warning}")
    for split, counts in manifest["splits"].items():
        if joined := counts["joined_in_train"]:
            say(
                f"{split}: the two entities of {joined:,} of {counts['triples']:,} triples are connected in train too, by "
                "another relation or in the other direction, which may reveal answers"
            )
        if counts["unseen_relations"]:
            say(f"Warning: {split} has relations that are not in train: {listed(counts['unseen_relations'], _SHOWN)}")
    if both := manifest["relations_that_are_entities"]:
        shared = counted(both, "relation is an entity", "relations are entities")
        say(f"Warning: {shared} too; are the columns head, relation, tail?")
    for line in _text_lines(manifest):
        say(line)
    published_counts = {} if policy.within_vocabulary else differences_from_published(manifest)
    for name, (found, published) in published_counts.items():
        say(f"Warning: {name}: {found}, published are {published}")
    if (output / LEFT_OUT).is_file():
        say(f"wrong rows are listed in {output / LEFT_OUT}")
    say(f"wrote {output}")


_COLUMNS = ("triples", "entities", "relations", "with_unseen_entity", "with_unseen_relation", "repeated", "also_in_train")


def _counts(manifest: Mapping[str, Any]) -> list[tuple[str, int]]:
    """First table: entities and relations with what is known about them, then what was left out."""
    rows = []
    for kind, text in manifest["text"].items():
        rows.append((kind, manifest[kind]))
        rows += [(f"{kind} with {name}", text[name]) for name in ("label", "description", "aliases", "types") if name in text]
        rows.append((f"{kind} without text", text["without_text"]))
    rows += manifest["changed"].items()
    return rows + [(f"left out: {reason}", count) for reason, count in manifest["left_out"].items()]


def _split_lines(done: Mapping[str, Any] | None) -> list[str]:
    """Description of the split."""
    if done is None:
        return []
    kind = "entities held out (inductive)" if done["inductive"] else "triples held out (transductive)"
    parts = ", ".join(f"{count:,} {name} ({done['wanted'][name]:,} requested)" for name, count in done["found"].items())
    return [
        f"split of {done['distinct_triples']:,} distinct triples, {kind}, seed {done['seed']}: {parts}",
        f"repeated triples left out: {done['repeated_triples_left_out']:,}; triples with the same two entities as another, "
        f"which stay in its split: {done['triples_kept_together']:,}",
    ]


def _id_lines(ids: Mapping[str, Any]) -> list[str]:
    """Changes of white space in ids."""
    lines = []
    if ids["trimmed"]:
        shown = listed(map(repr, ids["first_trimmed"]), _SHOWN, ids["trimmed"])
        lines.append(f"white space at the edges of ids was cut off ({ids['trimmed']}): {shown}")
    if ids["merged"]:
        shown = listed(map(repr, ids["first_merged"]), _SHOWN, ids["merged"])
        lines.append(f"Warning: ids that differ only in white space at their edges were read as one ({ids['merged']}): {shown}")
    if ids["spaced_alike"]:
        shown = "; ".join(" and ".join(map(repr, group)) for group in ids["first_spaced_alike"])
        count = ids["spaced_alike"]
        lines.append(
            f"Warning: ids that differ only in inner white space remain different ({counted(count, 'group')}): {shown}"
        )
    return lines


def _text_lines(manifest: Mapping[str, Any]) -> list[str]:
    """Entities and relations without text, and advice if none has one."""
    from loreweave.corpus.graphs.entities import are_read_alike

    lines = []
    for kind, text in manifest["text"].items():
        without = text["without_text"]
        if not without:
            continue
        one = {"entities": "entity", "relations": "relation"}[kind]
        bare = counted(without, f"{one} has no text", f"{kind} have no text")
        lines.append(f"{bare}: {listed(text['first_without_text'], _SHOWN, without)}")
        if are_read_alike(without, manifest[kind]):
            lines.append(
                f"Warning: no {one} has a text, so models that need texts of {kind} will refuse this graph; "
                f"{_ways_to_texts(kind, manifest['source'])}"
            )
    return lines


def _ways_to_texts(kind: str, source: Mapping[str, Any]) -> str:
    """Options by which a build of this source gets texts of `kind`."""
    read = {"entities": ("names", "descriptions"), "relations": ("relation_names", "relation_descriptions")}[kind]
    ways = [f"--{name.replace('_', '-')} FILE" for name in read if name in options_of(source["format"])]
    if source["format"] == "jsonl":
        ways.append(f"labels or descriptions in {kind}.jsonl")
    named = f"give them with {' or '.join(ways)}" if ways else ""
    if source["format"] == "wikidata5m" or source.get("labels") == "ids":
        return named or "its files have none"
    return f"{named}{', or ' if named else ''}make labels with --labels ids if the ids are words"

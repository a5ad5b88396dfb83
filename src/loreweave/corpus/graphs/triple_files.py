"""Graphs as `head<TAB>relation<TAB>tail` files with their published texts.

FB15k-237 (with the texts of `datasets_knowledge_embedding`), WN18RR, KG-BERT's layout, BLP's inductive splits in it, and
triples of the user's own with any texts. All files may be compressed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from loreweave.corpus.files.reading import Pathname, open_text
from loreweave.corpus.graphs.columns import TRIPLE, parse_columns, read_triple_table
from loreweave.corpus.graphs.entities import GraphEntity
from loreweave.corpus.graphs.lines import LeftOut, find_file, find_splits, need_file, read_table, read_texts
from loreweave.corpus.graphs.source import GraphSource
from loreweave.corpus.graphs.texts import Located, join_texts, present, read_json_texts
from loreweave.errors import ConfigurationError, DataError

PUBLISHED = {
    "fb15k237": {"entities": 14_541, "relations": 237, "train": 272_115, "valid": 17_535, "test": 20_466},
    "wn18rr": {"entities": 40_943, "relations": 11, "train": 86_835, "valid": 3_034, "test": 3_134},
}
PARTS_OF_SPEECH = {"n": "noun", "v": "verb", "a": "adjective", "s": "adjective", "r": "adverb"}
"""WordNet's letters; s is an adjective satellite."""


def triples(
    folder: Pathname,
    descriptions: Path | None = None,
    names: Path | None = None,
    relation_descriptions: Path | None = None,
    relation_names: Path | None = None,
    columns: str | None = None,
) -> GraphSource:
    """The user's own files: `train`, `valid` (or `dev`), `test` as .tsv, .txt or .csv; or one file of triples, as `train`.

    Args:
        folder: folder of the triples, or the one file.
        descriptions: `entity<TAB>description`, or CSV.
        names: `entity<TAB>name<TAB>alias...`, or CSV.
        relation_descriptions: `relation<TAB>description`, or CSV.
        relation_names: `relation<TAB>name<TAB>alias...`, or CSV.
        columns: columns of files with a header, or with more than three columns (`columns.parse_columns`).

    Raises:
        ConfigurationError: `columns` cannot be parsed, or lacks one of the three.
        DataError: there is no training file.
    """
    chosen = parse_columns(columns) if columns else {}
    if lacking := [role for role in TRIPLE if role not in chosen and any(other in chosen for other in TRIPLE)]:
        raise ConfigurationError(f"--columns: found no {lacking[0]}, expected head, relation and tail together")

    def read_entities(ids: Mapping[str, int], left_out: LeftOut) -> Iterator[Located]:
        return join_texts(descriptions, names, ids, left_out, chosen)

    def read_relations(ids: Mapping[str, int], left_out: LeftOut) -> Iterator[Located]:
        return join_texts(relation_descriptions, relation_names, ids, left_out, chosen)

    def read_rows(split: str, path: Path, left_out: LeftOut) -> Iterator[tuple[int | None, str, str, str]]:
        return read_triple_table(path, left_out, chosen)

    given = present(descriptions, names, relation_descriptions, relation_names)
    place = Path(folder)
    files = {"train": place} if place.is_file() else find_splits(place, suffixes=(".tsv", ".txt", ".csv"))
    return GraphSource(
        "triples", files, read_entities, read_relations, text_files=given, read_triples=read_rows, columns=chosen
    )  # fmt: skip


# ---- FB15k-237 -------------------------------------------------------------------------------------------------------


def fb15k237(folder: Pathname) -> GraphSource:
    """FB15k-237 with Wikidata's labels, short descriptions and aliases.

    `entity2text.tsv` (`mid<TAB>label<TAB>description<TAB>...`) has label and description. `entity2wikidata.json` has the
    aliases, and also label and description if there is no `entity2text.tsv`. (With KG-BERT's long descriptions: `kg_bert`.)

    Raises:
        DataError: neither file of texts exists, or there is no training file.
    """
    base = Path(folder)
    table, wikidata = find_file(base, "entity2text.tsv"), find_file(base, "entity2wikidata.json")
    if table is None and wikidata is None:
        raise DataError("found neither entity2text.tsv nor entity2wikidata.json", path=base)
    relations = find_file(base, "relation2text.txt")
    return GraphSource(
        "fb15k237",
        find_splits(base),
        partial(_fb15k237_entities, table, wikidata),
        partial(_labels, relations),
        text_files=present(table, wikidata, relations),
        published=PUBLISHED["fb15k237"],
    )


def _fb15k237_entities(
    table: Path | None, wikidata: Path | None, ids: Mapping[str, int], left_out: LeftOut
) -> Iterator[Located]:
    known = {} if wikidata is None else {entity.id: entity for entity in read_json_texts(wikidata, aliases="alternatives")}
    if table is None:
        assert wikidata is not None, "one of the two exists"
        yield from ((wikidata, None, entity) for entity in known.values())
        return
    for line, (id, label, description) in read_table(table, left_out, 3):
        more = known.get(id, GraphEntity(id))
        yield table, line, GraphEntity(id, label, description, more.aliases, title=more.title)


def _labels(path: Path | None, ids: Mapping[str, int], left_out: LeftOut) -> Iterator[Located]:
    """`relation2text.txt`: the words of a relation's name."""
    return join_texts(None, path, ids, left_out)


# ---- WN18RR, KG-BERT, BLP --------------------------------------------------------------------------------------------


def wn18rr(folder: Pathname) -> GraphSource:
    """WN18RR with glosses.

    `entity2text.txt` has `id<TAB>name, gloss`. `entity2synsetname.tsv`, if it exists, adds the synset's own lemma as
    an alias and the part of speech as the type.

    Raises:
        DataError: there are no texts or no training file.
    """
    base = Path(folder)
    texts, synsets = need_file(base, "entity2text.txt"), find_file(base, "entity2synsetname.tsv")
    relations = find_file(base, "relation2text.txt")
    return GraphSource(
        "wn18rr",
        find_splits(base),
        partial(_wn18rr_entities, texts, synsets),
        partial(_labels, relations),
        text_files=present(texts, synsets, relations),
        published=PUBLISHED["wn18rr"],
    )


def _wn18rr_entities(texts: Path, synsets: Path | None, ids: Mapping[str, int], left_out: LeftOut) -> Iterator[Located]:
    names = {} if synsets is None else {id: name for _, id, name in read_texts(synsets, left_out)}
    for line, id, text in read_texts(texts, left_out):
        label, _, gloss = text.partition(", ")
        lemma, part_of_speech = _synset(names.get(id, ""))
        aliases = (lemma,) if lemma and lemma.casefold() != label.casefold() else ()
        yield texts, line, GraphEntity(id, label, gloss, aliases, (part_of_speech,) if part_of_speech else ())


def _synset(name: str) -> tuple[str, str]:
    """`land_reform.n.01` -> (`land reform`, `noun`)."""
    lemma, _, rest = name.rpartition(".")[0].rpartition(".")
    return lemma.replace("_", " "), PARTS_OF_SPEECH.get(rest, "")


def kg_bert(folder: Pathname) -> GraphSource:
    """KG-BERT's layout (Yao et al., 2019): `entity2text.txt` (names), `entity2textlong.txt` (texts), `relation2text.txt`.

    Without the long file, the short text is the description, and its part before the first ", " is the label, as in the
    short texts of WN18RR.

    Raises:
        DataError: there are no texts or no training file.
    """
    return _kg_bert(Path(folder), "")


def _kg_bert(base: Path, prefix: str) -> GraphSource:
    short, long = need_file(base, "entity2text.txt"), find_file(base, "entity2textlong.txt")
    relations = find_file(base, "relation2text.txt")
    return GraphSource(
        "kg-bert",
        find_splits(base, prefix),
        partial(_kg_bert_entities, short, long),
        partial(_labels, relations),
        text_files=present(short, long, relations),
    )


def _kg_bert_entities(short: Path, long: Path | None, ids: Mapping[str, int], left_out: LeftOut) -> Iterator[Located]:
    if long is not None:
        yield from join_texts(long, short, ids, left_out)
        return
    for line, id, text in read_texts(short, left_out):
        yield short, line, GraphEntity(id, text.partition(", ")[0], text)


def blp(folder: Pathname) -> GraphSource:
    """BLP's inductive splits (Daza et al., WWW 2021) in KG-BERT's layout: `ind-train.tsv`, `ind-dev.tsv`, `ind-test.tsv`.

    `entities.txt` and `relations.txt` list all of them, one per line; triples of any other are wrong. Test triples may link a
    new entity to one of training.

    Raises:
        DataError: texts, lists or the training file are missing.
    """
    base = Path(folder)
    texts, entities, relations = _kg_bert(base, "ind-"), need_file(base, "entities.txt"), need_file(base, "relations.txt")
    return replace(
        texts,
        format="blp",
        text_files=(*texts.text_files, entities, relations),
        entity_ids=partial(_listed_ids, entities),
        relation_ids=partial(_listed_ids, relations),
    )


def _listed_ids(path: Path, left_out: LeftOut) -> Iterator[tuple[Path, int, str]]:
    with open_text(path) as file:
        for line, id in enumerate(map(str.strip, file), 1):
            if id:
                yield path, line, id

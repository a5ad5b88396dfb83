"""Wikidata5M (Wang et al., KEPLER, TACL 2021): 4.6 million entities, each with a paragraph from Wikipedia.

    wikidata5m_text.txt                               Q-id <TAB> description (which may contain tabs)
    wikidata5m_transductive_{train,valid,test}.txt    Q-id <TAB> P-id <TAB> Q-id
    wikidata5m_inductive_{train,valid,test}.txt       the same; entities of the three are disjoint
    wikidata5m_entity.txt, wikidata5m_relation.txt    id <TAB> alias <TAB> alias ...; the first is the name

Each may be compressed (.gz, .xz, .bz2). Peculiarities of the published files:
- the text file describes more entities than the triples have: only those in a triple are entities here;
- 336 entities of the transductive valid and test triples never occur in training: counted, and kept;
- P2439, P1962 and P3484 have no line in the file of relations: they are kept, without a name;
- some entities have no alias;
- no file describes relations: KEPLER-Rel and -Cond need `relation_descriptions` from another source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, get_args

from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.graphs.lines import LeftOut, find_file, no_file
from loreweave.corpus.graphs.source import GraphSource
from loreweave.corpus.graphs.texts import Located, join_texts, present
from loreweave.errors import ConfigurationError, DataError

Setting = Literal["transductive", "inductive"]
SETTINGS: tuple[str, ...] = get_args(Setting)

PUBLISHED = {
    "transductive": {"entities": 4_594_485, "relations": 822, "train": 20_614_279, "valid": 5_163, "test": 5_133},
    "inductive": {"relations": 822, "train": 20_496_514, "valid": 6_699, "test": 6_894},
}
"""Counts of the released version 3; GraphVite's earlier version has other splits and must not be mixed with it."""

_ARCHIVES = {
    "wikidata5m_transductive_train.txt": "wikidata5m_transductive.tar.gz",
    "wikidata5m_inductive_train.txt": "wikidata5m_inductive.tar.gz",
    "wikidata5m_entity.txt": "wikidata5m_alias.tar.gz",
}


def wikidata5m(folder: Pathname, setting: str = "transductive", relation_descriptions: Path | None = None) -> GraphSource:
    """Find the files; those of names are optional.

    Args:
        folder: folder of the unpacked files.
        setting: `transductive` or `inductive`.
        relation_descriptions: `P-id<TAB>description`.

    Raises:
        ConfigurationError: unknown setting.
        DataError: a file is missing.
    """
    if setting not in SETTINGS:
        raise ConfigurationError(f"found the setting {setting!r}, expected {' or '.join(SETTINGS)}")
    base = Path(folder)
    triples = {split: _need(base, f"wikidata5m_{setting}_{split}.txt") for split in ("train", "valid", "test")}
    descriptions = _need(base, "wikidata5m_text.txt")
    names, relation_names = _find(base, "wikidata5m_entity.txt"), _find(base, "wikidata5m_relation.txt")

    def read_entities(ids: Mapping[str, int], left_out: LeftOut) -> Iterator[Located]:
        return join_texts(descriptions, names, ids, left_out)

    def read_relations(ids: Mapping[str, int], left_out: LeftOut) -> Iterator[Located]:
        return join_texts(relation_descriptions, relation_names, ids, left_out)

    return GraphSource(
        "wikidata5m",
        triples,
        read_entities,
        read_relations,
        text_files=present(descriptions, names, relation_names, relation_descriptions),
        published=PUBLISHED[setting],
        details={"setting": setting},
    )


def _need(folder: Path, name: str) -> Path:
    path = _find(folder, name)
    if path is None:
        raise no_file(folder, name)
    return path


def _find(folder: Path, name: str) -> Path | None:
    """The file; an error if only its archive exists."""
    path = find_file(folder, name)
    archive = _ARCHIVES.get(name, "")
    if path is None and archive and (folder / archive).is_file():
        raise DataError(f"found {archive}, expected {name}: unpack it first (tar xzf {archive})", path=folder)
    return path

"""Small graph files in the published layouts, for the tests of their readers."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path

from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph

Build = Callable[..., KnowledgeGraph]
"""The fixture `build`."""


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write `name -> text`, compressed where the name says so; return the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".gz":
            with gzip.open(path, "wt", encoding="utf-8") as file:
                file.write(text)
        else:
            path.write_text(text, encoding="utf-8")
    return folder


WIKIDATA5M = {
    "wikidata5m_text.txt.gz": "Q3\tThird \t with a tab.\nQ1\tFirst, é.\nQ99\tNo triple has this.\nQ5\t\n",
    "wikidata5m_entity.txt": "Q1\tone\tuno\tone\nQ98\tnobody\nQ3\tthree\nQ4\tfour\tvier\nQ5\n",
    "wikidata5m_relation.txt": "P1\tchild\tson or daughter\nP9\tunused\nP2\tparent\n",
    "wikidata5m_transductive_train.txt": "Q1\tP2\tQ2\nQ2\tP1\tQ1\nQ3\tP2439\tQ1\nQ1\tP2\tQ2\n",
    "wikidata5m_transductive_valid.txt": "Q1\tP1\tQ4\n",
    "wikidata5m_transductive_test.txt.gz": "Q5\tP1\tQ1\nQ2\tP1\tQ1\n",
    "wikidata5m_inductive_train.txt": "Q1\tP2\tQ2\n",
    "wikidata5m_inductive_valid.txt": "Q3\tP2\tQ4\n",
    "wikidata5m_inductive_test.txt": "Q5\tP3\tQ6\n",
}
"""Seven entities; Q2 has neither text nor name, Q5 an empty text, Q4 names alone."""

WN18RR = {
    "train.tsv": "00001740\t_hypernym\t00002325\n",
    "valid.tsv": "00002325\t_also_see\t00001740\n",
    "test.tsv": "00001740\t_has_part\t00004475\n",
    "entity2text.txt": '00002325\trespire, take air; "in, and out"\n'
    "00001740\ttake a breath, draw air into, and expel out of, the lungs\n",
    "entity2synsetname.tsv": "00001740\tbreathe.v.01\n00002325\tRespire.v.02\n00004475\tdr._who.n.01\n",
    "relation2text.txt": "_hypernym\thypernym\n_has_part\thas part\n",
}

FB15K237 = {
    "train.txt": "/m/01\t/film/film/genre\t/m/02\n",
    "valid.txt": "/m/02\t/film/film/genre\t/m/03\n",
    "test.txt": "/m/01\t/film/film/genre\t/m/03\n",
    "entity2text.tsv": "/m/03\t\tno label\tQ3\n/m/01\tHeat\t\tQ1\n",
    "entity2wikidata.json": '{"/m/01": {"label": "Heat", "description": null, "alternatives": ["Heat (film)"]},'
    ' "/m/02": {"label": "drama", "description": "a genre", "alternatives": [], "wikipedia": null}}',
    "relation2text.txt": "/film/film/genre\tfilm film genre\n",
}

BLP = {
    "ind-train.tsv": "Q1\tP1\tQ2\n",
    "ind-dev.tsv": "Q3\tP1\tQ1\n",
    "ind-test.tsv": "Q4\tP2\tQ1\nQ4\tP1\tQ3\n",
    "train.tsv": "Q4\tP2\tQ1\nQ3\tP1\tQ1\n",
    "dev.tsv": "Q1\tP1\tQ2\n",
    "test.tsv": "Q4\tP1\tQ3\n",
    "entities.txt": "Q1\nQ2\nQ3\nQ4\nQ0\n",
    "relations.txt": "P2\nP1\n",
    "entity2text.txt": "Q1\tone, of two\nQ2\ttwo\nQ3\tthree\n",
    "entity2textlong.txt": "Q2\tthe second\tone\nQ1\tthe first\n",
    "relation2text.txt": "P1\tfollows\n",
}

CODEX = {
    "triples/codex-s/train.txt": "Q1\tP1\tQ2\n",
    "triples/codex-s/valid.txt": "Q2\tP2\tQ1\n",
    "triples/codex-s/test.txt": "Q3\tP1\tQ1\n",
    "triples/codex-s/valid_negatives.txt": "Q1\tP2\tQ3\n",
    "entities/en/entities.json": '{"Q1": {"label": "Oslo", "description": "a city", "wiki": ""}, "Q9": {"label": "x"}}',
    "relations/en/relations.json": '{"P1": {"label": "capital", "description": "seat"}, "P2": {"label": "in"}}',
    "relations/de/relations.json": '{"P1": {"label": "Hauptstadt", "description": "Sitz"}}',
    "types/entity2types.json": '{"Q1": ["Q515", "Q7"], "Q2": ["Q7"], "Q9": ["Q515"]}',
    "types/en/types.json": '{"Q515": {"label": "city", "description": "large"}, "Q7": {"label": "", "description": "-"}}',
}

GRAIL = {
    "toy_v1/train.txt": "a\tr\tb\nb\ts\tc\n",
    "toy_v1/valid.txt": "a\ts\tc\n",
    "toy_v1/test.txt": "c\tr\ta\n",
    "toy_v1_ind/train.txt": "x\tr\ty\n",
    "toy_v1_ind/valid.txt": "y\ts\tx\n",
    "toy_v1_ind/test.txt": "y\tr\tx\n",
}

TABLES = {
    "entities.jsonl": '{"id": "Q1", "label": "Oslo", "description": "a city", "aliases": ["Kristiania"], "types": ["city"]}\n'
    '{"id": "Q2", "label": "Norway"}\n{"id": "Q3"}\n',
    "relations.jsonl": '{"id": "P1", "label": "capital of", "description": "is the capital of"}\n{"id": "P2"}\n',
    "triples/test.tsv": "Q2\tP2\tQ1\n",
    "triples/extra.tsv.gz": "Q1\tP2\tQ2\n",
    "triples/train.tsv": "Q1\tP1\tQ2\n",
}

"""`loreweave build mentions`: a dictionary from texts, graphs, dictionaries and LUKE's files, and what is refused."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from luke_databases import dumped, link_database, mention_database

from loreweave.cli.main import main
from loreweave.corpus.annotated_text import AnnotatedText, Mention, write_annotated_texts
from loreweave.corpus.graphs.entities import GraphEntity, GraphRelation
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.corpus.mentions.dictionary import Candidate, MentionDictionary

Build = Callable[..., tuple[int, str, str]]


@pytest.fixture
def build(capsys: pytest.CaptureFixture[str]) -> Build:
    """The command's exit status, output and messages."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main(["build", "mentions", *map(str, arguments)])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    path = tmp_path / "pages.jsonl"
    texts = [
        AnnotatedText("Oslo_(city)", "Oslo in Norway", (Mention(8, 14, "Norge"),), language="en"),
        AnnotatedText("Norway", "Oslo", (Mention(0, 4, "Oslo_(city)"),), language="en"),
        AnnotatedText("Left", "Right", (Mention(0, 5, "Right"),), language="en"),
    ]
    write_annotated_texts(path, texts)
    return path


def test_texts_a_graph_and_redirects(build: Build, pages: Path, tmp_path: Path) -> None:
    (tmp_path / "exclude.txt").write_text("Left\n")
    (tmp_path / "redirects.tsv").write_text("Norge\tNorway\n")
    graph = KnowledgeGraph.from_parts(
        [GraphEntity("Q20", "Kingdom of Norway", title="Norway")], [GraphRelation("P")], {"train": []}
    )
    graph.save(tmp_path / "graph")
    options = ("--titles", "--page-links", "--exclude", tmp_path / "exclude.txt", "--redirects", tmp_path / "redirects.tsv")
    output = tmp_path / "mentions"
    code, said, _ = build(pages, "--graph", tmp_path / "graph", *options, "--output", output, "--json")
    counts, dictionary = json.loads(said), MentionDictionary.load(output, verify=True)
    assert code == 0 and sorted(dictionary) == ["kingdom of norway", "norway", "oslo"]
    assert dictionary.candidates("Oslo") == [Candidate("Oslo_(city)", 1.0, 2)]
    assert dictionary.link_probability("Oslo") == 2 / 3  # one of two texts, and the title
    assert dictionary.candidates("Kingdom of Norway") == [Candidate("Norway", 1.0, 0)]
    assert (counts["texts"], counts["texts_excluded"], counts["links_redirected"], counts["names"]) == (2, 1, 1, 3)
    assert dictionary.manifest["counts"]["names"] == 3
    assert dictionary.manifest["sources"] == [str(pages), str(tmp_path / "graph")]
    assert [link.entity for link in dictionary.page_links("Oslo_(city)") or []] == ["Norway"]


def test_merging_keeps_the_normalisation_of_the_first(build: Build, pages: Path, tmp_path: Path) -> None:
    assert build(pages, "--case", "keep", "--output", tmp_path / "a")[0] == 0
    assert build("--dictionary", tmp_path / "a", "--dictionary", tmp_path / "a", "--output", tmp_path / "b")[0] == 0
    merged = MentionDictionary.load(tmp_path / "b")
    assert merged.candidates("Oslo") == [Candidate("Oslo_(city)", 1.0, 1)] and "oslo" not in merged
    code, _, messages = build("--dictionary", tmp_path / "a", "--case", "fold", "--output", tmp_path / "c")
    assert code == 2 and "its names are normalised in another way (case keep and fold)" in messages


def test_files_of_luke_are_converted(build: Build, tmp_path: Path) -> None:
    database = dumped(tmp_path / "mentions.pkl", mention_database())
    redirects = dumped(tmp_path / "redirects.pkl", {"Kristiania": "Oslo"})
    links = dumped(tmp_path / "links.pkl", link_database())
    old = ("--mention-db-file", database, "--model-redirects-file", redirects)
    assert build(*old, "--output", tmp_path / "a")[0] == 0
    dictionary = MentionDictionary.load(tmp_path / "a")
    assert dictionary.resolve("Kristiania") == "Oslo" and dictionary.candidates("u.s.")[0].entity == "United States"
    code, _, _ = build("--wiki-link-db-file", links, "--link-redirects-file", redirects, "--output", tmp_path / "b")
    assert code == 0 and MentionDictionary.load(tmp_path / "b").page_links("Norway")


def test_what_is_refused(build: Build, pages: Path, tmp_path: Path) -> None:
    code, _, messages = build("--output", tmp_path / "a")
    assert code == 2 and "expected some, or --graph, --dictionary, --mention-db-file or --wiki-link-db-file" in messages
    assert build(pages, "--output", tmp_path / "a")[0] == 0
    code, _, messages = build(pages, "--output", tmp_path / "a")
    assert code == 2 and "--overwrite" in messages
    code, _, messages = build(pages, "--language", "de", "--output", tmp_path / "b")
    assert code == 1 and "found no name with a linked entity" in messages
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"a": print}))
    code, _, messages = build(pages, "--redirects", tmp_path / "evil.pkl", "--output", tmp_path / "b")
    assert code == 1 and "evil.pkl: found builtins.print in the pickle" in messages and "it was not run" in messages
    assert not (tmp_path / "b").exists()


ELEVANT = {
    "id": 1, "title": "a", "text": "Oslo is big.", "evaluation_span": [0, 12],
    "labels": [{"id": 1, "span": [0, 4], "entity_id": "Q585", "name": "Oslo", "parent": None, "children": []}],
}  # fmt: skip
GUM = {
    "doc": "a",
    "sent_id": "a-1",
    "tokens": ["Oslo", "is"],
    "entities": [{"start": 0, "end": 1, "type": "place", "wiki": "Oslo"}],
}
LINKING = {
    "elevant": json.dumps(ELEVANT),
    "gum": json.dumps(GUM),
    "aida": "-DOCSTART- (1 EU)\nOslo\tB\tOslo\tOslo\thttp://en.wikipedia.org/wiki/Oslo\t1\t/m/1\nis\n",
}


WAY_OUT = "'loreweave finetune entity-linking' reads it, and makes a mention dictionary of its own"


@pytest.mark.parametrize("format", LINKING)
def test_files_of_entity_linking_name_the_command_that_reads_them(
    format: str, build: Build, pages: Path, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{'tsv' if format == 'aida' else 'jsonl'}"
    path.write_text(LINKING[format])
    code, _, messages = build(path, "--output", tmp_path / "out")
    said = f"Error: {path}: found the format {format} of entity-linking, expected texts with links; {WAY_OUT}"
    assert code == 1 and messages.splitlines()[-1] == said
    code, _, messages = build(path, "--format", format, "--output", tmp_path / "out")
    assert code == 2 and messages == f"Error: --format {format}: a format of entity-linking; {WAY_OUT}\n"
    assert not (tmp_path / "out").exists()


def test_errors_about_other_files_stay(build: Build, pages: Path, tmp_path: Path) -> None:
    """Mentions of GUM are no links here, but its texts can be added to those of another file."""
    gum, bad = tmp_path / "gum.jsonl", tmp_path / "bad.jsonl"
    gum.write_text(LINKING["gum"])
    linked = '{"id": "1", "text": "Oslo", "mentions": [{"start": 0, "end": 4, "entity": "Oslo"}]}'
    (tmp_path / "linked.jsonl").write_text(linked)
    assert build(tmp_path / "linked.jsonl", gum, "--output", tmp_path / "out")[0] == 0
    code, _, messages = build(pages, gum, "--output", tmp_path / "a")
    assert code == 1 and "found texts with the languages en, none" in messages and "entity-linking" not in messages
    bad.write_text('{"id": "1", "text": "Oslo", "mentions": [{"start": 0, "end": 9, "entity": "Oslo"}]}')
    code, _, messages = build(gum, bad, "--output", tmp_path / "b")
    assert code == 1 and "bad.jsonl, line 1" in messages and "entity-linking" not in messages
    (tmp_path / "aida.tsv").write_text(LINKING["aida"])
    code, _, messages = build(pages, "--redirects", tmp_path / "aida.tsv", "--output", tmp_path / "c")
    assert code == 1 and "aida.tsv, line 1" in messages and "entity-linking" not in messages

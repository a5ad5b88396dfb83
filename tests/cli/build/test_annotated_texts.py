"""Texts with mentions in any format, as the commands that build from them read, refuse and count them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from formats_page import EXAMPLES, write_example

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.cli.main import main
from loreweave.corpus.annotated_sentences import stream_sentences
from loreweave.corpus.annotated_text import AnnotatedText, Mention, write_annotated_texts
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.knowledge.entity_types import read_entity_types
from loreweave.corpus.mention_formats import MENTION_FORMATS

ARTICLE = {"title": "Oslo", "text": "In Norway.", "paragraphs": [[0, 10, "p"]], "links": [[3, 9, "Norway"]]}


@pytest.mark.parametrize("kind", ["mentions", "entity-vocab", "entity-types", "pretraining"])
def test_the_format_of_wikispeedia_is_named(
    kind: str, tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pages, output = tmp_path / "articles.jsonl", tmp_path / "built.tsv"
    pages.write_text(json.dumps(ARTICLE))
    EntityVocabulary.from_counts({"Norway": 1}).save(tmp_path / "vocab.jsonl")
    options = {"pretraining": ["--vocabulary", str(tmp_path / "vocab.jsonl"), "--tokenizer", str(tiny_bert)]}
    assert main(["build", kind, str(pages), "--output", str(output), *options.get(kind, [])]) == 1
    error = " ".join(capsys.readouterr().err.split())
    assert "articles.jsonl, line 1: found articles of Wikispeedia with links" in error and "--format wikispeedia" in error
    assert not output.exists()


def test_mentions_with_several_labels_are_an_entity_of_their_own(tmp_path: Path, minilm_dir: Path) -> None:
    """The vocabulary, the windows and the types agree: nine places are no towns because the tenth is one."""
    labels = [("place", "town"), *[("place",)] * 9]
    texts = [AnnotatedText(str(n), "Mia left Oslo again.", (Mention(9, 13, labels=row),)) for n, row in enumerate(labels)]
    write_annotated_texts(tmp_path / "texts.jsonl", texts)

    def build(kind: str, output: str, *options: str) -> Path:
        command = ["build", kind, str(tmp_path / "texts.jsonl"), "--link-labels", "--output", str(tmp_path / output), *options]
        assert main(command) == 0
        return tmp_path / output

    file = build("entity-vocab", "vocab.jsonl")
    vocabulary = EntityVocabulary.load(file)
    windows = build("pretraining", "set", "--vocabulary", str(file), "--tokenizer", str(minilm_dir))
    entities = [vocabulary.title_of(row["entity_ids"][0]) for row in open_pretraining_set(windows).dataset]
    assert entities == ["place|town", *["place"] * 9]
    assert read_entity_types(build("entity-types", "types.jsonl", "--source", "labels")) == {
        "place|town": ("place", "town"), "place": ("place",),
    }  # fmt: skip


def test_repeated_texts_and_mentions_are_counted(tmp_path: Path, minilm_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By every command; a mention that is listed twice gives one link."""
    text = AnnotatedText("1", "Mia left Oslo again.", (Mention(9, 13, "Oslo", "town"),) * 2 + (Mention(0, 3, "Mia", "poet"),))
    path = tmp_path / "texts.jsonl"
    write_annotated_texts(path, [text, text, AnnotatedText("1", "Something else.")])
    EntityVocabulary.from_counts({"Oslo": 1}).save(tmp_path / "vocab.jsonl")
    options = {
        "mentions": [],
        "entity-vocab": [],
        "entity-types": ["--source", "labels"],
        "pretraining": ["--vocabulary", str(tmp_path / "vocab.jsonl"), "--tokenizer", str(minilm_dir)],
    }
    for kind, more in options.items():
        assert main(["build", kind, str(path), "--output", str(tmp_path / f"{kind}.jsonl"), "--json", *more]) == 0
        shown = capsys.readouterr()
        counts = json.loads(shown.out)
        assert (counts["texts_repeated"], counts["texts_with_repeated_id"], counts["mentions_repeated"]) == (1, 1, 2), kind
        assert "1 text has the id of an earlier one, but another content ('1')" in " ".join(shown.err.split())
        assert counts.get("links", 4) == 4 and counts.get("mentions_kept", 2) == 2


def test_offsets_in_utf16_code_units(tmp_path: Path, minilm_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In code points, the mentions cut words, which every command says; with the format's suffix, they are names."""
    text = "\N{GRINNING FACE} Oslo lies in Norway."
    mentions = [{"start": 3, "end": 7, "entity": "Oslo"}, {"start": 16, "end": 22, "entity": "Norway"}]
    path = tmp_path / "texts.jsonl"
    path.write_text(json.dumps({"id": "1", "text": text, "mentions": mentions}))
    EntityVocabulary.from_counts({"Oslo": 2, "Norway": 1}).save(tmp_path / "vocab.jsonl")
    options = {
        "mentions": [],
        "entity-vocab": [],
        "pretraining": ["--vocabulary", str(tmp_path / "vocab.jsonl"), "--tokenizer", str(minilm_dir)],
    }
    for kind, more in options.items():
        command = ["build", kind, str(path), "--output", str(tmp_path / f"{kind}.jsonl"), "--json", "--overwrite", *more]
        assert main(command) == 0
        shown = capsys.readouterr()
        assert json.loads(shown.out)["mentions_misaligned"] == 2
        assert "give --format annotated:utf16" in shown.err and "text '1': 'slo ' has blanks" in shown.err
        assert main([*command, "--format", "annotated:utf16"]) == 0
        shown = capsys.readouterr()
        assert json.loads(shown.out)["mentions_misaligned"] == 0 and "utf16" not in shown.err
    with_text = [{**mention, "text": mention["entity"]} for mention in mentions]
    for wrong in (with_text, [{"start": 17, "end": len(text) + 1}]):
        path.write_text(json.dumps({"id": "1", "text": text, "mentions": wrong}))
        assert main(["build", "entity-vocab", str(path), "--output", str(tmp_path / "v.tsv")]) == 1
        said = " ".join(capsys.readouterr().err.split())
        assert said.endswith("but code points are expected: give --format annotated:utf16") and "convert them" not in said


FORMATS_WITH_LABELS = [name for name in MENTION_FORMATS if name in EXAMPLES and name != "brackets"]


@pytest.mark.parametrize("name", FORMATS_WITH_LABELS)
def test_every_format_of_texts_with_mentions(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its labels become entities, and the types of these entities."""
    path = write_example(name, EXAMPLES[name], tmp_path)
    account: ReadResult[AnnotatedText] = ReadResult([])
    labels = Counter(
        mention.entity or "|".join(sorted(mention.types))
        for sentence in stream_sentences(path, account, name)
        for mention in sentence.text.mentions
    )
    for options in ([], ["--format", name]):
        file = str(tmp_path.parent / f"{tmp_path.name}.tsv")
        assert main(["build", "entity-vocab", str(path), "--link-labels", "--output", file, "--overwrite", *options]) == 0
        vocabulary = EntityVocabulary.load(file)
        assert {title: vocabulary.count_of(vocabulary.id_of(title)) for title in labels} == dict(labels)
    if len(labels) > 1:
        file = str(tmp_path.parent / f"{tmp_path.name}.jsonl")
        assert main(["build", "entity-types", str(path), "--source", "labels", "--link-labels", "--output", file]) == 0
        assert set(read_entity_types(file)) == set(labels)


DOCCANO = {"text": "Mia Brandt left Oslo in the spring.", "label": [[0, 10, "person"], [16, 20, "city"]], "relations": [{}]}


def test_labels_without_entities(tmp_path: Path, minilm_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused with the way out and the count, by every command; with it, they are links."""
    path, vocabulary = tmp_path / "doccano.jsonl", str(tmp_path / "vocab.jsonl")
    path.write_text(json.dumps(DOCCANO))
    assert main(["build", "entity-vocab", str(path), "--output", vocabulary]) == 1
    assert "2 mentions, 2 with a label but no entity; --link-labels makes an entity" in capsys.readouterr().err
    assert main(["build", "mentions", str(path), "--output", str(tmp_path / "m")]) == 1
    assert "found no name with a linked entity (2 mentions have none)" in capsys.readouterr().err
    assert main(["build", "entity-vocab", str(path), "--output", vocabulary, "--link-labels"]) == 0
    assert "left out: relations of doccano (1)" in capsys.readouterr().err
    command = ["build", "pretraining", str(path), "--vocabulary", vocabulary, "--tokenizer", str(minilm_dir)]
    assert main([*command, "--output", str(tmp_path / "w")]) == 1
    assert "mentions without an entity (2); --link-labels makes entities of their labels" in capsys.readouterr().err
    assert main([*command, "--output", str(tmp_path / "w"), "--link-labels", "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert counts["mentions_kept"] == 2 and counts["relations of doccano"] == 1


def test_bad_texts_and_numbers_of_several_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Texts without ids have numbers, which do not collide; bad ones stop the command, or are counted."""
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for file in files:
        file.write_text(json.dumps(DOCCANO) + "\n" + json.dumps({**DOCCANO, "label": [[0, 99, "person"]]}))
    command = ["build", "entity-vocab", *map(str, files), "--link-labels", "--output", str(tmp_path / "v.tsv"), "--json"]
    assert main(command) == 1
    assert "a.jsonl, line 2" in capsys.readouterr().err
    assert main([*command, "--skip-bad"]) == 0
    shown = capsys.readouterr()
    counts = json.loads(shown.out)
    assert counts["links"] == 4 and counts["texts_with_repeated_id"] == counts["texts_repeated"] == 0
    assert "b.jsonl: skipped 1 record" in shown.err
    assert main([*command, "--overwrite", "--format", "docano"]) == 2
    assert "unknown format 'docano'" in capsys.readouterr().err

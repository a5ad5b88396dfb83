"""Files of another format given to the commands that read texts with links: the error names the option."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.cli.main import main
from loreweave.corpus.annotated_text import AnnotatedText, Mention, write_annotated_texts
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.knowledge.entity_types import read_entity_types

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

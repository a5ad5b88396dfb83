"""`loreweave build`: files in, a vocabulary and a pre-training set out, with what was left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.cli.main import main
from loreweave.corpus.annotated_text import AnnotatedText, Mention, write_annotated_texts
from loreweave.corpus.entity_vocabulary import EntityVocabulary

SENTENCE = "Oslo is the capital of Norway."
MENTIONS = (Mention(0, 4, "Oslo"), Mention(23, 29, "Norway"))


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    path = tmp_path / "pages.jsonl"
    texts = [AnnotatedText(title, SENTENCE, MENTIONS, "en") for title in ("Norway", "Oslo")]
    write_annotated_texts(path, [*texts, AnnotatedText("Bergen", "Bergen lies in the west.", (Mention(0, 6, "Bergen"),), "en")])
    return path


@pytest.fixture
def vocabulary(tmp_path: Path) -> Path:
    path = tmp_path / "entity_vocab.tsv"
    EntityVocabulary.from_counts({"Oslo": 2, "Norway": 1}).save(path)
    return path


def result(capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    return dict(json.loads(capsys.readouterr().out))


def test_the_vocabulary_holds_the_titles_that_are_linked_most(
    pages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new" / "entity_vocab.jsonl"
    assert main(["build", "entity-vocab", str(pages), "--output", str(output), "--min-count", "2", "--json"]) == 0
    vocabulary = EntityVocabulary.load(output)
    assert [title in vocabulary for title in ("Norway", "Oslo", "Bergen")] == [True, True, False]
    assert result(capsys) == {
        "output": str(output), "rows": 5, "titles_linked": 3, "titles_dropped": 1, "links": 5, "links_dropped": 1,
        "links_skipped_by_prefix": 0, "spellings_merged": 0, "texts_repeated": 0, "texts_with_repeated_id": 0,
        "mentions_repeated": 0, "mentions_with_another_entity": 0, "mentions_misaligned": 0, "texts_excluded": 0,
        "excluded_names_not_found": 0,
    }  # fmt: skip


def test_a_vocabulary_is_not_replaced_by_accident(pages: Path, vocabulary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["build", "entity-vocab", str(pages), "--output", str(vocabulary)]
    assert main(arguments) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*arguments, "--overwrite"]) == 0
    assert "Bergen" in EntityVocabulary.load(vocabulary)


def test_the_set_counts_what_was_dropped(
    pages: Path, vocabulary: Path, tmp_path: Path, minilm_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "set"
    arguments = ["--vocabulary", str(vocabulary), "--tokenizer", str(minilm_dir), "--output", str(output)]
    assert main(["build", "pretraining", str(pages), *arguments, "--max-length", "32"]) == 0
    shown = capsys.readouterr()
    assert "windows\t2" in shown.out and "warning" not in shown.err
    assert "mentions dropped unknown\t1" in shown.out
    assert "windows dropped without entities\t1" in shown.out
    assert f"wrote {output}" in shown.err
    built = open_pretraining_set(output)
    assert built.dataset["text_id"][:] == ["Norway", "Oslo"]
    assert built.manifest["settings"]["max_length"] == 32


def test_excluded_titles_are_left_out(pages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reserved = tmp_path / "reserved.txt"
    reserved.write_text("Oslo\nNorway\n")
    arguments = ["--output", str(tmp_path / "v.json"), "--exclude", str(reserved), "--json"]
    assert main(["build", "entity-vocab", str(pages), *arguments]) == 0
    assert result(capsys)["links"] == 1


def test_texts_are_excluded_by_id_or_title_and_counted(
    vocabulary: Path, tmp_path: Path, minilm_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pages, reserved, output = tmp_path / "pages.jsonl", tmp_path / "reserved.txt", tmp_path / "set"
    rows = (("1", "Norway"), ("2", "Oslo"), ("3", "Bergen"))
    write_annotated_texts(pages, [AnnotatedText(id, SENTENCE, MENTIONS, "en", {"title": title}) for id, title in rows])
    reserved.write_text("Oslo\n3\nOslo_\n4\n")
    arguments = ["--vocabulary", str(vocabulary), "--tokenizer", str(minilm_dir), "--output", str(output)]
    assert main(["build", "pretraining", str(pages), *arguments, "--exclude", str(reserved)]) == 0
    shown = capsys.readouterr()
    assert "texts excluded\t2" in shown.out and "excluded names not found\t2" in shown.out
    assert f"{reserved}: no text has the id or title '4', 'Oslo_'" in shown.err
    assert open_pretraining_set(output).dataset["text_id"][:] == ["1"]


def test_links_to_categories_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pages = tmp_path / "pages.jsonl"
    mentions = (Mention(0, 4, "Oslo"), Mention(8, 11, "Category:Cities"), Mention(23, 29, "Category:Cities"))
    write_annotated_texts(pages, [AnnotatedText("Oslo", SENTENCE, mentions, "en")])
    assert main(["build", "entity-vocab", str(pages), "--output", str(tmp_path / "v.tsv")]) == 0
    assert "links skipped by prefix\t2" in capsys.readouterr().out


def test_wikispeedia_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "articles.jsonl"
    path.write_text(json.dumps({"title": "Oslo", "text": SENTENCE, "links": [[23, 29, "Norway"]]}) + "\n")
    arguments = [str(path), "--format", "wikispeedia", "--output", str(tmp_path / "v.tsv"), "--json"]
    assert main(["build", "entity-vocab", *arguments]) == 0
    assert result(capsys)["titles_linked"] == 1


def test_equal_titles_of_two_languages_stay_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, output = tmp_path / "pages.jsonl", tmp_path / "v.jsonl"
    texts = [AnnotatedText(f"{language}", "Gift", (Mention(0, 4, "Gift"),), language) for language in ("en", "de", "de")]
    write_annotated_texts(path, texts)
    assert main(["build", "entity-vocab", str(path), "--output", str(output), "--json"]) == 0
    vocabulary = EntityVocabulary.load(output)
    assert (vocabulary.id_of("Gift", "de"), vocabulary.id_of("Gift", "en")) == (3, 4)
    assert result(capsys)["titles_linked"] == 2


def test_a_name_on_the_hub_is_asked_for_there(
    pages: Path, vocabulary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(name: str, allow_patterns: list[str]) -> str:
        raise OSError("no connection")

    monkeypatch.setattr("loreweave.encoding.hub.snapshot_download", fail)
    arguments = ["--vocabulary", str(vocabulary), "--tokenizer", "owner/encoder", "--output", str(tmp_path / "set")]
    assert main(["build", "pretraining", str(pages), *arguments]) == 1
    assert "owner/encoder: no such file or folder, and no model of this name among those downloaded" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "extra"), [("v.txt", []), ("v", []), ("v.tsv", ["--language", "en"])])
def test_a_name_that_cannot_be_written_is_refused_before_anything_is_read(
    name: str, extra: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", "entity-vocab", "nowhere.jsonl", "--output", str(tmp_path / name), *extra]) == 2
    assert str(tmp_path / name) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        (["--format", "annotatd"], 2, "did you mean 'annotated'"),
        (["nowhere.jsonl"], 1, "nowhere.jsonl"),
    ],
)
def test_what_is_wrong_is_said(
    change: list[str], status: int, message: str, pages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "v.tsv"
    assert main(["build", "entity-vocab", str(pages), *change, "--output", str(output)]) == status
    assert message in capsys.readouterr().err
    assert not output.exists()


def test_later_mentions_and_common_words_become_mentions(
    vocabulary: Path, tmp_path: Path, minilm_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The text links Oslo once; "is", "a", "big", "and", "grows" are common words but the single letter."""
    pages = tmp_path / "page.jsonl"
    write_annotated_texts(
        pages, [AnnotatedText("Norway", "Oslo is a big city, and Oslo grows.", (Mention(0, 4, "Oslo"),), "en")]
    )
    given = ["build", "pretraining", str(pages), "--vocabulary", str(vocabulary), "--tokenizer", str(minilm_dir)]
    given += ["--output", str(tmp_path / "set"), "--link-repeats", "--json"]
    assert main([*given, "--common-words", "1"]) == 0
    counts = result(capsys)
    assert counts["links_repeated"] == 1 and counts["common_words"] == 2 and counts["mentions_kept"] == 4
    built = open_pretraining_set(tmp_path / "set")
    assert built.dataset[0]["entity_ids"].count(1) == 2, "[UNK]"
    stored = {name: built.manifest["settings"][name] for name in ("link_labels", "link_repeats", "common_words")}
    assert stored == {"link_labels": False, "link_repeats": True, "common_words": 1}
    assert built.common_words == 1 and not built.unknown_entities
    assert main([*given, "--common-words", "nan", "--overwrite"]) == 2
    assert main([*given, "--common-words", "1", "--include-unknown-entities", "--overwrite"]) == 2
    assert "[UNK] can have one meaning only" in capsys.readouterr().err


UNLINKED = (Mention(0, 4, label="place"), Mention(23, 29))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "found no texts"),
        ([AnnotatedText("1", SENTENCE)], "found no link in 1 text without mentions"),
        (
            [AnnotatedText("1", SENTENCE, UNLINKED), AnnotatedText("2", SENTENCE)],
            "found no link in 2 texts with 2 mentions, 1 with a label but no entity; --link-labels makes an entity",
        ),
        (
            [AnnotatedText("1", SENTENCE, UNLINKED[1:])],
            "in 1 text with 1 mention, 0 with a label but no entity; expected mentions",
        ),
        ([AnnotatedText("1", SENTENCE, (Mention(0, 4, "Category:Cities"),))], "found only links to categories (1)"),
    ],
)
def test_a_vocabulary_without_titles_is_refused(
    texts: list[AnnotatedText], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_annotated_texts(tmp_path / "texts.jsonl", texts)
    output = tmp_path / "v.jsonl"
    assert main(["build", "entity-vocab", str(tmp_path / "texts.jsonl"), "--output", str(output)]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert f"{tmp_path / 'texts.jsonl'}: found " in said and message in said and not output.exists()


def test_a_minimum_that_no_title_reaches_is_refused(pages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "v.jsonl"
    assert main(["build", "entity-vocab", str(pages), "--output", str(output), "--min-count", "3"]) == 1
    assert "found no title with 3 links or more among 3 titles" in capsys.readouterr().err and not output.exists()


def test_a_script_that_the_tokenizer_does_not_know_is_reported(
    vocabulary: Path, tmp_path: Path, minilm_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "texts.jsonl"
    write_annotated_texts(path, [AnnotatedText("1", "Oslo \N{GRINNING FACE} and more.", (Mention(0, 4, "Oslo"),))])
    arguments = ["--vocabulary", str(vocabulary), "--tokenizer", str(minilm_dir), "--output", str(tmp_path / "set"), "--json"]
    assert main(["build", "pretraining", str(path), *arguments]) == 0
    shown = capsys.readouterr()
    counts = json.loads(shown.out)
    assert (counts["sub_words"], counts["sub_words_unknown"]) == (5, 1)
    assert f"warning: 1 of 5 sub-words (20%) are unknown to the tokenizer {minilm_dir}:" in " ".join(shown.err.split())

"""`loreweave build episodes`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loreweave.cli.main import main
from loreweave.corpus.episodes import read_episodes


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Six sentences of each of three types."""
    path = tmp_path / "train.txt"
    path.write_text("".join(f"w{n} B-{label}\nis O\n\n" for n in range(6) for label in ("a", "b", "c")))
    return path


def test_episodes_are_written_and_counted(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "e.jsonl"
    command = ["build", "episodes", str(corpus), "--way", "2", "--count", "7", "--output", str(output)]
    assert main([*command, "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert (counts["sentences"], counts["types"], counts["episodes"]) == (18, 3, 7)
    assert len(list(read_episodes(output))) == 7
    assert main(command) == 2 and "the file exists; choose another or use --overwrite" in capsys.readouterr().err
    first = output.read_text()
    assert main([*command, "--overwrite"]) == 0 and output.read_text() == first


def test_types_can_be_named_and_excluded(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.txt"
    other.write_text("x B-c\n")
    output = tmp_path / "e.jsonl"
    command = ["build", "episodes", str(corpus), "--way", "2", "--count", "5", "--output", str(output)]
    assert main([*command, "--exclude-types-of", str(other)]) == 0
    assert {episode.types for episode in read_episodes(output)} == {("a", "b")}
    assert main([*command, "--overwrite", "--types", "a,z"]) == 2
    assert "no sentence has z; found a, b, c" in capsys.readouterr().err
    assert main([*command, "--overwrite", "--types", "a"]) == 1
    assert "found 1 type to draw, expected at least 2" in capsys.readouterr().err


def test_what_was_found_in_a_file_is_said(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus.write_text(corpus.read_text().replace("B-", "B_"))
    command = ["build", "episodes", str(corpus), "--way", "2", "--count", "3", "--output", str(tmp_path / "e.jsonl")]
    assert main(command) == 0
    assert f"{corpus}: tags in another spelling: 'B_a' as 'B-a'" in capsys.readouterr().err


def test_bad_sentences_are_left_out_on_request(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other, output = tmp_path / "other.jsonl", tmp_path / "e.jsonl"
    other.write_text('{"tokens": ["x"], "tags": ["B-c"]}\n{"tokens": ["y"], "tags": []}\n')
    corpus.write_text(corpus.read_text() + "broken\n\n \tO\n")
    command = ["build", "episodes", str(corpus), "--exclude-types-of", str(other), "--way", "2", "--output", str(output)]
    assert main([*command, "--count", "3"]) == 1
    assert "train.txt, line 55: found 1 column: 'broken', expected 2" in capsys.readouterr().err
    assert main([*command, "--count", "3", "--skip-bad", "--json"]) == 0
    out, err = capsys.readouterr()
    counts = json.loads(out)
    assert (counts["sentences"], counts["types"], counts["types_drawn_from"]) == (18, 3, 2)
    assert counts["bad record"] == counts["blank tokens"] == counts["sentences of blank tokens alone"] == 1
    assert f"{corpus}: skipped 2 records: bad record (1), sentences of blank tokens alone (1)" in err
    assert f"{other}: skipped 1 record: bad tags (1)" in err and f"{corpus}: left out: blank tokens (1)" in err


def test_tags_that_are_numbers_get_their_names_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 is O, 1 and 3 begin a type, also in the file whose types may not be drawn."""
    rows = [{"tokens": [f"w{n}", "is"], "ner_tags": [tag, 0]} for n in range(6) for tag in (1, 3, 5)]
    numbered, other, names = tmp_path / "train.jsonl", tmp_path / "other.jsonl", tmp_path / "names.txt"
    numbered.write_text("\n".join(map(json.dumps, rows)))
    other.write_text(json.dumps({"tokens": ["x"], "ner_tags": [5]}))
    names.write_text("O\nB-a\nI-a\nB-b\nI-b\nB-c\nI-c\n")
    output = tmp_path / "e.jsonl"
    command = ["build", "episodes", str(numbered), "--way", "2", "--count", "5", "--output", str(output)]
    assert main(command) == 1 and "--tag-names FILE" in capsys.readouterr().err
    assert main([*command, "--tag-names", str(names), "--exclude-types-of", str(other)]) == 0
    assert {episode.types for episode in read_episodes(output)} == {("a", "b")}
    names.write_text("O\nB-a\n")
    assert main([*command, "--overwrite", "--tag-names", str(names)]) == 1
    assert "train.jsonl, line 2, field 'ner_tags': found the number 3" in capsys.readouterr().err


def test_copies_are_not_asked_or_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, output = tmp_path / "train.txt", tmp_path / "e.jsonl"
    words = [("Ann", "a"), ("ann", "a"), ("Bob", "a"), ("Oslo", "b"), ("OSLO", "b"), ("Bergen", "b")]
    path.write_text("".join(f"{word} B-{label}\n\n" for word, label in words))
    command = ["build", "episodes", str(path), "--way", "2", "--count", "20", "--output", str(output), "--json", "--overwrite"]
    assert main(command) == 0
    counts, err = json.loads(capsys.readouterr().out), capsys.readouterr().err
    assert counts["copies_left_out_of_queries"] > 0
    assert not counts.get("queries_with_a_text_of_the_support") and "support set" not in err
    assert main([*command, "--keep-copies"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)["queries_with_a_text_of_the_support"]
    asked = sum(len(episode.query) for episode in read_episodes(output))
    assert found > 0 and f"{found} of {asked} queries, in " in err

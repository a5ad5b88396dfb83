"""`loreweave check`: tables, findings, JSON."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from tiny_encoders import TYPING_ROWS

from loreweave.cli import console
from loreweave.cli.main import main
from loreweave.corpus.annotated_text import AnnotatedText, Mention, write_annotated_texts


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """A training file with a bad record, and a dev file that repeats one of its texts."""
    paths = [tmp_path / "train.json", tmp_path / "dev.json"]
    paths[0].write_text(json.dumps([*TYPING_ROWS, TYPING_ROWS[0] | {"end": 999}]))
    paths[1].write_text(json.dumps([TYPING_ROWS[0] | {"labels": ["poet"]}]))
    return [str(path) for path in paths]


def test_tables_and_findings(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "entity-typing", *files]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("files\nwhat\ttrain.json\tdev.json\nrecords\t16\t1\ntexts\t8\t1\n")
    assert "\nbad\t1\t0\n" in out and "\nlabels: records with each\n" in out and "\npoet\t0\t1" in out
    assert "train.json, record 17: field 'end'" in err
    assert "dev.json: labels that are not in train.json: poet" in err
    assert "dev.json: 1 record has a text of train.json, 1 with its mentions" in err


def test_strict(files: list[str], tmp_path: Path) -> None:
    assert main(["check", "entity-typing", *files, "--strict"]) == 1
    assert main(["check", "entity-typing", *files, "--strict", "--json"]) == 1
    (tmp_path / "clean.json").write_text(json.dumps(TYPING_ROWS[:2]))
    assert main(["check", "entity-typing", str(tmp_path / "clean.json"), "--strict"]) == 0


@pytest.mark.parametrize("kind", ["repeated_ids", "repeated-ids"])
def test_a_kind_can_be_written_as_in_the_table(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"id": "x", "text": "fine", "label": "good"}, {"id": "x", "text": "dull", "label": "bad"}]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    assert main(["check", "text-classification", str(tmp_path / "a.json"), "--list", kind]) == 0
    out = capsys.readouterr().out
    assert "\nrepeated-ids\t1\n" in out and "\nrepeated_ids: 1\n" in out and "record 2: 'x', as record 1" in out


def test_json(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "entity-typing", *files, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["task"] == "entity-typing" and len(found["files"]) == 2 and found["leaks"][0]["same_text"] == 1


def test_mistakes_are_one_message(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "entity-typing", *files, "--max-length", "64"]) == 2
    assert "--max-length needs --model" in capsys.readouterr().err
    assert main(["check", "entity-typing", "nowhere.json"]) == 1
    assert "nowhere.json: file not found" in capsys.readouterr().err


@pytest.fixture
def names(tmp_path: Path) -> str:
    """Mentions of which one cuts a word, and one has a blank at its edge."""
    rows = [
        {"text": "Mia Brandt left", "entities": [{"start": 0, "end": 9, "label": "PER"}]},
        {"text": "in Oslo ", "entities": [{"start": 3, "end": 8, "label": "LOC"}]},
    ]
    path = tmp_path / "names.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def test_what_is_counted_is_listed(names: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "ner", names, "--list", "misaligned", "--list", "dropped"]) == 0
    out, err = capsys.readouterr()
    assert "misaligned: 1\nfile\tplace and what\nnames.jsonl\tline 1: 'Mia Brand' cuts 'Brandt' in 'Mia Brandt left'\n" in out
    assert "dropped: 1\nfile\tplace and what\nnames.jsonl\tline 2: white space at the edges of mentions, 'Oslo '\n" in out
    assert "1 mention cuts a word" in err and "no findings" not in err
    assert main(["check", "ner", names, "--list", "all"]) == 0
    out, err = capsys.readouterr()
    assert "leaks: none\n" in err and "misaligned: 1\n" in out
    assert main(["check", "ner", names, "--list", "mentions"]) == 2
    assert "--list: unknown kind 'mentions'; there are bad, unused, dropped" in capsys.readouterr().err


def test_nothing_to_look_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.conll").write_text("Mia B-PER\nleft O\n")
    assert main(["check", "ner", str(tmp_path / "a.conll")]) == 0
    out, err = capsys.readouterr()
    assert err == "no findings\n" and "labels: mentions with each\nlabel\ta.conll\nPER\t1\n" in out
    (tmp_path / "a.conll").write_text("Mia O\nleft O\n")
    assert main(["check", "ner", str(tmp_path / "a.conll")]) == 0
    err = capsys.readouterr().err
    assert "a.conll: no record has a label" in err and "nothing to look at" not in err


@pytest.mark.parametrize("count", [1, 3, 12])
def test_on_a_terminal_of_80_columns_nothing_is_cut(
    count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    label = "a/label/of/very/many/characters/" * 4
    paths = [tmp_path / f"a_long_name_of_a_file_{number:02}.conll" for number in range(count)]
    for path in paths:
        path.write_text(f"Mia B-{label}\nleft O\n")
    for terminal in (True, False):
        monkeypatch.setattr(console, "_is_terminal", lambda stream, terminal=terminal: terminal)
        assert main(["check", "ner", *map(str, paths)]) == 0
        out = capsys.readouterr().out
        assert "\u2026" not in out and all(name in out for name in ("files", "labels: mentions with each", "conflicts"))
        shown = "".join(line.replace("\u2502", "").strip() for line in out.splitlines())
        assert all(path.name in shown or terminal for path in paths)
        if terminal:
            assert max(map(len, out.splitlines())) <= 80
            squeezed = "".join(character for character in out if character.isalnum() or character in "/_.")
            assert squeezed.count("characters") >= 4


def test_the_label_for_none_is_named_among_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "train.txt"
    path.write_text('1\t"<e1>a</e1> <e2>b</e2>"\nX\n\n2\t"<e1>a</e1> <e2>c</e2>"\nRIEN\n')
    assert main(["check", "relation-classification", str(path), "no_label=RIEN"]) == 0
    assert "train.txt: 1 record has the label for 'no relation' ('RIEN'), of 2" in capsys.readouterr().err
    assert main(["check", "relation-classification", str(path), "no_label=RIE"]) == 2
    assert "did you mean 'RIEN'" in capsys.readouterr().err
    assert main(["check", "relation-classification", "no_label=RIEN"]) == 2
    assert "give at least one file" in capsys.readouterr().err


def test_a_file_without_a_record_that_can_be_read_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text('{"text": "Mia", "entities": [[0, 9, "PER"]]}\n')
    assert main(["check", "ner", str(path)]) == 1
    assert "d.jsonl: no record is left" in capsys.readouterr().err
    path.write_text('{"text": "Mia", "entities": [[0, 9, "PER"]]}\n{"text": "Mia", "entities": [[0, 3, "PER"]]}\n')
    assert main(["check", "ner", str(path)]) == 0


def test_numbers_as_a_table(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out" / "numbers.csv"
    assert main(["check", "entity-typing", *files, "--output", str(output)]) == 0
    out, err = capsys.readouterr()
    assert f"wrote {output}" in err and "\nlabels-per-record\t" in out and "\nwords-per-mention (max)\t" in out
    assert "\ndrift\nfirst\tsecond\tlabels\twords-per-text\twords-per-mention\tknown-mentions\n" in out
    assert "\ntrain.json\tdev.json\t1\t" in out, "they have no label in common"
    with output.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {"file": "train.json", "what": "records", "label": "", "other": "", "value": "16"} in rows
    assert {"file": "dev.json", "what": "records with label", "label": "poet", "other": "", "value": "1"} in rows
    assert {"file": "dev.json", "what": "leaks: same_text", "label": "", "other": "train.json", "value": "1"} in rows
    before = output.read_text()
    assert main(["check", "entity-typing", files[0], "--output", str(output)]) == 2
    assert "numbers.csv: the file exists; choose another or use --overwrite" in " ".join(capsys.readouterr().err.split())
    assert output.read_text() == before
    assert main(["check", "entity-typing", files[0], "--output", str(output), "--overwrite"]) == 0
    assert output.read_text() != before


def test_facts_about_mentions_are_shown_where_there_can_be_mentions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = {"context": "Ann lives in Oslo.", "answers": [{"text": "Oslo", "answer_start": 13}]}
    questions = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for path, question in zip(questions, ("Where?", "Who lives?"), strict=True):
        path.write_text(json.dumps(asked | {"id": path.name, "question": question}) + "\n")
    names = tmp_path / "names.conll"
    names.write_text("Ann O\n\nlives O\n")
    of_mentions = ("mentions", "misaligned", "overlaps", "words-per-mention", "known-mentions")
    of_labels = ("with-one-label", "with-several-labels", "labels-per-record")
    assert main(["check", "extractive-qa", *map(str, questions)]) == 0
    shown = capsys.readouterr().out
    assert (
        "duplicates" in shown
        and "words-per-text" in shown
        and not [name for name in (*of_mentions, *of_labels) if name in shown]
    )
    assert main(["check", "ner", str(names)]) == 0  # no mention is a fact about such a file
    shown = capsys.readouterr().out
    assert [name for name in of_mentions[:3] if name in shown] == list(of_mentions[:3])


@pytest.mark.parametrize("content", ["", "\n"])
def test_the_status_is_1_if_a_file_has_no_text(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also if nothing in it is bad, and if the other file has texts."""
    empty, good = tmp_path / "empty.json", tmp_path / "good.jsonl"
    empty.write_text(content)
    write_annotated_texts(good, [AnnotatedText("1", "Mia left Oslo.", (Mention(9, 13, "Oslo", "city"),))])
    assert main(["check", "pretraining", str(good), str(empty)]) == 1
    assert "empty.json: found no texts" in capsys.readouterr().err
    assert main(["check", "pretraining", str(good)]) == 0


def test_texts_for_pretraining(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tables, findings, lists, CSV and JSON as for tasks; and what only tasks have is refused."""
    train, held = str(tmp_path / "train.jsonl"), str(tmp_path / "held.jsonl")
    oslo = AnnotatedText("1", "Mia left Oslo.", (Mention(9, 13, "Oslo", "city"),))
    write_annotated_texts(train, [oslo, AnnotatedText("2", "Nobody came.")])
    write_annotated_texts(held, [oslo])
    output = tmp_path / "numbers.csv"
    command = ["check", "pretraining", train, held]
    assert main([*command, "--list", "leaks", "--list", "without_mentions", "--output", str(output)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("files\nwhat\ttrain.jsonl\theld.jsonl\ntexts\t2\t1\nwords\t7\t4\nmentions\t1\t1\n")
    assert "\nentities: mentions of each\nentity\ttrain.jsonl\theld.jsonl\nOslo\t1\t1\n" in out
    assert "\nlabels: texts with each\nlabel\ttrain.jsonl\theld.jsonl\ncity\t1\t1\n" in out
    assert "without_mentions: 1\nfile\tplace and what\ntrain.jsonl\tline 2: 'Nobody came.'\n" in out and "leaks: 1\n" in out
    assert "held.jsonl: 1 text is also in train.jsonl" in err
    with output.open(newline="") as file:
        rows = list(csv.reader(file))
    assert ["train.jsonl", "mentions with entity", "Oslo", "", "1"] in rows
    assert ["held.jsonl", "leaks: same_text", "", "train.jsonl", "1"] in rows
    assert main([*command, "--json", "--strict"]) == 1 and main(["check", "pretraining", held, "--strict"]) == 0
    capsys.readouterr()
    for wrong, message in (
        (["--model", "minilm"], "--model: texts are not encoded here"),
        (["--max-length", "64"], "--max-length: texts are not encoded here"),
        (["no_label=NA"], "no_label=NA is for relations"),
        (["--list", "overlaps"], "--list: unknown kind 'overlaps'; there are bad, unused, dropped, without_mentions"),
    ):
        assert main([*command, *wrong]) == 2
        assert message in " ".join(capsys.readouterr().err.split())

"""NER scores: outputs to numbers and rows, any system's predictions, notes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.column_formats.formats import COLUMN_FORMATS, ColumnFormat, OpenedFile
from loreweave.errors import DataError
from loreweave.tasks.ner.reader import read
from loreweave.tasks.ner.record import NerRecord, Sentence
from loreweave.tasks.ner.scoring import METRICS, answer, score, score_predictions

TYPES = ["LOC", "PER"]
RECORDS = [
    NerRecord("a", Sentence.of("Ann Hill saw Oslo"), (Mention(0, 8, label="PER"), Mention(13, 17, label="LOC"))),
    NerRecord("b", Sentence.of("Bob sang"), (Mention(0, 3, label="PER"),)),
]
OUTPUTS = [np.array([[0, 2, 1, 5.0, 0.9], [3, 4, 1, 2.0, 0.6]]), np.zeros((0, 5))]


def test_numbers_rows_and_arrays() -> None:
    evaluation = score(RECORDS, OUTPUTS, TYPES)
    assert tuple(evaluation.metrics) == METRICS
    assert evaluation.metrics == pytest.approx(
        {"micro_f1": 0.4, "micro_precision": 0.5, "micro_recall": 1 / 3, "macro_f1": 0.25}
    )
    first, second = evaluation.predictions
    assert first["predicted"][1] == {"start": 13, "end": 17, "mention": "Oslo", "label": "PER", "probability": 0.6}
    assert [(row["mention"], row["label"]) for row in first["gold"]] == [("Ann Hill", "PER"), ("Oslo", "LOC")]
    assert second["predicted"] == [] and second["id"] == "b" and not evaluation.notes
    assert [row["label"] for row in evaluation.tables["per_label"]] == ["LOC", "PER"]
    assert evaluation.arrays["record"].tolist() == [0, 0] and evaluation.arrays["found"].shape == (2, 5)


def test_answers_have_characters_and_probabilities() -> None:
    first, second = answer(RECORDS, OUTPUTS, TYPES)
    assert first["id"] == "a" and first["predicted"][0] == {
        "start": 0, "end": 8, "mention": "Ann Hill", "label": "PER", "probability": 0.9,
    }  # fmt: skip
    assert second == {"id": "b", "text": "Bob sang", "predicted": []}


def test_zero_positives_are_said() -> None:
    evaluation = score([NerRecord("a", Sentence.of("sang"))], [np.zeros((0, 5))], TYPES)
    assert set(evaluation.metrics.values()) == {0.0}
    assert evaluation.notes == ["no record has a gold mention: precision, recall and F1 are 0 by definition"]


def test_mentions_that_cut_a_word_count_as_missed_and_are_said() -> None:
    evaluation = score([NerRecord("a", Sentence.of("Anna"), (Mention(0, 3, label="PER"),))], [np.zeros((0, 5))], TYPES)
    assert evaluation.tables["per_label"][0]["gold"] == 1 and "1 gold mention cuts a word" in evaluation.notes[0]


def test_types_that_are_gold_nowhere_are_said() -> None:
    evaluation = score(RECORDS[1:], [np.array([[0, 1, 1, 1, 1], [1, 2, 0, 1, 1]])], TYPES)
    assert evaluation.metrics["macro_f1"] == 0.5 and "F1 0 in macro_f1: LOC" in evaluation.notes[0]


COLUMNS = "Ann I-PER I-PER\nHill I-PER I-PER\nsaw O O\nOslo I-LOC I-PER\n\nBob I-PER O\nsang O O\n"
PARTS = COLUMNS.split("\n\n")


def test_predictions_of_any_system(tmp_path: Path) -> None:
    """Ours, with or without order; answers to questions; columns of word, gold and prediction."""
    expected = score(RECORDS, OUTPUTS, TYPES).metrics
    contents = {
        "ours": "\n".join(map(json.dumps, score(RECORDS, OUTPUTS, TYPES).predictions)),
        "answers": "\n".join(map(json.dumps, reversed(answer(RECORDS, OUTPUTS, TYPES)))),
        "columns": COLUMNS,
        "short": COLUMNS.replace("I-PER I", "I").replace("O O", "O").replace("I-LOC ", "").replace("I-PER O", "O"),
    }
    for name, content in contents.items():
        path = tmp_path / name
        path.write_text(content)
        assert score_predictions(RECORDS, path).metrics == expected, name


def test_the_originals_file_of_predictions_beside_its_gold_file(tmp_path: Path) -> None:
    """Four columns in two documents, three columns without them."""
    first, second = ("\n".join(" NN I-NP ".join(line.split()[:2]) for line in part.split("\n") if line) for part in PARTS)
    gold = tmp_path / "eng.testb"
    gold.write_text(f"-DOCSTART- -X- O O\n\n{first}\n\n-DOCSTART- -X- O O\n\n{second}\n")
    path = tmp_path / "test_predictions.txt"
    path.write_text(COLUMNS)
    assert score_predictions(read(gold).records, path).metrics == score(RECORDS, OUTPUTS, TYPES).metrics
    path.write_text(PARTS[0])
    with pytest.raises(DataError, match="found 1 sentence, expected 2 as in the gold file"):
        score_predictions(read(gold).records, path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (COLUMNS.replace("saw", "was"), "line 3: found the word 'was', expected 'saw'"),
        (COLUMNS.replace("sang O O\n", ""), "line 7: found the end of a sentence, expected 'sang'"),
        (COLUMNS + "well O O\n", "line 8: found the word 'well', expected the end of record b"),
        (COLUMNS.replace("Bob I-PER O", "Bob I-PER PER"), "line 6: found the tags 'I-PER' and 'PER'"),
        ('{"id": "a", "entities": [{"start": 0}]}\n', "line 1, field 'end': found nothing, expected an integer"),
        (
            '{"id": "a", "entities": []}\n{"id": "b", "entities": [{"start": 0, "end": 9, "label": "PER"}]}\n',
            r"line 2, field 'predicted': found the span \(0, 9\) in a text of 8 characters, .*: 'b'",
        ),
        ('{"id": "a", "entities": [{"start": -1, "end": 3, "label": "PER"}]}\n', r"line 1.*found the span \(-1, 3\)"),
        (
            '{"id": "c", "entities": []}\n',
            "no prediction for any of 2 records; the ids are c, expected those of the gold file: a, b",
        ),
    ],
)
def test_what_is_wrong_with_predictions_is_named(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "predictions"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        score_predictions(RECORDS, path)


def test_predictions_of_another_text_are_named(tmp_path: Path) -> None:
    mentions = [
        {"start": 0, "end": 8, "label": "PER", "mention": "ann hill"},
        {"start": 9, "end": 12, "label": "X", "text": "Oslo"},
    ]
    path = tmp_path / "other.jsonl"
    path.write_text(json.dumps({"id": "a", "predicted": mentions}) + '\n{"id": "b", "predicted": []}\n')
    evaluation = score_predictions(RECORDS, path)
    assert evaluation.metrics["micro_precision"] == 0.5
    said = (
        "1 predicted mention has other characters than the gold file at these offsets; is it the same text? The first: line 1"
    )
    assert [note for note in evaluation.notes if note.startswith(said)] == [
        f"{said}: found 'Oslo', but the text has 'saw' at (9, 12); the nearest such characters are at (13, 17)"
    ]


def test_missing_predictions_count_as_wrong(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text(json.dumps(answer(RECORDS, OUTPUTS, TYPES)[0]))
    evaluation = score_predictions(RECORDS, path)
    assert evaluation.metrics["micro_recall"] == pytest.approx(1 / 3)
    assert "no prediction for 1 of 2 records" in evaluation.notes[0]


GOLD = "1\tMia\tB_PER\n2\tHill\tI_PER\n3\tleft\to\n\n1\tOslo\tB_LOC\n2\tgrew\to\n"


@pytest.mark.parametrize(
    "predicted",
    [
        "1\tMia\tB_PER\n2\tHill\tI_PER\n3\tleft\to\n\n1\tOslo\to\n2\tgrew\to\n",
        "Mia B_PER\nHill I_PER\nleft o\n\nOslo o\ngrew o\n",
        "Mia B_PER B_PER\nHill I_PER I_PER\nleft o o\n\nOslo B_LOC o\ngrew o o\n",  # gold and predicted
        "word\tner\nMia\tPER-B\nHill\tPER-I\nleft\tO\n\nOslo\tO\ngrew\tO\n",
        "Mia I_PER\nHill I_PER\nleft O\n\nOslo O\ngrew O\n",  # a type of the gold file says that I_ is a prefix
    ],
)
def test_predictions_have_the_layout_that_a_gold_file_may_have(predicted: str, tmp_path: Path) -> None:
    gold, path = tmp_path / "gold.txt", tmp_path / "predicted.txt"
    gold.write_text(GOLD)
    path.write_text(predicted)
    evaluation = score_predictions(read(gold).records, path)
    assert (evaluation.metrics["micro_precision"], evaluation.metrics["micro_recall"]) == (1, 0.5)


@pytest.mark.parametrize("header", ["", "sentence\tword\ttag\n"])
@pytest.mark.parametrize("both", [False, True])
def test_predictions_whose_sentences_are_numbered_in_a_column(header: str, both: bool, tmp_path: Path) -> None:
    """There are no blank lines in such files; with `both`, the column of the gold tags is in front of the predicted one."""
    words = [("1", "Mia", "B-PER"), ("1", "left", "O"), ("1", "home", "O"), ("2", "Oslo", "B-LOC"), ("2", "grew", "O")]
    rows = ["\t".join(cells) for cells in words]
    gold, path = tmp_path / "gold.txt", tmp_path / "predicted.txt"
    gold.write_text(header + "\n".join(rows) + "\n")
    predicted = [f"{row}\tO" if both else row.replace("B-LOC", "O") for row in rows]
    path.write_text((header.replace("\n", "\tpredicted\n") if both else header) + "\n".join(predicted) + "\n")
    records = read(gold).records
    evaluation = score_predictions(records, path)
    assert len(records) == 2 and evaluation.metrics["micro_recall"] == (0 if both else 0.5)


def test_predictions_of_nested_mentions(tmp_path: Path) -> None:
    gold, path = tmp_path / "gold.tsv", tmp_path / "predicted.tsv"
    gold.write_text("1\tFC\tB-ORG\tO\n2\tBergen\tI-ORG\tB-LOC\n3\twon\tO\tO\n")
    path.write_text("1\tFC\tB-ORG\tB-LOC\n2\tBergen\tI-ORG\tO\n3\twon\tO\tO\n")
    evaluation = score_predictions(read(gold).records, path)
    assert (evaluation.metrics["micro_precision"], evaluation.metrics["micro_recall"]) == (0.5, 0.5)


def test_predictions_with_blank_tokens_and_without(tmp_path: Path) -> None:
    gold, path = tmp_path / "gold.tsv", tmp_path / "predicted.tsv"
    rows = [("서", "B-LC"), ("울", "I-LC"), (" ", "O"), ("시", "I-LC"), ("가", "O")]
    gold.write_text("".join(f"{token}\t{tag}\n" for token, tag in rows))
    records = read(gold).records
    assert records[0].text == "서울 시가" and len(records[0].mentions) == 2
    path.write_text(gold.read_text())
    assert score_predictions(records, path).metrics["micro_f1"] == 1
    path.write_text("".join(f"{token}\t{tag}\n" for token, tag in rows if token != " "))
    assert score_predictions(records, path).metrics["micro_f1"] == 0, "one mention over both"


def test_predictions_in_conllu(tmp_path: Path) -> None:
    gold, path = tmp_path / "gold.conllu", tmp_path / "predicted.conllu"
    middle = "\t".join("_" * 7)
    gold.write_text(f"1\tAnn\t{middle}\tNER=B-PER\n2\tin\t{middle}\tNER=O\n3\tOslo\t{middle}\tNER=B-LOC\n")
    path.write_text(f"1\tAnn\t{middle}\tNER=B-PER\n2\tin\t{middle}\tNER=B-LOC\n3\tOslo\t{middle}\t_\n")
    records = read(gold).records
    evaluation = score_predictions(records, path)
    assert (evaluation.metrics["micro_precision"], evaluation.metrics["micro_recall"]) == (0.5, 0.5)
    path.write_text(path.read_text().replace("NER=", "name="))
    assert score_predictions(records, path).notes == ["mentions are read from name= in the last column"]
    path.write_text(path.read_text().replace("\tin\t", "\tat\t"))
    with pytest.raises(DataError, match="text 'predicted:1': found the word 'at', expected 'in'"):
        score_predictions(records, path)


def test_predictions_in_a_column_format_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of the table of column formats is all that `score` needs."""

    def read_slashes(path: Path) -> Iterator[tuple[str, Any]]:
        for number, line in enumerate(path.read_text().splitlines()[1:], 2):
            yield f"line {number}", [token.split("/") for token in line.split()]

    def text_of(row: list[list[str]], number: str) -> Iterator[AnnotatedText]:
        text, tokens, mentions = "", [], []
        for word, tag in row:
            start = len(text) + bool(text)
            text = f"{text} {word}".lstrip()
            tokens.append([start, len(text)])
            mentions += [] if tag == "O" else [Mention(start, len(text), label=tag)]
        yield AnnotatedText(number, text, tuple(mentions), metadata={"tokens": tokens})

    slashes = ColumnFormat(
        "word/TAG", lambda path: OpenedFile(text_of, read_slashes), lambda path: path.read_text().startswith("#slashes")
    )
    monkeypatch.setitem(COLUMN_FORMATS, "slashes", slashes)
    gold, path = tmp_path / "gold.txt", tmp_path / "predicted.txt"
    gold.write_text("#slashes\nAnn/PER in/O Oslo/LOC\n")
    path.write_text("#slashes\nAnn/PER in/O Oslo/PER\n")
    evaluation = score_predictions(read(gold).records, path)
    assert (evaluation.metrics["micro_precision"], evaluation.metrics["micro_recall"]) == (0.5, 0.5)


def test_predictions_in_a_format_without_columns(tmp_path: Path) -> None:
    gold = tmp_path / "gold.tsv"
    gold.write_text("Ann\tB-PER\n")
    listed = tmp_path / "predicted.json"
    listed.write_text(json.dumps([{"tokens": ["Ann"], "ner_tags": ["B-PER"]}]))
    message = (
        r"predicted.json, record 1, field 'predicted': found nothing, expected a list "
        r"\(fields here: 'tokens', 'ner_tags'\)"
    )
    with pytest.raises(DataError, match=message):
        score_predictions(read(gold).records, listed)

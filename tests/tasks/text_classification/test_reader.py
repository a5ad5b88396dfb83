"""Files of text classification: each layout of GLUE, tables and JSON of one's own, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from glue_files import LABELLED, UNLABELLED
from pyarrow import parquet

from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.text_classification.formats import recognise
from loreweave.tasks.text_classification.reader import read
from loreweave.tasks.text_classification.record import NUMBER, TextRecord, labels_of

Row = tuple[str, str, str | None, str | float | None]


def rows(records: list[TextRecord]) -> list[Row]:
    return [(record.id, record.text, record.text_pair, record.label) for record in records]


def write(folder: Path, text: str, name: str = "train.tsv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def json_lines(folder: Path, *objects: Any) -> Path:
    return write(folder, "".join(json.dumps(each) + "\n" for each in objects), "train.jsonl")


# ---- GLUE ------------------------------------------------------------------------------------------------------------

GLUE: dict[str, list[Row]] = {
    "mnli": [
        ("0", 'The "new" rights are nice', "Everyone likes them", "neutral"),
        ("2", "uh I do not know", "I do not know.", "entailment"),
    ],
    "qqp": [
        ("133273", "How is the life of a student?", 'What is "life"?', "0"),
        ("402555", "How do I control my emotions?", "How do you control yours?", "1"),
    ],
    "qnli": [
        ("0", "What came into force?", 'As of that day, the "new" law was in force.', "entailment"),
        ("1", "Who was it?", "A bridge.", "not_entailment"),
    ],
    "sst-2": [("0", "it 's a \"charming journey . ", None, "1"), ("1", '"unflinchingly bleak"', None, "0")],
    "cola": [
        ("0", "The sailors rode the breeze clear of the rocks.", None, "1"),
        ("1", "The weights made the rope stretch over the pulley.", None, "0"),
        ("2", '"Who" is a word.', None, "1"),
    ],
    "sts-b": [("0", "A man rides a horse.", "A man rides.", 5.0), ("1", "A dog.", "A cat.", 0.8)],
    "mrpc": [
        ("0", 'He said the "case" is closed.', "The case is closed, he said.", "1"),
        ("1", "Shares rose.", "Shares fell 4%.", "0"),
    ],
    "rte": [("0", "No weapons found.", "Weapons found.", "not_entailment"), ("1", "A.", "B.", "entailment")],
}


@pytest.mark.parametrize("task", GLUE)
def test_each_task_of_glue_as_it_is_distributed(task: str, tmp_path: Path) -> None:
    path = write(tmp_path, LABELLED[task])
    assert recognise(path) == "glue"
    found = read(path)
    assert rows(found.records) == GLUE[task] == rows(read(path, "glue").records)
    assert not found.notes and not found.left_out


@pytest.mark.parametrize("task", UNLABELLED)
def test_test_files_of_glue_have_no_labels(task: str, tmp_path: Path) -> None:
    (record,) = read(write(tmp_path, UNLABELLED[task])).records
    assert record.id == "0" and record.label is None and (record.text_pair is None) == (task in ("cola", "sst-2"))


def test_what_glue_files_have_without_use_is_counted(tmp_path: Path) -> None:
    found = read(write(tmp_path, LABELLED["mnli"]))
    assert found.unused == {"pairs without a gold label, on which the annotators did not agree (-)": 1}
    assert found.records[0].metadata == {"promptID": "63735", "pairID": "63735n", "genre": "slate"} | {
        f"label{n}": label for n, label in enumerate(["neutral", "entailment", "neutral", "neutral", "neutral"], 1)
    }
    assert read(write(tmp_path, LABELLED["qqp"])).unused == {"broken lines, of which QQP's files have some": 1}


def test_another_task_with_a_short_line_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path, LABELLED["rte"] + "2\tonly one\tentailment\n")
    with pytest.raises(DataError, match="train.tsv, line 4: found 3 columns, expected 4"):
        read(path)
    assert read(path, skip_bad=True).left_out == ["line 4: found 3 columns, expected 4"]


def test_blank_texts_of_glue_are_kept_and_counted(tmp_path: Path) -> None:
    """A submission needs an answer for each."""
    found = read(write(tmp_path, "id\tquestion1\tquestion2\n0\tWhy?\t\n"))
    assert rows(found.records) == [("0", "Why?", "", None)] and found.notes == ["1 text is blank"]


def test_classes_are_in_the_order_of_their_names_or_numbers(tmp_path: Path) -> None:
    assert labels_of(read(write(tmp_path, LABELLED["mnli"])).records) == ["entailment", "neutral"]
    assert labels_of(read(write(tmp_path, LABELLED["sst-2"])).records) == ["0", "1"]
    assert labels_of(read(write(tmp_path, LABELLED["sts-b"])).records) == [NUMBER]
    assert labels_of([TextRecord(str(n), "a", label=str(n)) for n in (10, 9, 2)]) == ["2", "9", "10"]
    assert labels_of([TextRecord("0", "a")]) == []


# ---- the layout of Hugging Face --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"premise": "A.", "hypothesis": "B.", "label": 1, "idx": 7}, ("7", "A.", "B.", "neutral")),
        ({"sentence1": "A.", "sentence2": "B.", "label": 0, "idx": 0}, ("0", "A.", "B.", "entailment")),
        ({"question1": "A?", "question2": "B?", "label": 2}, ("1", "A?", "B?", "contradiction")),
        ({"question": "A?", "sentence": "B.", "label": -1, "idx": 3}, ("3", "A?", "B.", None)),
        ({"sentence": "A.", "label": 0}, ("1", "A.", None, "entailment")),
        ({"text": "A.", "label": 1}, ("1", "A.", None, "neutral")),
    ],
)
def test_rows_of_hugging_face_with_names_of_their_numbers(row: dict[str, Any], expected: Row, tmp_path: Path) -> None:
    names = ["entailment", "neutral", "contradiction"]
    info = {"features": {"label": {"names": names, "_type": "ClassLabel"}}}
    (tmp_path / "dataset_info.json").write_text(json.dumps(info))
    assert rows(read(json_lines(tmp_path, row)).records) == [expected]
    parquet.write_table(pa.Table.from_pylist([row]), tmp_path / "train.parquet")
    assert rows(read(tmp_path / "train.parquet").records) == [expected]


def test_numbers_of_classes_are_named_by_the_user_or_by_themselves(tmp_path: Path) -> None:
    path = json_lines(tmp_path, {"text": "a", "label": 1}, {"text": "b", "label": 0}, {"text": "c", "label": -1})
    assert [record.label for record in read(path).records] == ["1", "0", "-1"]
    assert [record.label for record in read(path, names=["bad", "good"]).records] == ["good", "bad", None]
    table = write(tmp_path, "text\tlabel\na\t1\nb\t0\n")
    assert [record.label for record in read(table, names=["bad", "good"]).records] == ["good", "bad"]
    with pytest.raises(DataError, match="found the number 1, expected .* bad"):
        read(path, names=["bad"])


def test_numbers_with_fractions_are_no_classes(tmp_path: Path) -> None:
    path = json_lines(tmp_path, {"text": "a", "label": 4.5}, {"text": "b", "label": 3}, {"text": "c"})
    found = read(path)
    assert [record.label for record in found.records] == [4.5, 3.0, None]
    assert found.notes == [
        "labels are read as numbers, not as classes (--format json:text=...,label=... reads them as classes)"
    ]
    assert [record.label for record in read(path, "json:text=text,label=label").records] == ["4.5", "3", None]
    assert [record.label for record in read(path, "json:text=text,score=label").records] == [4.5, 3.0, None]


def test_numbers_below_the_header_of_a_task_of_glue_are_no_classes(tmp_path: Path) -> None:
    """The columns of RTE and SST-2, with other labels than theirs; the same rows are read alike in a .csv file."""
    rows = ["sentence1\tsentence2\tlabel", "a\tb\t4.5", "c\td\t3.0", "e\tf\t0.25"]
    kind = "(--format table:text=...,label=... reads them as classes)"
    for name, separator in (("a.tsv", "\t"), ("a.csv", ",")):
        (tmp_path / name).write_text("\n".join(rows).replace("\t", separator) + "\n")
        found = read(tmp_path / name)
        assert [record.label for record in found.records] == [4.5, 3.0, 0.25]
        assert found.notes[0] == f"labels are read as numbers, not as classes {kind}"
    whole = read(write(tmp_path, "sentence\tlabel\na\t1.0\nb\t0.0\n"))
    assert [record.label for record in whole.records] == ["1", "0"]
    kind = "(--format table:text=...,score=... reads them as numbers)"
    assert whole.notes == [f"labels are read as classes, not as numbers {kind}"]


def test_whole_numbers_with_a_point_are_classes_that_a_program_wrote(tmp_path: Path) -> None:
    """pandas makes them of a column that lacks a label."""
    note = "labels are read as classes, not as numbers (--format json:text=...,score=... reads them as numbers)"
    found = read(json_lines(tmp_path, {"text": "a", "label": 1.0}, {"text": "b", "label": None}, {"text": "c", "label": 0.0}))
    assert [record.label for record in found.records] == ["1", None, "0"] and found.notes == [note]
    numbers = read(json_lines(tmp_path, {"text": "a", "label": 1.0}), "json:text=text,score=label").records
    assert [record.label for record in numbers] == [1.0]
    table = read(write(tmp_path, "text\tscore\na\t1.0\n"))
    assert [record.label for record in table.records] == [1.0], "a score is a number"
    table = read(write(tmp_path, "text\tlabel\na\t1.0\nb\t\n"))
    assert [record.label for record in table.records] == ["1", None]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([-1, -1], [None, None]),  # a test file of Hugging Face
        ([0, -1, 2, 1], ["0", None, "2", "1"]),  # SNLI there
        ([-1, 0, 1], ["-1", "0", "1"]),  # negative, neutral, positive
        ([-2, -1, 0, 1, 2], ["-2", "-1", "0", "1", "2"]),
    ],
)
def test_minus_one_is_no_label_or_a_class(labels: list[int], expected: list[str | None], tmp_path: Path) -> None:
    found = read(json_lines(tmp_path, *({"text": f"text {n}", "label": label} for n, label in enumerate(labels))))
    assert [record.label for record in found.records] == expected
    assert any("-1 stands for 'no label'" in note for note in found.notes) == (None in expected)
    table = read(write(tmp_path, "text\tlabel\n" + "".join(f"text {n}\t{label}\n" for n, label in enumerate(labels))))
    assert [record.label for record in table.records] == expected


def test_quotes_of_a_program_under_the_header_of_glue(tmp_path: Path) -> None:
    path = write(tmp_path, 'sentence\tlabel\n"He said ""no"""\t0\nFine.\t1\n')
    assert [record.text for record in read(path).records] == ['He said "no"', "Fine."]
    assert [record.text for record in read(path, "glue").records] == ['"He said ""no"""', "Fine."]


def test_versions_are_classes(tmp_path: Path) -> None:
    found = read(write(tmp_path, "text\tlabel\na\t1.1\nb\tv2\n"))
    assert [record.label for record in found.records] == ["1.1", "v2"]


def test_json_of_snli_as_it_is_distributed(tmp_path: Path) -> None:
    row = {"annotator_labels": ["neutral"], "captionID": "1", "gold_label": "neutral", "pairID": "1r", "sentence1": "A."}
    found = read(json_lines(tmp_path, row | {"sentence2": "B."}, row | {"gold_label": "-", "sentence2": "C."}))
    assert rows(found.records) == [("1", "A.", "B.", "neutral")] and sum(found.unused.values()) == 1


def test_a_key_that_is_null_in_the_first_row_is_a_column(tmp_path: Path) -> None:
    path = json_lines(tmp_path, {"text": "a", "label": None}, {"text": "b", "label": "x"})
    assert [record.label for record in read(path).records] == [None, "x"]
    parquet.write_table(
        pa.Table.from_pylist([{"text": "a", "label": None}, {"text": "b", "label": "x"}]), tmp_path / "a.parquet"
    )
    assert [record.label for record in read(tmp_path / "a.parquet").records] == [None, "x"]


def test_labels_in_other_types(tmp_path: Path) -> None:
    path = json_lines(tmp_path, {"text": "a", "label": ["x"]}, {"text": "b", "label": True}, {"text": "c", "label": " y "})
    assert [record.label for record in read(path).records] == ["x", "true", "y"]
    with pytest.raises(DataError, match="line 1, field 'label': found 2 labels, expected one: a text has one class"):
        read(json_lines(tmp_path, {"text": "a", "label": ["x", "y"]}))
    with pytest.raises(DataError, match="line 1, field 'label': found {\"x\": 1}, expected the name of a class"):
        read(json_lines(tmp_path, {"text": "a", "label": {"x": 1}}))


def test_names_beside_numbers_win(tmp_path: Path) -> None:
    path = json_lines(tmp_path, {"text": "a", "label": 1, "label_text": "good"})
    (record,) = read(path).records
    assert record.label == "good" and record.metadata == {"label": 1}


# ---- tables of one's own ---------------------------------------------------------------------------------------------


def test_csv_with_quotes_commas_and_line_breaks(tmp_path: Path) -> None:
    path = write(tmp_path, 'id,Review,Sentiment\n7,"Good, ""really"" good.\nYes.",pos\n8,Bad.,neg\n', "train.csv")
    found = read(path)
    assert rows(found.records) == [("7", 'Good, "really" good.\nYes.', None, "pos"), ("8", "Bad.", None, "neg")]
    assert found.places == ["line 2", "line 4"]


@pytest.mark.parametrize("name", ["train.tsv", "train.txt", "train"])
def test_tabs_with_other_columns(name: str, tmp_path: Path) -> None:
    (record,) = read(write(tmp_path, 'text_a\ttext_b\tlabel\tdate\n"A" b\tc\tyes\t1999\n', name)).records
    assert (record.text, record.text_pair, record.label) == ('"A" b', "c", "yes") and record.metadata == {"date": "1999"}


def test_quotes_that_a_program_wrote_between_tabs(tmp_path: Path) -> None:
    found = read(write(tmp_path, 'text\tlabel\n"He said ""no"""\tneg\nFine.\tpos\n'))
    assert [record.text for record in found.records] == ['He said "no"', "Fine."]
    assert found.notes == ["a program put the cells in quotes: they are read without these quotes"]


def test_columns_that_the_user_chooses(tmp_path: Path) -> None:
    path = write(tmp_path, "titre\tcorps\tnote\tclasse\nA\tB b\t4\tx\n")
    with pytest.raises(DataError, match="found no column with the name of a text among the columns 'titre', 'corps', "):
        read(path)
    assert rows(read(path, "table:text=corps,label=classe").records) == [("1", "B b", None, "x")]
    assert rows(read(path, "table:text=titre,text_pair=corps,score=note,id=classe").records) == [("x", "A", "B b", 4.0)]
    with pytest.raises(DataError, match="found no column 'korps' for text; did you mean 'corps'?"):
        read(path, "table:text=korps")


@pytest.mark.parametrize(
    ("header", "columns", "ids"),
    [
        ("id,review,stars", "text=review,label=stars", ["q7", "q9"]),
        ("Idx,review,stars", "text=review,label=stars", ["q7", "q9"]),
        ("id,review,stars", "text=review,label=id", ["1", "2"]),
        ("uid,review,id", "text=review,label=id", ["q7", "q9"]),
        ("id,review,stars", "text=review,id=stars", ["good", "bad"]),
    ],
)
def test_a_column_of_ids_without_another_role_has_the_ids(header: str, columns: str, ids: list[str], tmp_path: Path) -> None:
    path = write(tmp_path, f"{header}\nq7,Great.,good\nq9,Poor.,bad\n", "train.csv")
    assert [record.id for record in read(path, f"table:{columns}").records] == ids


def test_a_table_without_a_header(tmp_path: Path) -> None:
    path = write(tmp_path, "pos\tgood film\nneg\tbad film\n")
    with pytest.raises(DataError, match="without a header, give their numbers from 1: table:text=1,label=2"):
        read(path)
    assert rows(read(path, "table:text=2,label=1").records) == [("1", "good film", None, "pos"), ("2", "bad film", None, "neg")]
    with pytest.raises(DataError, match="found no column '3' for text"):
        read(path, "table:text=3,label=1")


def test_numbers_in_a_table(tmp_path: Path) -> None:
    path = write(tmp_path, "text\tlabel\na\t1.5\nb\t2\nc\t\n")
    assert [record.label for record in read(path).records] == [1.5, 2.0, None]
    assert [record.label for record in read(path, "table:text=text,label=label").records] == ["1.5", "2", None]
    assert [record.label for record in read(write(tmp_path, "text\tscore\na\t1\nb\t-2e3\n")).records] == [1.0, -2000.0]
    for wrong in ("x", "nan", "inf", "1,5"):
        with pytest.raises(DataError, match=f"line 2, field 'score': found '{wrong}', expected a number"):
            read(write(tmp_path, f"text\tscore\na\t{wrong}\n"))


def test_a_class_among_numbers(tmp_path: Path) -> None:
    path = json_lines(tmp_path, {"text": "a", "label": 1.5}, {"text": "b", "label": "x"})
    with pytest.raises(DataError, match="line 2, field 'label': found 'x', expected a number, as other records have"):
        read(path)


# ---- what is refused or said -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("text,label\na,b\n", "found one column, 'text,label', expected several with tabs"),
        ("text\tlabel\tlabel\na\tb\tc\n", "line 1: found the column 'label' twice"),
        ("review\tcomment\tlabel\na\tb\tc\n", r"found several texts \(review, comment\)"),
        ("text\tlabel\tscore\na\tb\t1\n", r"found several columns that could be the label \(label, score\)"),
        ("text\tintent\temotion\na\tb\tc\n", r"found several columns that could be the label \(intent, emotion\)"),
        ("text\tlabel\n \tb\n", "line 2, field 'text': found a blank text"),
        ("text\tlabel\n1\ta\n2\tb\n3\ta\n4\tb\n", r"found numbers as texts \('1', '2', '3' and 1 more\)"),
        ("text\tlabel\npos\tsome a\nneg\tsome b\npos\tsome c\nneg\tsome d\n", "are 'label' the texts and 'text' the labels"),
        ("text\tlabel\na\tB-PER\nb\tI-PER\n", "found the labels 'B-PER' and 'I-PER', which are tags"),
    ],
)
def test_what_cannot_be_right_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read(write(tmp_path, text))


@pytest.mark.parametrize(
    ("format", "message"),
    [
        ("csv", "unknown format 'csv'; this task reads glue, table, json"),
        ("table:corps", "found 'corps' after table, expected such as table:text=COLUMN,label=COLUMN"),
        ("table:", "found '' after table"),
        ("table:label=a", "found no column for the text"),
        ("table:text=a,labels=b", "found 'labels' after table; did you mean 'label'?"),
        ("table:text=a,label=b,score=c", "found label and score, expected one"),
        ("table:text=a,text=b", "found 'text=b' a second time"),
        ("glue:text=a", "the columns of glue are known"),
    ],
)
def test_a_wrong_format_is_refused(format: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read(write(tmp_path, LABELLED["rte"]), format)


def test_a_table_that_is_not_of_glue(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found the columns 'text', 'label', expected the header of one of GLUE's files"):
        read(write(tmp_path, "text\tlabel\na\tb\n"), "glue")


def test_objects_without_a_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="among the columns 'tokens', 'tags'; choose them with --format json:text=COLUMN"):
        read(json_lines(tmp_path, {"tokens": ["a"], "tags": ["O"]}))
    with pytest.raises(DataError, match="line 2, field 'text': found nothing, expected a string"):
        read(json_lines(tmp_path, {"text": "a", "label": "x"}, {"label": "y"}))


def test_what_may_be_wrong_is_said(tmp_path: Path) -> None:
    found = read(write(tmp_path, "text\tkategorie\ta b\nx\ty\tz\n"))
    assert found.notes == [
        "no column has the name of a label, found kategorie, a b (--format table:text=...,label=COLUMN chooses one)"
    ]
    many = "text\tlabel\n" + "".join(f"text {n}\tclass {n}\n" for n in range(40))
    (note,) = read(write(tmp_path, many)).notes
    assert note == "40 classes in 40 records ('class 0', 'class 1', 'class 2' and 37 more): are these labels?"
    alike = read(write(tmp_path, "text\tlabel\na\tgood\nb\tGood\n")).notes
    assert len(alike) == 1 and alike[0].endswith("'Good' (1), 'good' (1)")

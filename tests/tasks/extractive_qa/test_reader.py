"""Files of questions: SQuAD's layout and rows, and what is odd in them."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from loreweave.errors import DataError
from loreweave.tasks.extractive_qa.reader import read
from loreweave.tasks.extractive_qa.record import placed_answer

CONTEXT = "Oslo is big. Ann likes Oslo."


def squad(*qas: dict[str, Any], context: str = CONTEXT) -> dict[str, Any]:
    return {"version": "1.1", "data": [{"title": "Oslo", "paragraphs": [{"context": context, "qas": list(qas)}]}]}


def asked(id: str = "a", *answers: tuple[str, int], **more: Any) -> dict[str, Any]:
    given = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": id, "question": "What does Ann like?", "answers": given, **more}


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "start", "span", "place"),
    [
        ("Oslo", 23, (23, 27), "given"),
        ("Oslo", 21, (23, 27), "moved"),  # the nearest of both
        ("Oslo", 4, (0, 4), "moved"),
        ("Oslo", None, (0, 4), "given"),
        (" Oslo ", 22, (23, 27), "given"),  # without the white space at its edges
        ("Ann  likes", 13, (13, 22), "given"),  # other white space than in the context
        ("is  big", 5, (5, 11), "given"),
        ("Oslo", -5, (0, 4), "moved"),
        ("Oslo", 99, (23, 27), "moved"),
        ("Bergen", 0, None, "absent"),
        ("oslo", 0, None, "absent"),
    ],
)
def test_the_place_of_an_answer(text: str, start: int | None, span: tuple[int, int] | None, place: str) -> None:
    found = placed_answer(CONTEXT, text, start)
    assert (found.text, found.span, found.place) == (text, span, place)


def test_an_answer_with_other_white_space_stays_at_its_place() -> None:
    found = placed_answer("New\nYork is big. Ann likes New York.", "New York", 0)
    assert (found.span, found.place) == ((0, 8), "given")


def test_squad_1(tmp_path: Path) -> None:
    (record,) = read(write(tmp_path / "dev.json", squad(asked("a", ("Oslo", 23), ("Oslo", 0))))).records
    assert (record.id, record.question, record.context) == ("a", "What does Ann like?", CONTEXT)
    assert [answer.span for answer in record.answers or ()] == [(23, 27), (0, 4)]
    assert record.metadata == {"title": "Oslo"} and record.label == "answer"


def test_squad_2_has_questions_without_an_answer(tmp_path: Path) -> None:
    content = squad(asked("a", ("Oslo", 23), is_impossible=False), asked("b", is_impossible=True, plausible_answers=[]))
    first, second = read(write(tmp_path / "dev.json", content)).records
    assert (first.label, second.label, second.answers) == ("answer", "no answer", ())


@pytest.mark.parametrize("open_file", [gzip.open, lzma.open])
def test_compressed_files(tmp_path: Path, open_file: Any) -> None:
    path = tmp_path / f"dev.json.{'gz' if open_file is gzip.open else 'xz'}"
    with open_file(path, "wt", encoding="utf-8") as file:
        file.write(json.dumps(squad(asked("a", ("Oslo", 23)))))
    assert len(read(path).records) == 1


@pytest.mark.parametrize(
    ("answers", "spans"),
    [
        ([{"text": "Oslo", "answer_start": 23}], [(23, 27)]),
        ([{"text": "Oslo", "start": 23}], [(23, 27)]),
        ({"text": ["Oslo", "big"], "answer_start": [23, 8]}, [(23, 27), (8, 11)]),
        ({"text": [], "answer_start": []}, []),
        (["big"], [(8, 11)]),
        ("big", [(8, 11)]),
        ({"text": "Oslo", "answer_start": 23}, [(23, 27)]),
        ([], []),
    ],
)
def test_rows_with_any_layout_of_answers(tmp_path: Path, answers: Any, spans: list[tuple[int, int]]) -> None:
    path = write(tmp_path / "dev.jsonl", {"id": 7, "question": "What?", "context": CONTEXT, "answers": answers})
    (record,) = read(path).records
    assert record.id == "7" and [answer.span for answer in record.answers or ()] == spans
    assert record.label == ("answer" if spans else "no answer")


@pytest.mark.parametrize(
    ("fields", "spans"),
    [
        ({"answer": "big"}, [(8, 11)]),
        ({"answer": "Oslo", "answer_start": 23}, [(23, 27)]),
        ({"answer_text": "Oslo", "answer_start": 23}, [(23, 27)]),
        ({"answer": {"text": "Oslo", "answer_start": 23}}, [(23, 27)]),
        ({"answer": ["big", "Oslo"]}, [(8, 11), (0, 4)]),
        ({"answer": [{"text": "Oslo", "answer_start": 23}]}, [(23, 27)]),
        ({"answer": {"text": ["Oslo"], "answer_start": [23]}}, [(23, 27)]),
        ({"answers": None, "answer": "big"}, [(8, 11)]),
        ({"answers": ["big"], "answer": "Oslo"}, [(8, 11)]),  # all of them, beside the first one
        ({"answer": []}, []),
        ({"answer": "", "is_impossible": True}, []),
        ({"answer": "", "answer_start": -1, "is_impossible": True}, []),
        ({"answer": None}, None),
    ],
)
@pytest.mark.parametrize("layout", ["rows", "squad", "questions"])
def test_a_single_answer_is_read_wherever_questions_are(
    tmp_path: Path, layout: str, fields: dict[str, Any], spans: list[tuple[int, int]] | None
) -> None:
    row = {"id": "a", "question": "What?", **fields}
    content: Any = {"rows": [row | {"context": CONTEXT}], "squad": squad(row)}.get(layout)
    content = content or {"questions": [row | {"context": CONTEXT}]}
    found = read(write(tmp_path / "dev.json", content))
    (record,) = found.records
    assert (record.id, record.context) == ("a", CONTEXT) and not found.dropped
    assert (None if record.answers is None else [answer.span for answer in record.answers]) == spans
    assert "answer_start" not in record.metadata


def test_a_list_of_questions_about_one_context(tmp_path: Path) -> None:
    asked_here = [{"question": "What?", "answer": "big"}, {"question": "Where?", "answers": []}]
    rows = [{"title": "Oslo", "context": CONTEXT, "questions": asked_here}, {"context": "Ann.", "questions": []}]
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read(path)
    assert [(record.question, record.context, record.label) for record in found.records] == [
        ("What?", CONTEXT, "answer"),
        ("Where?", CONTEXT, "no answer"),
    ]
    assert found.records[0].metadata == {"title": "Oslo"}
    assert found.places == ["line 1, question 1", "line 1, question 2"]
    assert dict(found.unused) == {"paragraphs without a question": 1}
    rows[1]["questions"] = ["What?"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match="line 2, field 'questions': .*expected a list of objects"):
        read(path)


def test_fields_that_may_be_answers_and_are_not_read_are_named(tmp_path: Path) -> None:
    row = {"id": "a", "question": "What?", "context": CONTEXT, "gold_answer": "big"}
    found = read(write(tmp_path / "dev.json", [row, row | {"id": "b"}]))
    assert [record.answers for record in found.records] == [None, None]
    assert found.notes == [
        "no question has answers, which are read from the fields answers, answer or answer_text; not read: gold_answer"
    ]
    assert read(write(tmp_path / "dev.json", [row | {"answers": []}])).notes == []


def test_answers_that_are_not_there_are_not_known(tmp_path: Path) -> None:
    row = {"question": "What?", "context": CONTEXT}
    (record,) = read(write(tmp_path / "test.jsonl", row)).records
    assert (record.id, record.answers, record.label) == ("1", None, None)
    (record,) = read(write(tmp_path / "test.jsonl", row | {"answers": None})).records
    assert record.answers is None
    (record,) = read(write(tmp_path / "test.jsonl", row | {"is_impossible": True})).records
    assert record.answers == ()


def test_answers_elsewhere_and_nowhere_are_counted(tmp_path: Path) -> None:
    content = squad(asked("a", ("Oslo", 21)), asked("b", ("Bergen", 0), ("Oslo", 23)))
    found = read(write(tmp_path / "dev.json", content))
    assert found.notes == [
        "1 answer does not stand at its answer_start; the nearest occurrence is used: a",
        "1 answer does not occur in its context: it is scored, but cannot be learned or predicted",
    ]
    assert not found.dropped
    assert found.lost == [
        ("odd", "article 1, paragraph 1, question 1: answer that does not stand at its answer_start, 'Oslo'"),
        ("odd", "article 1, paragraph 1, question 2: answer that does not occur in its context, 'Bergen'"),
    ]
    assert found.records[1].golds == ["Bergen", "Oslo"]  # the official score counts both


def test_answers_of_an_impossible_question_are_counted(tmp_path: Path) -> None:
    found = read(write(tmp_path / "dev.json", squad(asked("a", ("Oslo", 23), is_impossible=True))))
    assert found.records[0].answers == ()
    assert dict(found.dropped) == {"questions with is_impossible, whose answers are not used": 1}


def test_questions_with_one_id_are_all_kept(tmp_path: Path) -> None:
    content = squad(asked("a", ("Oslo", 23)), asked("a", ("big", 8)), asked("a#2"), asked("a"))
    found = read(write(tmp_path / "dev.json", content))
    assert [record.id for record in found.records] == ["a", "a#3", "a#2", "a#4"]
    assert [record.given_id for record in found.records] == [None, "a", None, "a"]
    assert found.notes == ["2 questions have the id of another; all are kept, and a number was added to the id: a#3, a#4"]


@pytest.mark.parametrize(
    ("changes", "field", "found"),
    [
        ({"question": " "}, "question", "found a blank text, expected a question"),
        ({"question": 7}, "question", "found 7, expected a string"),
        ({"answers": 7}, "answers", "found 7, expected a list of answers"),
        ({"answers": "['Oslo']"}, "answers", r"found \"\['Oslo'\]\", a list or an object written as a text"),
        ({"answer": "Oslo"}, "answers", "found no answer here, and 'Oslo' in the field answer"),
        ({"answers": None, "answer": {"value": "Oslo"}}, "answer", "expected an answer with a text"),
        ({"answers": None, "answer": " "}, "answer", "found a blank answer"),
        ({"answers": None, "answer": "Oslo", "answer_start": "3"}, "answer", "found the start '3' of an answer"),
        ({"answers": [{"answer_start": 3}]}, "answers", "expected an answer with a text"),
        ({"answers": [{"text": "Oslo", "answer_start": "3"}]}, "answers", "found the start '3' of an answer"),
        ({"answers": [{"text": "Oslo", "answer_start": True}]}, "answers", "found the start True of an answer"),
        ({"answers": [{"text": " "}]}, "answers", "found a blank answer"),
        ({"answers": {"text": ["a", "b"], "answer_start": [1]}}, "answers", "expected lists of the same length"),
        ({"is_impossible": "yes"}, "is_impossible", "found 'yes', expected true or false"),
        ({"id": [1]}, "id", r"found \[1\], expected a string or a number"),
    ],
)
def test_bad_questions_are_named(tmp_path: Path, changes: dict[str, Any], field: str, found: str) -> None:
    path = write(tmp_path / "dev.json", squad(asked("a", ("Oslo", 23)), asked("b") | changes))
    with pytest.raises(DataError, match=rf"dev.json, article 1, paragraph 1, question 2, field '{field}': .*{found}"):
        read(path)
    kept = read(path, skip_bad=True)
    assert [record.id for record in kept.records] == ["a"] and sum(kept.skipped.values()) == 1


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"data": [{"title": "Oslo"}, {"paragraphs": []}]}, "article 1, field 'paragraphs'"),
        ({"data": [{"paragraphs": [{"context": "a"}]}]}, "article 1, paragraph 1, field 'qas'"),
        ({"data": [{"paragraphs": [{"qas": [asked("a")]}]}]}, "article 1, paragraph 1, question 1, field 'context'"),
        ({"data": {"paragraphs": []}}, "line 1, field 'paragraphs'"),
    ],
)
def test_broken_layouts_are_named(tmp_path: Path, content: Any, place: str) -> None:
    with pytest.raises(DataError, match=f"dev.json, {place}: found"):
        read(write(tmp_path / "dev.json", content), "squad")


def test_a_paragraph_per_line_as_in_mrqa(tmp_path: Path) -> None:
    found = {"text": "Oslo", "char_spans": [[23, 26]], "token_spans": [[6, 6]]}
    qas = [{"qid": "a", "question": "What?", "answers": ["Oslo", "oslo"], "detected_answers": [found]}]
    rows = [{"header": {"dataset": "SQuAD", "split": "train"}}, {"id": "", "context": CONTEXT, "qas": qas}]
    path = tmp_path / "SQuAD.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("".join(json.dumps(row) + "\n" for row in rows))
    read_rows = read(path)
    (record,) = read_rows.records
    assert record.id == "a" and [answer.span for answer in record.answers or ()] == [(23, 27), None]
    assert dict(read_rows.unused) == {"headers": 1} and read_rows.places == ["line 2, question 1"]
    qas[0]["detected_answers"] = [{"text": "Oslo"}]
    with pytest.raises(DataError, match="line 1, question 1, field 'detected_answers': .*expected a text with char_spans"):
        read(write(tmp_path / "bad.jsonl", rows[1]))


def test_an_article_per_line(tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    lines = [squad(asked(id, ("Oslo", 23)))["data"][0] for id in "ab"]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read(path).places == ["line 1, paragraph 1, question 1", "line 2, paragraph 1, question 1"]


def test_paragraphs_without_a_question_are_counted(tmp_path: Path) -> None:
    content = squad(asked("a", ("Oslo", 23)))
    content["data"][0]["paragraphs"].append({"context": "Bergen.", "qas": []})
    assert dict(read(write(tmp_path / "dev.json", content)).unused) == {"paragraphs without a question": 1}


def test_a_folder_of_shards(tmp_path: Path) -> None:
    for number in (1, 0):
        write(tmp_path / f"jaquad_train_000{number}.json", squad(asked(f"q{number}", ("Oslo", 23))))
    (tmp_path / "README.md").write_text("shards")
    found = read(tmp_path)
    assert [record.id for record in found.records] == ["q0", "q1"]
    assert found.places[0] == "jaquad_train_0000.json, article 1, paragraph 1, question 1"
    write(tmp_path / "jaquad_dev_0000.json", squad(asked("d")))
    with pytest.raises(DataError, match="found 3 files of the splits dev, train, expected those of one: name the files"):
        read(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: found no file with a name that ends in .json or .jsonl"):
        read(tmp_path / "empty")


@pytest.mark.parametrize(
    ("names", "refused"),
    [
        (["latest_train.json"], ""),
        (["train_dev.json"], ""),
        (["latest_train_1.json", "latest_train_2.json"], ""),
        (["contest-a.json", "contest-b.json", "train.jsonl.gz"], ""),
        (["contest_train.json", "contest_dev.json"], "dev, train"),
        (["squadtrain.json", "squadDev.json"], "dev, train"),
        (["dev2.json", "TestSet.json", "validation.json"], "dev, test, valid"),
    ],
)
def test_splits_are_words_of_the_names_of_several_files(names: list[str], refused: str, tmp_path: Path) -> None:
    for name in names:
        content = json.dumps(squad(asked(name, ("Oslo", 23)))).encode()
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    if refused:
        with pytest.raises(DataError, match=f"found {len(names)} files of the splits {refused}, expected those of one"):
            read(tmp_path)
    else:
        assert [record.id for record in read(tmp_path).records] == names


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found the keys text, expected a record of squad, questions"):
        read(write(tmp_path / "dev.json", {"text": "Ann"}))


@pytest.mark.parametrize("whole", [True, False])
def test_files_of_record_name_the_task_that_reads_them(tmp_path: Path, whole: bool) -> None:
    qas = [{"id": "a", "query": "@placeholder is big", "answers": [{"start": 0, "end": 3, "text": "Oslo"}]}]
    row = {"id": "p", "passage": {"text": "Oslo is rainy.", "entities": [{"start": 0, "end": 3}]}, "qas": qas}
    path = write(tmp_path / "record.json", {"version": "1.0", "data": [row]} if whole else row)
    with pytest.raises(DataError, match="record.json: found queries in the layout of ReCoRD, which the task cloze-qa reads"):
        read(path)


def test_a_paragraph_without_a_context_has_none(tmp_path: Path) -> None:
    content = {"data": [{"paragraphs": [{"qas": [asked("a")]}]}]}
    with pytest.raises(DataError, match="question 1, field 'context': found nothing, expected a string"):
        read(write(tmp_path / "dev.json", content), "squad")

"""What `loreweave check` finds in files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.contract import Reading
from loreweave.tasks.entity_typing.model import EntityTypingConfig
from loreweave.tasks.entity_typing.model import build as build_typing
from loreweave.tasks.jobs import record_facts
from loreweave.tasks.jobs.check import check_files
from loreweave.tasks.jobs.finetune import DataFiles, finetune_task
from loreweave.tasks.jobs.record_facts import check_fit
from loreweave.tasks.registry import load_task, training_of
from loreweave.training.settings.configuration import fill

TASK = load_task("relation-classification")


def pair(text: str, head: tuple[int, int], tail: tuple[int, int], label: str) -> dict[str, Any]:
    ends = {name: {"start": start, "end": end} for name, (start, end) in (("head", head), ("tail", tail))}
    return {"text": text, **ends, "label": label}


A = pair("Ann lives in Oslo .", (0, 3), (13, 17), "lives")
B = pair("Bob works at a bank .", (0, 3), (13, 19), "works")


def write(path: Path, rows: list[Any]) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def silent(line: str) -> None:
    """Report to nobody."""


def one_label(folder: Path, task: str) -> Path:
    """A file of two records with the same label."""
    rows: dict[str, list[Any]] = {
        "text-classification": [{"text": "a fine film", "label": "good"}, {"text": "well made", "label": "good"}],
        "relation-classification": [A | {"label": "good"}, B | {"label": "good"}],
        "entity-typing": [{"text": text, "start": 0, "end": 3, "labels": ["good"]} for text in ("Ann lives.", "Bob works.")],
    }
    return write(folder / "train.jsonl", rows[task])


EXCLUSIVE = {"text-classification": "", "relation-classification": "", "entity-typing": "multi_label=false"}


@pytest.mark.parametrize("task", EXCLUSIVE)
def test_one_label_is_checked_and_not_trained(task: str, tiny_bert: Path, tmp_path: Path) -> None:
    """Typing with any number of types has a default that can learn from one label: no mention needs to have it."""
    train = one_label(tmp_path, task)
    found = check_files(load_task(task), [train], model=str(tiny_bert), report=silent)
    said = ["train.jsonl: all records have the label good; a model needs two or more labels to learn from"]
    assert found["findings"] == ([] if EXCLUSIVE[task] else said) and found["files"][0]["sub_words"]["max"] > 2
    config = fill(training_of(load_task(task)).config, {"keep": "last"}, EXCLUSIVE[task].split())
    with pytest.raises(DataError, match=r"train\.jsonl: found one label, 'good', in all records, expected two or more"):
        finetune_task(load_task(task), str(tiny_bert), DataFiles(train=train), config, tmp_path / "run", report=silent)
    assert not (tmp_path / "run").exists()


def test_records_without_labels_are_encoded(tiny_bert: Path, tmp_path: Path) -> None:
    train = write(tmp_path / "train.jsonl", [{"text": "a fine film"}, {"text": "well made"}])
    found = check_files(load_task("text-classification"), [train], model=str(tiny_bert), report=silent)
    assert found["labels"] == [] and found["files"][0]["sub_words"]["max"] > 2


def test_queries_without_answers_are_named_where_training_refuses_them(tmp_path: Path) -> None:
    entity = {"start": 0, "end": 2}
    asked = [{"id": f"q{n}", "query": "@placeholder left", "answers": [entity | {"text": "Ann"}]} for n in (1, 2)]
    del asked[1]["answers"]
    passage = {"passage": {"text": "Ann left .", "entities": [entity]}, "qas": asked}
    path = tmp_path / "train.json"
    path.write_text(json.dumps({"data": [passage]}))
    task = load_task("cloze-qa")
    wrong = "record 1, field 'answers': found no answer to the query 'q2', expected one (--skip-bad leaves"
    findings = check_files(task, [path])["findings"]
    assert any(f"as a training file, finetune refuses 1 record; {wrong}" in line for line in findings)
    training = training_of(task)
    read = training.records(path, Reading())
    with pytest.raises(DataError, match=re.escape(wrong)):
        check_fit(training, training.config(), read, path, skip_bad=False)
    kept = check_fit(training, training.config(), read, path, skip_bad=True)
    assert dict(kept.skipped) == {"without answers": 1} and [record.id for record in kept.records] == ["q1"]


def test_one_file(tmp_path: Path) -> None:
    rows = [A, A, A | {"label": "works"}, B, pair(B["text"], (0, 8), (4, 19), "works"), A | {"head": {"start": 0, "end": 99}}]
    found = check_files(TASK, [write(tmp_path / "train.jsonl", rows)])
    (row,) = found["files"]
    assert (row["records"], row["texts"], row["duplicates"], row["conflicts"], row["overlaps"]) == (5, 2, 2, 1, 1)
    assert row["bad"] == 1 and row["errors"][0].startswith("line 6: field 'head': found the span (0, 99)")
    assert row["characters"] == {"min": 19, "median": 19, "p95": 21, "max": 21}
    assert found["labels"] == [{"label": "lives", "train.jsonl": 2}, {"label": "works", "train.jsonl": 3}]
    assert [line.split(": ")[1] for line in found["findings"]] == [
        "1 bad record, which 'finetune --skip-bad' leaves out",
        "1 mention cuts a word or has blanks at its edges (--list misaligned)",
        "2 records repeat a text with the same mentions",
        "1 text with the same mentions has several labels",
        "1 record has mentions that overlap",
    ]
    assert row["listed"]["misaligned"] == ["line 5: 'Bob work' cuts 'works' in 'Bob works at a bank .'"]
    assert row["listed"]["overlaps"] == ["line 5: 'Bob work' and 'works at a bank'"]
    assert row["listed"]["duplicates"][0] == "line 2: as line 1, 'Ann lives in Oslo .'"
    assert row["listed"]["conflicts"] == ["line 1 lives; line 3 works: 'Ann lives in Oslo .'"]
    assert (row["words"], row["mentions"]) == (3 * 5 + 2 * 6, 10)


def test_repeated_ids_are_counted_and_named(tmp_path: Path) -> None:
    rows = [A | {"id": "x"}, B | {"id": "y"}, pair("Cid left .", (0, 3), (4, 8), "lives") | {"id": "x"}]
    found = check_files(TASK, [write(tmp_path / "train.jsonl", rows)])
    (row,) = found["files"]
    assert row["repeated_ids"] == 1 and row["listed"]["repeated_ids"] == ["line 3: 'x', as line 1"]
    said = "1 record repeats an id, by which score finds its prediction (--list repeated_ids)"
    assert found["findings"] == [f"train.jsonl: {said}"]


REPEATED: dict[str, dict[str, Any]] = {
    "extractive-qa": {"question": "Who left?", "context": "Ann left .", "answers": [{"text": "Ann", "answer_start": 0}]},
    "cloze-qa": {
        "text": "Ann left .", "query": "@placeholder left", "candidates": [{"start": 0, "end": 3}], "answers": ["Ann"],
    },
    "entity-linking": {"text": "Ann left .", "mentions": [{"start": 0, "end": 3, "entity": "Ann"}]},
}  # fmt: skip


@pytest.mark.parametrize("task", REPEATED)
def test_repeated_ids_are_counted_where_the_reader_gives_them_numbers(task: str, tmp_path: Path) -> None:
    rows = [REPEATED[task] | {"id": id} for id in ("x", "y", "x", "x#2", "x")]
    path = write(tmp_path / "train.jsonl", rows)
    (row,) = check_files(load_task(task), [path], report=silent)["files"]
    first, _, third, _, last = training_of(load_task(task)).records(path, Reading()).places
    assert row["listed"]["repeated_ids"] == [f"{third}: 'x', as {first}", f"{last}: 'x', as {first}"]
    assert row["repeated_ids"] == 2


def test_leaks_and_labels_that_training_lacks(tmp_path: Path) -> None:
    turned = pair(A["text"], (13, 17), (0, 3), "home of")
    paths = [write(tmp_path / "a" / "x.jsonl", [A]), write(tmp_path / "b" / "x.jsonl", [A, turned, B])]
    found = check_files(TASK, paths)
    first, second = map(str, paths)
    assert found["leaks"] == [{"first": first, "second": second, "same_text": 2, "same_mentions": 1}]
    assert f"{second}: labels that are not in {first}: home of, works" in found["findings"]
    assert f"{second}: 2 records have a text of {first}, 1 with its mentions" in found["findings"]


def test_texts_without_mentions_are_not_said_to_have_the_same(tmp_path: Path) -> None:
    rows = [{"text": "a fine day", "label": "good"}, {"text": "a long day", "label": "bad"}]
    train = write(tmp_path / "train.jsonl", [*rows, rows[0], rows[1] | {"label": "good"}])
    found = check_files(load_task("text-classification"), [train, write(tmp_path / "dev.jsonl", rows[:1])])
    assert found["findings"] == [
        "train.jsonl: 2 records repeat a text",
        "train.jsonl: 1 text has several labels",
        "dev.jsonl: 1 record has a text of train.jsonl",
    ]


def test_clean_files_have_no_finding(tmp_path: Path) -> None:
    paths = [write(tmp_path / "train.jsonl", [A, B]), write(tmp_path / "dev.jsonl", [B | {"text": "Eve waits at a desk ."}])]
    assert check_files(TASK, paths)["findings"] == []


def test_what_an_encoder_would_cut(tmp_path: Path, tiny_bert: Path) -> None:
    long = pair("the river is long . " * 30 + A["text"], (600, 603), (613, 617), "lives")
    paths = [write(tmp_path / "train.jsonl", [A, long]), write(tmp_path / "dev.jsonl", [A])]
    train, dev = check_files(TASK, paths, model=str(tiny_bert), max_length=20, report=silent)["files"]
    assert train["sub_words"] == {"min": 11, "median": 11, "p95": 20, "max": 20} and "texts truncated (1)" in train["cut"]
    assert dev["cut"] == ""
    with pytest.raises(ConfigurationError, match="--max-length needs --model"):
        check_files(TASK, paths, max_length=20)


def test_any_task_and_a_fine_tuned_checkpoint(tmp_path: Path, tiny_luke: Path, typing_file: Path) -> None:
    build_typing(str(tiny_luke), ["city", "person", "place"], EntityTypingConfig()).save_pretrained(tmp_path / "model")
    task = load_task("entity-typing")
    found = check_files(task, [typing_file], model=str(tmp_path / "model"), report=silent)
    assert found["files"][0]["records"] == 16 and found["files"][0]["sub_words"]["max"] > 5
    assert [row["label"] for row in found["labels"]] == ["city", "person", "place"]
    with pytest.raises(ConfigurationError, match="has its own limit"):
        check_files(task, [typing_file], model=str(tmp_path / "model"), max_length=20, report=silent)


def test_few_shot_relations_are_new_where_they_are_asked(tmp_path: Path, tiny_bert: Path) -> None:
    paths = [write(tmp_path / "source.jsonl", [A, A | {"text": "Bob lives in Oslo ."}, B])]
    asked = [B | {"text": "Eve works at a bank ."}, B | {"text": "Leo works at a bank ."}]
    paths.append(write(tmp_path / "asked.jsonl", asked))
    found = check_files(load_task("few-shot-relation"), paths, model=str(tiny_bert), report=silent)
    assert found["files"][0]["sub_words"]["max"] == 12  # of sentences, not of episodes
    assert found["findings"] == [
        "source.jsonl: labels of a single record, too few for support and query: works",
        "asked.jsonl: labels that are also in source.jsonl, so they are not unseen: works",
    ]


def test_copies_that_few_shot_episodes_would_ask_about_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "copies.jsonl", [A, A, A, B, B])
    found = check_files(load_task("few-shot-relation"), [path], report=silent)["findings"]
    assert found[-1].startswith("copies.jsonl: 3 records copy the text of another")


def test_each_file_of_few_shot_names_counts_for_itself(tmp_path: Path, tiny_bert: Path) -> None:
    paths = [tmp_path / "long.txt", tmp_path / "short.txt"]
    paths[0].write_text("ann B-person\n" + "is O\n" * 90)
    paths[1].write_text("oslo B-place\n")
    found = check_files(load_task("few-shot-ner"), paths, model=str(tiny_bert), report=silent)
    assert "words cut off" in found["files"][0]["cut"] and found["files"][1]["cut"] == ""


def test_few_shot_names(tmp_path: Path, tiny_bert: Path) -> None:
    paths = [tmp_path / "source.txt", tmp_path / "asked.txt"]
    paths[0].write_text("ann B-person\nlives O\n\nbob B-person\n\nis O\n")
    paths[1].write_text("oslo B-place\n\nparis B-place\nis O\n\nann B-person\nlives O\n\nshe B-person\n")
    for settings in ({}, {"model": str(tiny_bert), "max_length": 8}):
        found = check_files(load_task("few-shot-ner"), paths, report=silent, **settings)
        assert found["labels"] == [
            {"label": "person", "source.txt": 2, "asked.txt": 2}, {"label": "place", "source.txt": 0, "asked.txt": 2},
        ]  # fmt: skip
        assert found["findings"] == [
            "asked.txt: labels that are also in source.txt, so they are not unseen: person",
            "asked.txt: 1 record has a text of source.txt, 1 with its mentions",
        ]
    assert [row["sub_words"]["max"] for row in found["files"]] == [4, 4]


def test_names_are_counted_and_listed_without_a_model(tmp_path: Path) -> None:
    rows = [
        {"text": "Mia Brandt's bank", "entities": [{"start": 0, "end": 9, "label": "PER"}]},
        {"text": "in Oslo ", "entities": [{"start": 2, "end": 8, "label": "LOC"}, {"start": 3, "end": 7, "label": "ORG"}]},
        {"text": "nobody", "entities": []},
    ]
    found = check_files(load_task("ner"), [write(tmp_path / "a.jsonl", rows)])
    (row,) = found["files"]
    assert (row["records"], row["sentences"], row["words"], row["mentions"]) == (3, 3, 4 + 2 + 1, 2 + 1)
    assert row["listed"]["misaligned"] == ["line 1: 'Mia Brand' cuts 'Brandt' in \"Mia Brandt's bank\""]
    assert row["listed"]["dropped"] == ["line 2: white space at the edges of mentions, ' Oslo '"]
    assert found["mentions"] == [
        {"label": "LOC", "a.jsonl": 1}, {"label": "ORG", "a.jsonl": 1}, {"label": "PER", "a.jsonl": 1},
    ]  # fmt: skip
    assert "a.jsonl: 1 mention cuts a word or has blanks at its edges (--list misaligned)" in found["findings"]


def test_mentions_are_counted_not_records(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Mia B-PER\nmet O\nAnn B-PER\n\nOslo B-LOC\n")
    found = check_files(load_task("ner"), [tmp_path / "a.txt"])
    assert found["labels"] == [{"label": "LOC", "a.txt": 1}, {"label": "PER", "a.txt": 1}]
    assert found["mentions"] == [{"label": "LOC", "a.txt": 1}, {"label": "PER", "a.txt": 2}]
    assert found["findings"] == []


def test_files_without_a_label_and_files_that_lose_records(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Mia O\nleft O\n")
    findings = check_files(load_task("ner"), [tmp_path / "a.txt"])["findings"]
    assert findings[0] == "a.txt: no record has a label" and "NO MENTION in 1 sentence:" in findings[1]
    bad = write(tmp_path / "b.jsonl", [A | {"head": {"start": 0, "end": 99}}])
    assert "b.jsonl: no record is left" in check_files(TASK, [bad])["findings"]
    for name, text in (("c.txt", "Mia B-PER\nleft\n"), ("d.jsonl", '{"text": "Mia", "entities": [[0, 9, "PER"]]}\n')):
        (tmp_path / name).write_text(text)
        findings = check_files(load_task("ner"), [tmp_path / name])["findings"]
        assert findings == [f"{name}: 1 bad record, which 'finetune --skip-bad' leaves out", f"{name}: no record is left"]


def test_odd_labels_are_findings_of_every_task(tmp_path: Path) -> None:
    rows = [A | {"label": "Lives"}, B | {"label": "lives"}]
    (finding,) = check_files(TASK, [write(tmp_path / "a.jsonl", rows)])["findings"]
    assert finding == "a.jsonl: labels that differ only by case, blanks or punctuation: 'Lives' (1), 'lives' (1)"


def test_leaks_are_listed(tmp_path: Path) -> None:
    paths = [write(tmp_path / "a.jsonl", [A]), write(tmp_path / "b.jsonl", [B, A])]
    first, second = check_files(TASK, paths)["files"]
    assert first["listed"]["leaks"] == []
    assert second["listed"]["leaks"] == ["line 2: 'Ann lives in Oslo .', with its mentions (of a.jsonl)"]


def test_the_label_for_none_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "train.jsonl", [A, B, B | {"text": "Ann works at a bank .", "label": "RIEN"}])
    found = check_files(load_task("relation-classification"), [path], no_label="RIEN", report=silent)
    assert found["findings"] == ["train.jsonl: 1 record has the label for 'no relation' ('RIEN'), of 3"]
    with pytest.raises(ConfigurationError, match="setting 'no_label': 'RIE' is not a label; did you mean 'RIEN'"):
        check_files(load_task("relation-classification"), [path], no_label="RIE", report=silent)


def test_a_text_of_many_records_is_split_into_words_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of entity typing is a mention: a document of 5,000 words has hundreds."""
    asked: list[str] = []
    split = record_facts.word_offsets
    monkeypatch.setattr(record_facts, "word_offsets", lambda text: asked.append(text) or split(text))
    record_facts._words_in.cache_clear()
    texts = ["Ann lives in Oslo .", "Bob works at a bank ."]
    rows = [{"text": text, "start": 0, "end": end, "labels": ["x"]} for text in texts for end in (3, 4, 9)]
    found = check_files(load_task("entity-typing"), [write(tmp_path / "a.jsonl", rows)])
    assert found["files"][0]["words_per_text"] == {"min": 5, "median": 5, "p95": 6, "max": 6}
    assert asked == texts * 2  # for the counts, and for the statistics


def test_one_of_several_files_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    train, empty, other = write(tmp_path / "train.jsonl", [A, B]), tmp_path / "empty.jsonl", tmp_path / "other.jsonl"
    empty.write_text("\n")
    other.write_text('{"name": "Mia"}')
    found = check_files(TASK, [train, empty, other])
    assert [(row["file"], row["texts"]) for row in found["files"]] == [
        ("train.jsonl", 2),
        ("empty.jsonl", 0),
        ("other.jsonl", 0),
    ]
    assert "empty.jsonl: found an empty file, expected records" in found["findings"]
    assert any(line.startswith("other.jsonl: record 1: found the keys name, expected") for line in found["findings"])
    with pytest.raises(DataError, match=r"empty.jsonl: found an empty file"):
        check_files(TASK, [empty])
    other.write_text('{"text": "one"')
    with pytest.raises(DataError, match=r"dev.jsonl: file not found"):  # before any file is read
        check_files(TASK, [other, tmp_path / "dev.jsonl"])


def test_a_file_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "train.jsonl", [A, B])
    with pytest.raises(ConfigurationError, match=r"train.jsonl: given twice"):
        check_files(TASK, [path, path])


def test_a_task_without_training_files_is_refused(tmp_path: Path) -> None:
    facts = write(tmp_path / "facts.jsonl", [{"text": "Oslo is in [MASK] .", "object": "Norway"}])
    message = (
        "'loreweave check' reads training files, which fact-probing does not have; 'loreweave evaluate fact-probing' reads"
    )
    with pytest.raises(ConfigurationError, match=message):
        check_files(load_task("fact-probing"), [facts])


def test_the_working_folder_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.conll").write_text("Mia B-PER\nleft O\n")
    monkeypatch.chdir(tmp_path)
    found = check_files(load_task("ner"), [Path(".")])
    assert found["files"][0]["file"] == "." and found["labels"] == [{"label": "PER", ".": 1}]

"""Examples of the probes come from the readers of the tasks; what is wrong names its file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from loreweave.errors import ConfigurationError, DataError
from loreweave.experiments.probes.examples import read_data
from loreweave.experiments.probes.settings import ProbeConfig

Write = Callable[[str, Sequence[Any]], Path]


def quietly(line: str) -> None:
    """Nobody is told."""


def test_mentions_of_sentences_are_examples_and_several_types_are_one(written: Write) -> None:
    mentions = [{"start": 0, "end": 3, "label": "person"}, {"start": 13, "end": 17, "label": "place"}]
    rows = [
        {"id": "s", "text": "ann lives in oslo", "mentions": [*mentions, {"start": 13, "end": 17, "label": "city"}]},
        {"id": "t", "text": "it is long", "mentions": []},
    ]
    lines: list[str] = []
    path = written("train.jsonl", rows)
    found = read_data("mention_types", "mine", [path, path], ProbeConfig(), lines.append)
    assert [(example.text, example.spans, example.labels) for example in found.train] == [
        ("ann lives in oslo", ((0, 3),), ("person",)),
        ("ann lives in oslo", ((13, 17),), ("place", "city")),
    ]
    assert found.multi_label and len(found.test) == 2 and found.facts["left_out"] == {"texts without a mention": 2}
    assert any("texts without a mention (1)" in line for line in lines)
    assert (
        "mention_types.mine: 1 text of the test is also in the training file" in lines
        and found.facts["test_texts_in_train"] == 1
    )


def test_pairs_of_relations_and_their_label_for_none(written: Write, relation_rows: list[dict[str, Any]]) -> None:
    rows = [
        *relation_rows,
        relation_rows[0] | {"text": "ann , oslo !!", "tail": {"start": 6, "end": 10}, "label": "no_relation"},
    ]
    path = written("all.jsonl", rows)
    found = read_data("relations", "mine", [path, path], ProbeConfig(), quietly)
    assert found.train[0].spans == ((0, 3), (13, 17)) and found.train[0].labels == ("works at",)
    assert found.no_label == "no_relation" and len(found.train) == 25
    few_shot = read_data("few_shot", "mine", [path], ProbeConfig(way=4), quietly)
    assert len(few_shot.train) == 24 and few_shot.test == [] and few_shot.no_label is None


def test_the_label_for_no_relation_may_be_in_one_file_only(written: Write, relation_rows: list[dict[str, Any]]) -> None:
    """That of the training file counts first; the limit of texts has no influence."""

    def no_label_of(train: str, test: str, **settings: Any) -> str | None:
        files = (written("train.jsonl", [*relation_rows, relation_rows[0] | {"label": train}]),)
        files += (written("test.jsonl", [*relation_rows, relation_rows[0] | {"label": test}]),)
        return read_data("relations", "mine", files, ProbeConfig(**settings), quietly).no_label

    assert no_label_of("works at", "no_relation") == no_label_of("no_relation", "works at") == "no_relation"
    assert no_label_of("Other", "no_relation") == "Other", "no_relation is then a label that was not learned"
    assert no_label_of("works at", "works at") is None
    for seed in range(3):
        assert no_label_of("works at", "NA", max_texts=12, seed=seed) == "NA"


def test_one_file_is_split_by_text_and_a_folder_has_both(written: Write, typing_rows: list[dict[str, Any]]) -> None:
    path = written("train.jsonl", typing_rows)
    lines: list[str] = []
    found = read_data("typing", "mine", [path], ProbeConfig(), lines.append)
    assert not {example.text for example in found.train} & {example.text for example in found.test}
    assert len(found.train) + len(found.test) == 20 and 4 <= len(found.test) <= 6
    assert any(f"{len(found.test)} examples of 20 are held out for the test, by texts" in line for line in lines)
    written("test.jsonl", typing_rows[:2])
    both = read_data("typing", "mine", [path.parent], ProbeConfig(), quietly)
    assert len(both.train) == 20 and len(both.test) == 2
    assert sorted(Path(name).name for name in both.facts["files"]) == ["test.jsonl", "train.jsonl"]


def test_documents_are_held_out_whole(written: Write, typing_rows: list[dict[str, Any]]) -> None:
    rows = [row | {"doc": str(number // 4)} for number, row in enumerate(typing_rows)]
    found = read_data("typing", "mine", [written("all.jsonl", rows)], ProbeConfig(), quietly)
    train, test = ({example.metadata["doc"] for example in part} for part in (found.train, found.test))
    assert not train & test and len(train | test) == 5


@pytest.mark.parametrize(("doc", "said"), [("a", "by texts, because all are in one document"), (None, "by texts")])
def test_texts_are_held_out_if_no_documents_differ(
    written: Write, typing_rows: list[dict[str, Any]], doc: str | None, said: str
) -> None:
    """The same texts as if no row named a document. `null` names none."""
    lines: list[str] = []
    path = written("all.jsonl", [row | {"doc": doc} for row in typing_rows])
    found = read_data("typing", "mine", [path], ProbeConfig(), lines.append)
    plain = read_data("typing", "mine", [written("plain.jsonl", typing_rows)], ProbeConfig(), quietly)
    assert [each.text for each in found.test] == [each.text for each in plain.test]
    assert lines == [f"{path}: {len(found.test)} examples of 20 are held out for the test, {said}"]


def test_texts_are_held_out_if_some_rows_name_no_document(written: Write, typing_rows: list[dict[str, Any]]) -> None:
    """Otherwise, the rows without a document would be one document."""
    rows = [row | {"doc": "a" if number < 4 else None} for number, row in enumerate(typing_rows)]
    found = read_data("typing", "mine", [written("all.jsonl", rows)], ProbeConfig(), quietly)
    plain = read_data("typing", "mine", [written("plain.jsonl", typing_rows)], ProbeConfig(), quietly)
    assert [each.text for each in found.test] == [each.text for each in plain.test]


def test_a_file_that_cannot_be_split_is_named_with_a_way_out(written: Write, typing_rows: list[dict[str, Any]]) -> None:
    mentions = [{"start": 0, "end": 3, "label": "person"}, {"start": 13, "end": 17, "label": "place"}]
    one = written("one.jsonl", [{"id": "s", "text": "ann lives in oslo", "mentions": mentions}])
    way_out = r"expected a part for the test and one to learn from; name a test file \(typing.mine=TRAIN,TEST\)"
    with pytest.raises(DataError, match=rf"one.jsonl: cannot split 0.25 off 2 records in 1 group by texts, {way_out}"):
        read_data("typing", "mine", [one], ProbeConfig(), quietly)
    with pytest.raises(DataError, match=r"one.jsonl: cannot split .* name a test file \(mention_types.mine=TRAIN,TEST\)"):
        read_data("mention_types", "mine", [one], ProbeConfig(), quietly)
    few = written("few.jsonl", typing_rows[:4])
    with pytest.raises(DataError, match=r"few.jsonl: cannot split 0.9 off 4 records in 2 groups .* or change test_fraction"):
        read_data("typing", "mine", [few], ProbeConfig(test_fraction=0.9), quietly)
    two = written("two.jsonl", [row | {"doc": str(number % 2)} for number, row in enumerate(typing_rows)])
    with pytest.raises(
        DataError, match=r"two.jsonl: cannot split 0.9 off 20 records in 2 groups by documents, .*test_fraction"
    ):
        read_data("typing", "mine", [two], ProbeConfig(test_fraction=0.9), quietly)


def test_the_number_of_texts_is_limited_and_said(written: Write, typing_rows: list[dict[str, Any]]) -> None:
    path = written("all.jsonl", typing_rows)
    lines: list[str] = []
    found = read_data("typing", "mine", [path, path], ProbeConfig(max_texts=3), lines.append)
    assert len({example.text for example in found.train}) == 3 and len(found.train) == 6
    assert "typing.mine: 6 of 20 train examples are used: max_texts=3" in lines
    assert found.facts["train_in_file"] == 20
    again = read_data("typing", "mine", [path, path], ProbeConfig(max_texts=3), quietly)
    assert again.train == found.train and again.test == found.test


def test_a_limit_keeps_enough_sentences_of_each_relation(written: Write, relation_rows: list[dict[str, Any]]) -> None:
    path = written("all.jsonl", relation_rows)
    config = ProbeConfig(max_texts=8, shots=[1, 2], way=4)
    found = read_data("few_shot", "mine", [path], config, quietly)
    assert [len([e for e in found.train if e.labels == (label,)]) for label in ("works at", "lives in", "is at", "and")] == [
        3
    ] * 4


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"id": "1", "text": "ann", "mentions": []}], "found no labelled mention"),
        ([{"id": "1", "text": "ann", "mentions": [{"start": 0, "end": 3, "label": "x"}]}], r"found one label .*\(x\)"),
    ],
)
def test_nothing_to_learn_is_an_error_with_the_file(written: Write, rows: list[Any], message: str) -> None:
    path = written("poor.jsonl", rows)
    with pytest.raises(DataError, match=rf"poor.jsonl: {message}"):
        read_data("mention_types", "mine", [path, path], ProbeConfig(), quietly)


def test_a_file_without_relations_is_an_error_that_says_so(written: Write) -> None:
    path = written("ner.jsonl", [{"id": "1", "text": "ann", "mentions": [{"start": 0, "end": 3, "label": "x"}]}])
    for probe in ("few_shot", "relations"):
        with pytest.raises(DataError, match=r"ner.jsonl: found no labelled relation, expected some"):
            read_data(probe, "mine", [path], ProbeConfig(), quietly)


def test_a_wrong_number_of_files_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"few_shot.mine: found 2 files, expected one file"):
        read_data("few_shot", "mine", [tmp_path, tmp_path], ProbeConfig(), quietly)
    with pytest.raises(ConfigurationError, match=r"typing.mine: found 3 files, expected TRAIN,TEST"):
        read_data("typing", "mine", [tmp_path] * 3, ProbeConfig(), quietly)


def test_a_format_that_a_probe_does_not_read_names_the_data_set(written: Write, typing_rows: list[dict[str, Any]]) -> None:
    """The setting holds for the data sets of all probes that have the name."""
    path = written("all.jsonl", typing_rows)
    config = ProbeConfig(typing={"x": [path]}, formats={"x": "conll"})
    with pytest.raises(ConfigurationError, match=r"^typing.x: unknown format 'conll'; this task reads [-\w, ]+$"):
        read_data("typing", "x", [path], config, quietly)
    config = ProbeConfig(typing={"x": [path]}, mention_types={"x": [path]}, formats={"x": "conll"})
    way_out = r"formats.x is the format of typing.x and mention_types.x; if theirs differ, give them different names$"
    with pytest.raises(ConfigurationError, match=rf"^typing.x: unknown format 'conll'; this task reads [-\w, ]+; {way_out}"):
        read_data("typing", "x", [path], config, quietly)

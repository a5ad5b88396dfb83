"""Annotated texts: what they refuse, and their files."""

from __future__ import annotations

import gzip
import json
import os
import tempfile
import threading
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.corpus.annotated_text import (
    AnnotatedText,
    Mention,
    in_code_points,
    read_annotated_texts,
    unread_files,
    write_annotated_texts,
)
from loreweave.errors import DataError

TOKYO = AnnotatedText(
    "t1",
    "Tokyo is big.",
    (Mention(0, 5, "Tokyo", "LOC"), Mention(9, 12), Mention(0, 5, labels=("city", "capital"))),
    "en",
    {"paragraphs": [[0, 13, "p"]], "é": None},
)
PLAIN = AnnotatedText("t2", "\U0001f600 plain")


@pytest.mark.parametrize("span", [(-1, 2), (2, 2), (3, 1), (0, 1.0), ("0", 1), (True, 2)])
def test_a_mention_must_hold_characters(span: tuple[int, int]) -> None:
    with pytest.raises(DataError):
        Mention(*span)


def test_a_mention_must_lie_in_its_text() -> None:
    assert AnnotatedText("a", "abc", (Mention(0, 3),)).mentions[0].end == 3
    with pytest.raises(DataError, match=r"\(0, 4\) in a text of 3"):
        AnnotatedText("a", "abc", (Mention(0, 4),))


def test_title_is_the_id_unless_metadata_says() -> None:
    assert TOKYO.title == "t1"
    assert AnnotatedText("a", "b", metadata={"title": "Tokyo"}).title == "Tokyo"
    assert AnnotatedText("a", "b", metadata={"title": None}).title == "a"


@pytest.mark.parametrize("paragraphs", [[[0, 99]], [[3, 1]], [[0, 5], [4, 6]], [["0", 5]], ["ab"], [[0]], 5, "ab", {}])
def test_paragraphs_are_spans_of_the_text_in_order(paragraphs: object) -> None:
    with pytest.raises(DataError, match=r"field 'metadata.paragraphs': found .*, expected "):
        AnnotatedText("a", "w0 w1 w2 w3", metadata={"paragraphs": paragraphs})
    for fine in (None, [], [[0, 5], [5, 11, "p"]], ((0, 0),)):
        AnnotatedText("a", "w0 w1 w2 w3", metadata={"paragraphs": fine})


@pytest.mark.parametrize("name", ["texts.jsonl", "texts.jsonl.xz", "texts.parquet"])
def test_files_round_trip(tmp_path: Path, name: str) -> None:
    assert write_annotated_texts(tmp_path / name, iter([TOKYO, PLAIN])) == 2
    assert list(read_annotated_texts(tmp_path / name)) == [TOKYO, PLAIN]
    assert list(read_annotated_texts(tmp_path)) == [TOKYO, PLAIN]


def test_a_folder_is_read_in_order_of_name(tmp_path: Path) -> None:
    write_annotated_texts(tmp_path / "b.jsonl", [TOKYO])
    write_annotated_texts(tmp_path / "a.parquet", [PLAIN])
    (tmp_path / "readme.txt").write_text("x")
    assert [text.id for text in read_annotated_texts(tmp_path)] == ["t2", "t1"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no text file"):
        list(read_annotated_texts(tmp_path / "empty"))


def test_a_folder_of_json_in_any_layout(tmp_path: Path) -> None:
    """Also compressed; what describes a data set is no text, and what else is left out is named."""
    rows = [TOKYO.to_dict(), PLAIN.to_dict()]
    (tmp_path / "a.json").write_text(json.dumps(rows, indent=1))
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(json.dumps({"data": [{**rows[0], "id": "t3"}]}).encode()))
    (tmp_path / "C.JSONL").write_text(json.dumps({**rows[1], "id": "t4"}))
    write_annotated_texts(tmp_path / "d.jsonl", [AnnotatedText("t5", "last")])
    for name in ("manifest.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", ".x.json"):
        (tmp_path / name).write_text('{"features": {}}' if name == "dataset_info.json" else "{}")
    (tmp_path / "README.md").write_text("x")
    assert sorted(text.id for text in read_annotated_texts(tmp_path)) == ["t1", "t2", "t3", "t4", "t5"]
    assert unread_files(tmp_path) == [] == unread_files(tmp_path / "a.json")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "more.json").mkdir()
    assert unread_files(tmp_path) == ["more.json/", "notes.txt"]
    (tmp_path / "e.json").write_text('{"key": 1}')
    with pytest.raises(DataError, match=r"e.json, line 1: found the unknown key 'key'"):
        list(read_annotated_texts(tmp_path))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "a", "text": "b", "mention": []}, "'mention'; did you mean 'mentions'"),
        ({"id": "a", "text": "b", "title": "c"}, "key 'title'; put it into 'metadata': {\"metadata\": {\"title\": ...}}"),
        ({"id": "a", "text": "b", "mentions": [{"start": 0, "end": 1, "title": "c"}]}, "'title', expected one of start"),
        ({"id": "a"}, "field 'text': found no 'text'"),
        ({"text": "b"}, "field 'id': found no 'id', expected a string that names the text"),
        ({"id": 3, "text": "b"}, "field 'id': found 3"),
        ({"id": "a", "text": "b", "language": 1}, "field 'language'"),
        ({"id": "a", "text": "b", "mentions": {"start": 0}}, "expected a list"),
        ({"id": "a", "text": "b", "mentions": [[0, 1]]}, "expected an object"),
        ({"id": "a", "text": "b", "mentions": [{"start": 0, "end": 2}]}, "text of 1 character"),
        ({"id": "a", "text": "b", "mentions": [{"start": 0, "end": 1, "entity": 5}]}, "mentions.entity"),
        ({"id": "a", "text": "b", "mentions": [{"start": 0, "end": 1, "entity": ""}]}, "'mentions.entity': found '', expected"),
        ({"id": "a", "text": "b", "mentions": [{"start": 0, "end": 1, "entity": "\u00a0 "}]}, "expected a title"),
        ({"id": "a", "text": "b", "mentions": [{"start": 0, "end": 1, "label": ""}]}, "'mentions.label': found the labels ''"),
        ({"id": "a", "text": "b", "mentions": [{"start": 0, "end": 1, "labels": ["x", " "]}]}, "expected names"),
        ({"id": "a", "text": "b", "mentions": [{"start": 0, "end": 1, "labels": [0.5]}]}, "found [0.5], expected a list"),
        ({"id": "a", "text": "b", "mentions": [{"start": 0, "end": 1, "labels": "x"}]}, "field 'mentions.labels': found 'x'"),
        ({"id": "a", "text": "bc", "mentions": [{"start": 0, "end": 1, "text": "c"}]}, "field 'mentions.text': found 'c'"),
        ({"id": "a", "text": "b", "metadata": []}, "field 'metadata'"),
        ({"id": "a", "text": "b", "metadata": {"paragraphs": 5}}, "paragraphs': found a number, expected a list"),
        ({"id": "a", "text": "b", "metadata": {"paragraphs": [[0, 2]]}}, "the paragraph [0, 2], expected [start, end]"),
    ],
)
def test_wrong_rows_name_file_line_and_field(tmp_path: Path, row: dict, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"id": "ok", "text": ""}) + "\n" + json.dumps(row))
    with pytest.raises(DataError, match=r"a\.jsonl, line 2: ") as caught:
        list(read_annotated_texts(path))
    assert message in str(caught.value)


def test_a_file_that_is_no_parquet(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("no")
    with pytest.raises(DataError, match="no Parquet"):
        list(read_annotated_texts(tmp_path / "a.parquet"))


LABELS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda label: bool(label.strip()))


@given(st.none() | LABELS, st.lists(LABELS, max_size=4))
def test_all_labels_of_a_mention_are_kept_once_in_files_of_both_kinds(label: str | None, labels: list[str]) -> None:
    mention = Mention(0, 1, None, label, tuple(labels))
    assert mention.types == tuple(dict.fromkeys([label, *labels] if label is not None else labels))
    assert mention.label == next(iter(mention.types), None) and len(mention.labels) != 1
    text = AnnotatedText("x", "a", (mention, Mention(0, 1)))
    assert AnnotatedText.from_dict(json.loads(json.dumps(text.to_dict()))) == text
    with tempfile.TemporaryDirectory() as folder:
        write_annotated_texts(Path(folder) / "a.parquet", [text])
        assert list(read_annotated_texts(Path(folder) / "a.parquet")) == [text]


def test_files_of_before_there_were_several_labels(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    row = {"id": "a", "text": "x", "mentions": [{"start": 0, "end": 1, "entity": None, "label": "PER"}]}
    parquet.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    assert next(read_annotated_texts(tmp_path / "a.parquet")).mentions == (Mention(0, 1, label="PER"),)


def test_the_text_of_a_mention_is_compared_and_not_kept() -> None:
    row = {"id": "a", "text": "\N{GRINNING FACE} Mia left", "mentions": [{"start": 2, "end": 5, "text": "mia", "label": "PER"}]}
    assert "text" not in AnnotatedText.from_dict(row).to_dict()["mentions"][0]
    row["mentions"] = [{"start": 3, "end": 6, "surface": "Mia"}]
    with pytest.raises(DataError, match=r"field 'mentions.surface': .* UTF-16 code units"):
        AnnotatedText.from_dict(row)


@given(st.text(), st.data())
def test_json_round_trips_any_text(text: str, data: st.DataObject) -> None:
    starts = st.integers(0, max(0, len(text) - 1))
    mentions = []
    for start in data.draw(st.lists(starts, max_size=3)) if text else []:
        end = data.draw(st.integers(start + 1, len(text)))
        mentions.append(Mention(start, end, data.draw(st.none() | LABELS), data.draw(st.none() | LABELS)))
    annotated = AnnotatedText("x", text, tuple(mentions))
    assert AnnotatedText.from_dict(json.loads(json.dumps(annotated.to_dict()))) == annotated


def test_broken_metadata_in_parquet_is_named(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    rows = [{"id": "a", "text": "x", "metadata": "{}"}, {"id": "b", "text": "y", "metadata": "{no"}]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet, line 2: field 'metadata': found broken JSON"):
        list(read_annotated_texts(tmp_path / "a.parquet"))


@pytest.mark.parametrize("place", ['"mentions": [], "mentions": [{}]', '"mentions": [{"start": 0, "end": 1, "end": 2}]'])
def test_a_key_that_stands_twice_is_refused(place: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "a", "text": "ab"}\n{"id": "b", "text": "ab", ' + place + "}\n")
    with pytest.raises(DataError, match=r"a\.jsonl, line 2: found the key '(mentions|end)' twice in one object"):
        list(read_annotated_texts(path))


def test_a_number_that_json_has_not_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "a", "text": "ab", "metadata": {"weight": NaN}}\n')
    with pytest.raises(DataError, match=r"a\.jsonl, line 1: found NaN, which is not JSON"):
        list(read_annotated_texts(tmp_path / "a.jsonl"))


def test_the_characters_inside_mentions() -> None:
    text = AnnotatedText("1", "a bc de", (Mention(2, 4), Mention(3, 6)))
    assert list(text.inside_mentions()) == [0, 0, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("layout", ["list", "spread list", "wrapper", "one object", "spread objects"])
def test_json_in_any_layout(layout: str, tmp_path: Path) -> None:
    rows = [TOKYO.to_dict(), PLAIN.to_dict()]
    written = {
        "list": json.dumps(rows),
        "spread list": json.dumps(rows, indent=1),
        "wrapper": json.dumps({"data": rows}, indent=1),
        "one object": json.dumps(rows[0]),
        "spread objects": "\n".join(json.dumps(row, indent=1) for row in rows),
    }
    (tmp_path / "texts.json").write_text(written[layout])
    assert list(read_annotated_texts(tmp_path / "texts.json")) == [TOKYO, PLAIN][: 1 if layout == "one object" else 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"id": "a", "text": "b"}, {"id": "c"}]', "texts.json, record 2: field 'text': found no 'text'"),
        ('[{"id": "a", "text": "b"}, ["c"]]', "texts.json, record 2: found a list, expected an object"),
        ('{"data": [{"id": 3, "text": "b"}]}', "texts.json, record 1: field 'id': found 3"),
        ('[{"id": "a", "text": "b"},', "texts.json, line 1: found broken JSON"),
        ('{"id": "a", "text": "b"}\n{"id": "a"\n', "texts.json, line 2: found broken JSON"),
    ],
)
def test_the_place_in_a_file_of_another_layout(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "texts.json").write_text(content)
    with pytest.raises(DataError) as caught:
        list(read_annotated_texts(tmp_path / "texts.json"))
    assert message in str(caught.value)


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    """As in `loreweave build entity-vocab <(zcat pages.jsonl.gz)`."""
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=write_rows, args=(tmp_path / "pipe",))
    writer.start()
    assert list(read_annotated_texts(tmp_path / "pipe")) == [TOKYO, PLAIN]
    writer.join()


def write_rows(path: Path) -> None:
    path.write_text("".join(json.dumps(text.to_dict()) + "\n" for text in (TOKYO, PLAIN)))


def test_lines_are_streamed(tmp_path: Path) -> None:
    """The first text comes before the broken third line is read."""
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(text.to_dict()) + "\n" for text in (TOKYO, PLAIN)) + "{\n")
    texts = read_annotated_texts(path)
    assert [next(texts), next(texts)] == [TOKYO, PLAIN]
    with pytest.raises(DataError, match="line 3: found broken JSON"):
        next(texts)


def test_offsets_in_utf16_are_converted() -> None:
    """Converted by the codec to UTF-16 and back by the reader; an offset inside a character is refused."""
    random = Random(0)
    for _ in range(100):
        text = "".join(random.choices("ab日\U0001f600\U00010000", k=random.randint(1, 20)))
        units = [len(text[:place].encode("utf-16-le")) // 2 for place in range(len(text) + 1)]
        spans = [tuple(random.choices(range(len(text) + 1), k=2)) for _ in range(9)]
        row = {"id": "1", "text": text, "mentions": [{"start": units[start], "end": units[end]} for start, end in spans]}
        assert [(found["start"], found["end"]) for found in in_code_points(row)["mentions"]] == spans
        for place in set(range(units[-1])) - set(units):
            with pytest.raises(DataError, match=f"field 'mentions.end': found {place}, expected a place between characters"):
                in_code_points({**row, "mentions": [{"start": 0, "end": place}]})

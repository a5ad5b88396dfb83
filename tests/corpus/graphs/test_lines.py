"""Lines of triples, texts and names: what is read, and what is counted as wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.corpus.graphs.lines import (
    Ids,
    LeftOut,
    find_file,
    find_splits,
    need_file,
    read_table,
    read_texts,
    read_triples,
    split_names,
)
from loreweave.errors import DataError

NO_BREAKS = st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n\ufeff")
IDS = st.text(NO_BREAKS, min_size=1, max_size=8).filter(lambda text: text == text.strip())
LINES = st.text(st.sampled_from("aé \t\u2028\x00\ufeff"), max_size=8)


def written(folder: Path, text: str) -> Path:
    path = folder / "file.tsv"
    path.write_bytes(text.encode())
    return path


# ---- triples ---------------------------------------------------------------------------------------------------------


@given(triples=st.lists(st.tuples(IDS, IDS, IDS)), end=st.sampled_from(["\n", "\r\n"]), last=st.booleans())
def test_triples_come_back_as_they_were_written(triples: list[tuple[str, str, str]], end: str, last: bool) -> None:
    text = end.join("\t".join(triple) for triple in triples) + (end if last else "")
    with TemporaryDirectory() as folder:
        rows = list(read_triples(written(Path(folder), text), LeftOut()))
    assert [row[1:] for row in rows] == triples
    assert [row[0] for row in rows] == list(range(1, len(triples) + 1))


@given(st.lists(LINES))
def test_every_line_is_a_triple_or_blank_or_counted(lines: list[str]) -> None:
    left_out = LeftOut(skip_bad=True)
    text = "\n".join(lines) + "\n"
    with TemporaryDirectory() as folder:
        path = written(Path(folder), text)
        rows = list(read_triples(path, left_out))
        lines = path.read_text(encoding="utf-8-sig").split("\n")[:-1]
        blank = sum(not line.strip() for line in lines)
        assert len(rows) + blank + left_out.counts["malformed triple"] == len(lines)
        for number, *triple in rows:
            cells = [cell.strip() for cell in lines[number - 1].split("\t")]
            assert cells == triple and all(cells)
        if left_out.counts:
            with pytest.raises(DataError, match="file.tsv, line"):
                list(read_triples(path, LeftOut()))


@pytest.mark.parametrize("line", ["a\tb", "a b c", "a\tb\tc\td", "a\t\tc", "\tb\tc", "a\tb\t \t", "a\tb\tc\t"])
def test_a_malformed_triple_is_named(line: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"a\tb\tc\n\n{line}\nd\te\tf\n")
    with pytest.raises(DataError, match=r"file.tsv, line 3: found .*, expected head<TAB>relation<TAB>tail"):
        list(read_triples(path, LeftOut()))
    left_out = LeftOut(skip_bad=True)
    assert [row[0] for row in read_triples(path, left_out)] == [1, 4]
    assert left_out.counts == {"malformed triple": 1}


def test_spaces_around_ids_do_not_make_other_ids(tmp_path: Path) -> None:
    assert list(read_triples(written(tmp_path, "\ufeff a \tb\t c\r\n"), LeftOut())) == [(1, "a", "b", "c")]


def test_bytes_that_are_not_utf8_are_named(tmp_path: Path) -> None:
    path = tmp_path / "file.tsv"
    path.write_bytes(b"a\tb\tc\na\t\xff\tc\n")
    with pytest.raises(DataError, match=r"file.tsv, line 2: found bytes that are not UTF-8"):
        list(read_triples(path, LeftOut(skip_bad=True)))


# ---- texts -----------------------------------------------------------------------------------------------------------


def test_texts_keep_their_tabs(tmp_path: Path) -> None:
    path = written(tmp_path, "Q1\tone\ttwo \n\nQ2\t\nQ3\ta\u2028b\n")
    assert list(read_texts(path, LeftOut())) == [(1, "Q1", "one\ttwo"), (3, "Q2", ""), (4, "Q3", "a\u2028b")]


@given(st.lists(st.tuples(IDS, st.text(NO_BREAKS | st.just("\t"), max_size=20))))
def test_texts_come_back(rows: list[tuple[str, str]]) -> None:
    with TemporaryDirectory() as folder:
        path = written(Path(folder), "".join(f"{id}\t{text}\n" for id, text in rows))
        assert [row[1:] for row in read_texts(path, LeftOut())] == [(id, text.strip()) for id, text in rows]


def test_a_text_that_a_line_break_cut_in_two_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "Q1\tbegins\nand ends here\n\tno id\nQ2\tx\n")
    with pytest.raises(DataError, match=r"line 2: found 'and ends here', expected id<TAB>text"):
        list(read_texts(path, LeftOut()))
    left_out = LeftOut(skip_bad=True)
    assert [id for _, id, _ in read_texts(path, left_out)] == ["Q1", "Q2"]
    assert left_out.counts == {"malformed text": 2}
    assert list(read_texts(written(tmp_path, "Q1\n"), LeftOut(), bare_ids=True)) == [(1, "Q1", "")]


def test_tables_keep_empty_cells(tmp_path: Path) -> None:
    path = written(tmp_path, "Q1\t\tdescription\tmore\nQ2\tlabel\t\n\nQ3\tlabel\n\ta\tb\n")
    left_out = LeftOut(skip_bad=True)
    assert list(read_table(path, left_out, 3)) == [(1, ["Q1", "", "description"]), (2, ["Q2", "label", ""])]
    assert left_out.counts == {"malformed row": 2}
    with pytest.raises(DataError, match="line 4: .*expected an id and 2 cells"):
        list(read_table(path, LeftOut(), 3))


def test_names_without_empty_ones() -> None:
    assert split_names(" a \t\tb c\t") == ["a", "b c"]
    assert split_names("") == []


# ---- what is left out ------------------------------------------------------------------------------------------------


def test_wrong_rows_are_listed(tmp_path: Path) -> None:
    with LeftOut(tmp_path / "list.jsonl", skip_bad=True) as left_out:
        left_out.note("by rule", 2)
        left_out.note("never", 0)
        assert not (tmp_path / "list.jsonl").exists()
        left_out.bad("wrong", "found 'é'", tmp_path / "a.tsv", 7)
        left_out.bad("wrong", "found 'b'", tmp_path / "a.tsv")
    assert left_out.counts == {"by rule": 2, "wrong": 2}
    rows = [json.loads(line) for line in (tmp_path / "list.jsonl").read_text().splitlines()]
    assert rows[0] == {"reason": "wrong", "file": "a.tsv", "line": 7, "message": "found 'é'"}
    assert rows[1]["line"] is None


# ---- files and ids ---------------------------------------------------------------------------------------------------


def test_splits_by_any_usual_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found no train.tsv or train.txt"):
        find_splits(tmp_path)
    for name in ("train.tsv", "dev.txt", "ind-train.tsv", "train2.tsv"):
        (tmp_path / name).touch()
    with gzip.open(tmp_path / "test.txt.gz", "wt"):
        pass
    found = {split: path.name for split, path in find_splits(tmp_path).items()}
    assert found == {"train": "train.tsv", "valid": "dev.txt", "test": "test.txt.gz"}
    assert list(find_splits(tmp_path, "ind-")) == ["train"]
    (tmp_path / "valid.tsv").touch()
    with pytest.raises(DataError, match=r"found valid.tsv and dev.txt, expected one of them"):
        find_splits(tmp_path)


def test_files_by_name(tmp_path: Path) -> None:
    assert find_file(tmp_path, "a.txt") is None
    with pytest.raises(DataError, match=r"found no a.txt or b.txt \(nor one with .gz, .xz, .bz2\)"):
        need_file(tmp_path, "a.txt", "b.txt")
    (tmp_path / "b.txt.xz").touch()
    assert need_file(tmp_path, "a.txt", "b.txt").name == "b.txt.xz"
    (tmp_path / "b.txt").touch()
    with pytest.raises(DataError, match=r"found b.txt and b.txt.xz"):
        find_file(tmp_path, "b.txt")


def test_open_and_closed_ids() -> None:
    ids = Ids()
    assert [ids["a"], ids["b"], ids["a"], ids.get("c"), len(ids)] == [0, 1, 0, None, 2]
    closed = Ids({"a": 0})
    assert closed["a"] == 0
    with pytest.raises(KeyError):
        _ = closed["b"]

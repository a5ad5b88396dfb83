"""Graphs in tables: which columns are taken, and how a header is told from a triple."""

from __future__ import annotations

from pathlib import Path

import pytest
from graph_files import Build, write

from loreweave.corpus.graphs.columns import Role, parse_columns, read_text_table, read_triple_table
from loreweave.corpus.graphs.lines import LeftOut
from loreweave.corpus.graphs.triple_files import triples
from loreweave.errors import ConfigurationError, DataError

MADAME = ("Curie, Marie", "born in", "Warsaw")


def rows_of(path: Path, columns: str | None = None, left_out: LeftOut | None = None) -> list[tuple[str, str, str]]:
    chosen = parse_columns(columns) if columns else None
    return [row[1:] for row in read_triple_table(path, left_out or LeftOut(), chosen)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", 'subject,predicate,object\n"Curie, Marie",born in,Warsaw\n'),
        ("a.csv", '\ufeffhead;relation;tail\r\n"Curie, Marie";born in;Warsaw\r\n'),
        ("a.csv", 'h|r|t\n"Curie, Marie"|born in|Warsaw\n\n'),
        ("a.csv.gz", '"Source","Target","Relation Type"\n"Curie, Marie","Warsaw","born in"\n'),
        ("a.csv", '"Curie, Marie",born in,Warsaw\n'),
        ("a.csv", 'head,how,tail\n"Curie, Marie",born in,Warsaw\n'),
        ("a.csv", 'subject_label,predicate,object_id,since\n"Curie, Marie",born in,Warsaw,1867\n'),
        ("a.tsv", "Curie, Marie\tborn in\tWarsaw\n"),
        ("a.tsv", "Subject\tPredicate\tObject\nCurie, Marie\tborn in\tWarsaw\n"),
        ("a.txt", 'tail\thead\trelation\nWarsaw\t"Curie, Marie"\tborn in\n'),
    ],
)
def test_a_header_is_recognised_and_says_the_order(name: str, text: str, tmp_path: Path) -> None:
    assert rows_of(write(tmp_path, {name: text}) / name) == [MADAME]


@pytest.mark.parametrize(
    "text",
    [
        "e1\tr\te2\n",
        "s\tr\to\n",
        "node1\tedge1\tnode2\n",
        "from\tmeans\tword\n",
        "source\trelation\ttarget\nsource\tis\triver\n",
    ],
)
def test_a_triple_is_no_header(text: str, tmp_path: Path) -> None:
    for name, found in (("a.tsv", text), ("a.csv", text.replace("\t", ","))):
        rows = rows_of(write(tmp_path, {name: found}) / name)
        assert rows == [tuple(line.split("\t")) for line in text.splitlines()]


def test_what_is_not_chosen_is_counted(tmp_path: Path) -> None:
    path = write(tmp_path, {"a.csv": "subject,predicate,object,date\na,r,b,1\na,s,c,2\n"}) / "a.csv"
    left_out = LeftOut()
    assert len(rows_of(path, left_out=left_out)) == 2
    assert dict(left_out.counts) == {"cells of the column 'date'": 2}
    assert dict(left_out.changes) == {"header row read as head=subject, relation=predicate, tail=object": 1}


def test_quotes_hold_delimiters_quotes_and_line_breaks(tmp_path: Path) -> None:
    text = 'head,relation,tail,note\n"a ""b"", c",r,z,"two\nlines"\nx,r,y,\n'
    path = write(tmp_path, {"a.csv": text}) / "a.csv"
    assert list(read_triple_table(path, LeftOut())) == [(2, 'a "b", c', "r", "z"), (4, "x", "r", "y")]


def test_quotes_between_tabs_are_a_programs_or_parts_of_ids(tmp_path: Path) -> None:
    """As in all tables with tabs: of a program if it doubled quotes inside. Then the output says so."""
    own = 'head\trelation\ttail\n"Heroes"\tby\tBowie\nHeroes\tby\tShinoda\n'
    programs = 'head\trelation\ttail\n"The ""Heroes"""\tby\t"Bowie"\n'
    write(tmp_path, {"own.tsv": own, "programs.tsv": programs, "names.tsv": 'key\tlabel\n"Heroes"\tan album\n'})
    left_out = LeftOut()
    assert rows_of(tmp_path / "own.tsv", left_out=left_out) == [('"Heroes"', "by", "Bowie"), ("Heroes", "by", "Shinoda")]
    assert list(left_out.changes) == ["header row read as head=head, relation=relation, tail=tail"]
    assert rows_of(tmp_path / "programs.tsv", left_out=left_out) == [('The "Heroes"', "by", "Bowie")]
    assert left_out.changes["files with tabs whose cells are in quotes, read without these quotes"] == 1
    columns = parse_columns("id=key,name=label")
    assert list(read_text_table(tmp_path / "names.tsv", "name", LeftOut(), columns)) == [(2, '"Heroes"', "an album")]


def test_an_id_with_a_line_break_is_refused_by_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, {"a.csv": 'head,relation,tail\nx,r,y\na,r,"two\nlines"\n'}) / "a.csv"
    with pytest.raises(DataError, match=r"a.csv, line 3: found the tail 'two\\nlines', expected an id without tabs and line"):
        rows_of(path)
    left_out = LeftOut(skip_bad=True)
    assert rows_of(path, left_out=left_out) == [("x", "r", "y")] and left_out.counts["malformed triple"] == 1


def test_columns_by_name_and_by_number(tmp_path: Path) -> None:
    text = "date,who,what,how\n1867,a,b,r\n"
    path = write(tmp_path, {"a.csv": text, "b.tsv": "1867\ta\tb\tr\n"}) / "a.csv"
    assert rows_of(path, "head=who,relation=how,tail=WHAT") == [("a", "r", "b")]
    assert rows_of(tmp_path / "b.tsv", "head=2,relation=4,tail=3") == [("a", "r", "b")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("7\t1\t0\n8\t1\t0\n", [("7", "0", "1"), ("8", "0", "1")]),  # a cell equals the number of a column
        ("3\t2\t1\n3\t4\t0\n", [("3", "1", "2"), ("3", "0", "4")]),  # all cells do, but one occurs again
        ("3\t2\t1\n5\t6\t7\n", [("7", "5", "6")]),  # a first row that can be a header, as before
    ],
)
def test_numbers_of_columns_are_no_cells(text: str, found: list[tuple[str, str, str]], tmp_path: Path) -> None:
    """The layout of OpenKE, with numbers as ids."""
    path = write(tmp_path, {"a.tsv": text}) / "a.tsv"
    assert rows_of(path, "head=1,relation=3,tail=2") == found


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("who,how,what\na,r,b\n", "head=wo,relation=how,tail=what", r"csv, line 1: .*no column 'wo'.*did you mean head=who\?"),
        ("who,how,what\na,r,b\n", "head=1,relation=2,tail=9", "found the number 9, expected 1 to 3"),
        ("who,how,what,when\na,r,b,1\n", None, "line 1: found 4 columns.*'who', 'how'.*--columns head=NAME"),
        ("who,what\na,b\n", None, "found 2 columns.*--columns"),
        ("head,relation,tail\na,r,b\na,r\n", None, "line 3: found 2 columns, expected 3"),
        ("head,relation,tail\na,r,b\na, ,c\n", None, "line 3: found an empty relation"),
        ('head,relation,tail\na,r,b\n"c,r,d\ne,r,f\n', None, "line 3: found a row that is not valid CSV"),
    ],
)
def test_wrong_tables_are_named(text: str, columns: str | None, message: str, tmp_path: Path) -> None:
    path = write(tmp_path, {"a.csv": text}) / "a.csv"
    with pytest.raises(DataError, match=message):
        rows_of(path, columns)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("head", "expected e.g. head=subject"),
        ("head=a,relatoin=b,tail=c", "found the role 'relatoin'; did you mean 'relation'"),
        ("head=a,tail=c", "found no relation"),
        ("head=a,relation=b,tail=a", "found the column 'a' for head and for tail"),
    ],
)
def test_wrong_columns_are_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=message):
        triples(write(tmp_path, {"train.csv": "a,b,c\n"}), columns=text)


def test_a_first_row_that_stands_alone_is_a_warning(tmp_path: Path) -> None:
    body = "".join(f"e{row}\tr\te{row + 1}\n" for row in range(12))
    for header, warned in (("who\thow\twhom\n", True), ("e3\thow\twhom\n", False), ("", False)):
        left_out = LeftOut()
        assert len(rows_of(write(tmp_path, {"a.tsv": header + body}) / "a.tsv", left_out=left_out)) == 12 + bool(header)
        assert bool(left_out.warnings) == warned
        assert not warned or "--columns 'head=who,relation=how,tail=whom'" in left_out.warnings[0]


def test_texts_in_csv(tmp_path: Path, build: Build) -> None:
    table = 'id,label,alias,description\nQ1,Oslo,Kristiania|Christiania,"capital, of Norway"\nQ2,Norway,,\n'
    files = write(tmp_path / "files", {"train.csv": "Q1,in,Q2\n", "texts.csv": table, "relations.csv": "in,is located in\n"})
    texts = files / "texts.csv"
    graph = build(triples(files, descriptions=texts, names=texts, relation_names=files / "relations.csv"))
    first, second = graph.entities
    assert (first.label, first.description, first.aliases) == ("Oslo", "capital, of Norway", ("Kristiania", "Christiania"))
    assert (second.label, second.description) == ("Norway", "") and graph.relations[0].label == "is located in"


def test_columns_of_texts_may_be_named(tmp_path: Path) -> None:
    path = write(tmp_path, {"a.csv": "key,what\nQ1,a town\n", "b.tsv": "what\tkey\na town\tQ1\n"}) / "a.csv"
    columns = parse_columns("id=key,description=what")
    assert list(read_text_table(path, "description", LeftOut(), columns)) == [(2, "Q1", "a town")]
    assert list(read_text_table(tmp_path / "b.tsv", "description", LeftOut(), columns)) == [(2, "Q1", "a town")]
    with pytest.raises(DataError, match="no column 'wat'.*did you mean description=what"):
        list(read_text_table(path, "description", LeftOut(), parse_columns("id=key,description=wat")))


def test_columns_of_texts_that_are_not_chosen_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path, {"a.csv": "n,entity,name,description\n1,a,A,first\n2,b,B,second\n"}) / "a.csv"
    left_out = LeftOut()
    assert [row[1:] for row in read_text_table(path, "description", left_out)] == [("a", "first"), ("b", "second")]
    assert dict(left_out.counts) == {"cells of the column 'n'": 2, "cells of the column 'name'": 2}


def test_columns_without_a_header_that_are_not_read_are_counted_by_their_numbers(tmp_path: Path) -> None:
    files = write(tmp_path, {"n.csv": "Q1,Oslo\nQ2,Norway,Norge\n", "t.csv": "a,1867,r,b\nb,1918,r,c\n"})
    left_out = LeftOut()
    assert [row[1:] for row in read_text_table(files / "n.csv", "name", left_out)] == [("Q1", "Oslo"), ("Q2", "Norway")]
    assert dict(left_out.counts) == {"cells of the column '3'": 2}
    left_out = LeftOut()
    assert rows_of(files / "t.csv", "head=1,relation=3,tail=4", left_out) == [("a", "r", "b"), ("b", "r", "c")]
    assert dict(left_out.counts) == {"cells of the column '2'": 2}


def test_a_column_that_another_reading_of_the_file_uses_is_not_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, {"t.csv": "id,name,description,source\na,Ann,a woman,web\nb,Bob,a man,web\n"}) / "t.csv"
    orders: list[list[Role]] = [["name", "description"], ["description", "name"], ["name", "description", "name"]]
    for order in orders:
        left_out = LeftOut()
        for role in order:
            assert len(list(read_text_table(path, role, left_out))) == 2
        assert dict(left_out.counts) == {"cells of the column 'source'": 2}
    other = write(tmp_path, {"u.csv": "id,name,description\nc,Cem,a cat\n"}) / "u.csv"
    left_out = LeftOut()
    assert list(read_text_table(path, "name", left_out))
    assert list(read_text_table(other, "description", left_out))  # another file: its names are left out
    assert dict(left_out.counts) == {
        "cells of the column 'description'": 2, "cells of the column 'source'": 2, "cells of the column 'name'": 1,
    }  # fmt: skip

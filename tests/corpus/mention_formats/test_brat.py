"""Folders of brat: what is read, counted and refused; how line ends are counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.files.rows import LeftOut
from loreweave.corpus.mention_formats import brat, recognised_mentions
from loreweave.errors import DataError


def write(folder: Path, name: str, text: str, ann: str | None) -> None:
    (folder / f"{name}.txt").parent.mkdir(exist_ok=True)
    (folder / f"{name}.txt").write_bytes(text.encode())
    if ann is not None:
        (folder / f"{name}.ann").write_bytes(ann.encode())


def read(folder: Path) -> tuple[list[AnnotatedText], Counter[str], list[str]]:
    texts, lost, errors = [], Counter[str](), []
    for place, row in brat.rows(folder):
        if isinstance(row, DataError):
            errors.append(f"{place}: {row}")
            continue
        try:
            for item in brat.texts(row, "1"):
                if isinstance(item, LeftOut):
                    lost[item.reason] += 1
                else:
                    texts.append(item)
        except DataError as error:
            errors.append(f"{place}: {error}")
    return texts, lost, errors


ANN = """T1\tPER 0 10\tMia Brandt
T2\tLOC 20 24;30 34\tOslo here
T3\tLOC 20 24\tOslo
R1\tlives_in Arg1:T1 Arg2:T3
E1\tPER:T1
A1\tSure T1
#1\tAnnotatorNotes T1\thm
*\tEquiv T1 T3

"""


def test_a_folder_and_what_it_loses(tmp_path: Path) -> None:
    write(tmp_path, "b", "Mia Brandt moved to Oslo, she is here", ANN)
    write(tmp_path, "sub/a", "Leo slept.", "")
    write(tmp_path, "c", "nobody looked", None)
    assert recognised_mentions(tmp_path, None) == "brat"
    (first, second), lost, errors = read(tmp_path)
    assert (first.id, second.id) == ("b", "sub/a") and not errors
    assert [(first.surface(mention), mention.label) for mention in first.mentions] == [("Mia Brandt", "PER"), ("Oslo", "LOC")]
    assert second.mentions == ()
    assert lost == {
        "mentions of several parts": 1, "relations of brat": 2, "events of brat": 1, "attributes of brat": 1,
        "notes of brat": 1, "texts without an .ann file": 1,
    }  # fmt: skip


LINKED = """N1\tReference T1 Wikidata:Q7\tMia Brandt
T1\tPER 0 10\tMia Brandt
T2\tLOC 20 24;30 34\tOslo here
T3\tLOC 20 24\tOslo
T4\tPER 26 29\tshe
N2\tReference T3 Wikipedia:Oslo (city): north
N3\tReference T1 Wikidata:Q8\tanother
N4\tReference T1 Wikidata:Q7\tthe same
N5\tReference T2 Wikidata:Q9\tin parts
N6\tReference E1 Wikidata:Q9\tan event
N7\tReference T4 Wikidata\tno id
N8\tReference T4 Wikidata:NIL\tnone
"""


def test_normalizations_are_the_entities_of_mentions(tmp_path: Path) -> None:
    write(tmp_path, "a", "Mia Brandt moved to Oslo, she is here", LINKED)
    (text,), lost, errors = read(tmp_path)
    assert not errors
    assert [(mention.label, mention.entity) for mention in text.mentions] == [
        ("PER", "Q7"), ("LOC", "Oslo (city): north"), ("PER", None),
    ]  # fmt: skip
    assert lost == {
        "mentions of several parts": 1, "further entities of a mention": 1,
        "normalizations of brat (of no mention, or without an id)": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "start", "converted"),
    [
        ("Mia\r\nleft\r\nOslo", 11, 0),
        ("Mia\r\nleft\r\nOslo", 9, 1),
        ("\ufeffMia left Oslo", 9, 0),
        ("\ufeffMia left Oslo", 10, 1),
    ],
)
def test_line_ends_and_marks_are_counted_as_the_mentions_say(tmp_path: Path, text: str, start: int, converted: int) -> None:
    write(tmp_path, "a", text, f"T1\tLOC {start} {start + 4}\tOslo\r\n")
    (found,), lost, _ = read(tmp_path)
    assert found.surface(found.mentions[0]) == "Oslo" and lost.total() == converted


def test_a_mention_over_a_line_end_is_its_words(tmp_path: Path) -> None:
    write(tmp_path, "a", "Mia\nBrandt left", "T1\tPER 0 10\tMia Brandt\n")
    (found,), _, errors = read(tmp_path)
    assert found.surface(found.mentions[0]) == "Mia\nBrandt" and not errors


def test_wrong_files_are_named(tmp_path: Path) -> None:
    write(tmp_path, "a", "Mia left", "T1\tPER 0 3\tMia\nT2\tPER 4 7\tleft\n")
    write(tmp_path, "b", "Mia left", "T1 PER 0 3 Mia\n")
    (tmp_path / "c.ann").write_text("")
    (tmp_path / "d.txt").write_bytes(b"Mia\n\xff")
    write(tmp_path, "e", "\N{GRINNING FACE} Mia", "T1\tPER 3 6\tMia\n")
    texts, _, errors = read(tmp_path)
    assert not texts and len(errors) == 5
    assert "a.ann: line 2" in errors[0].replace("field 'text': ", "") and "add 1 to each end" in errors[0]
    assert "b.ann: line 1" in errors[1].replace("field 'ann': ", "") and "expected T1<TAB>Type" in errors[1]
    assert "found no c.txt next to it" in errors[2]
    assert "d.txt, line 2: found bytes that are not UTF-8" in errors[3]
    assert "--format brat:utf16" in errors[4]
    with pytest.raises(DataError, match="found no folder"):
        list(brat.rows(tmp_path / "a.txt"))


@pytest.mark.parametrize("inside", ["\u2028", "\x85", "\x0c"])
def test_characters_that_only_look_like_line_ends_part_no_lines(inside: str, tmp_path: Path) -> None:
    write(
        tmp_path / "data",
        "a",
        f"Mia{inside}Brandt lives in Oslo",
        f"T1\tPER 0 10\tMia{inside}Brandt\r\nT2\tLOC 20 24\tOslo\r\n",
    )
    texts, lost, errors = read(tmp_path / "data")
    assert not errors and not lost
    assert [(mention.start, mention.end) for mention in texts[0].mentions] == [(0, 10), (20, 24)]

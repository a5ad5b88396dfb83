from __future__ import annotations

import os
import pickle
import struct
from pathlib import Path

import marisa_trie
import pytest
from luke_databases import dumped, link_database, mention_database

from loreweave.corpus.mentions.dictionary import Candidate
from loreweave.corpus.mentions.released import is_pickle, read_link_database, read_mention_database, read_pickled_redirects
from loreweave.errors import DataError


@pytest.mark.parametrize("compressed", [False, True])
def test_a_mention_database_has_its_counts(tmp_path: Path, compressed: bool) -> None:
    dictionary = read_mention_database(dumped(tmp_path / "mentions.pkl", mention_database(), compressed))
    # The priors are parts of all 50 links, also those to titles that the database left out.
    assert dictionary.candidates("U.S.") == [Candidate("United States", 0.6, 30), Candidate("US Airways", 0.2, 10)]
    assert dictionary.link_probability("U. S .") == 0.25
    assert dictionary.link_probability("Ósló") == 1.0  # 3 links in 2 documents count as 1
    assert [found.name for found in dictionary.detect("From the U.S. to Ósló")] == ["U.S.", "Ósló"]


def test_a_link_database_has_the_links_of_pages_as_they_are_written(tmp_path: Path) -> None:
    dictionary = read_link_database(dumped(tmp_path / "links.pkl", link_database()))
    links = dictionary.page_links("Norway") or []
    in_float32 = struct.unpack("<f", struct.pack("<f", 0.005))[0]
    assert sorted((link.name, link.entity, link.link_probability) for link in links) == [
        ("Oslo", "Oslo", 0.5),
        ("sea", "Sea", in_float32),
        ("the city", "Bergen", 0.25),
        ("the city", "Oslo", 0.25),
    ]
    assert dictionary.candidates("THE CITY") == [Candidate("Bergen", 0.5, 1), Candidate("Oslo", 0.5, 1)]
    assert dictionary.candidates("oslo") == [Candidate("Oslo", 1.0, 2)]


def test_redirects(tmp_path: Path) -> None:
    assert read_pickled_redirects(dumped(tmp_path / "a.pkl", {"Norge": "Norway"})) == {"Norge": "Norway"}
    with pytest.raises(DataError, match=r"b\.pkl: found 'Norge': 3, expected titles"):
        read_pickled_redirects(dumped(tmp_path / "b.pkl", {"Norge": 3}))


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("exit 1",)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_pickle_that_would_run_code_is_refused_by_name(tmp_path: Path, compressed: bool) -> None:
    evil = dumped(tmp_path / "evil.pkl", {"title_trie": Evil(), "data_trie": marisa_trie.Trie()}, compressed)
    for read in (read_mention_database, read_link_database, read_pickled_redirects):
        with pytest.raises(
            DataError, match=r"evil\.pkl: found (posix|nt)\.system in the pickle, expected only .*; it was not run"
        ):
            read(evil)


def test_other_content_is_named(tmp_path: Path) -> None:
    database = mention_database()
    without = {key: value for key, value in database.items() if key != "data_trie"}
    with pytest.raises(DataError, match=r"a\.pkl: found no trie 'data_trie', expected title_trie, data_trie"):
        read_mention_database(dumped(tmp_path / "a.pkl", without))
    with pytest.raises(DataError, match=r"b\.pkl, field 'data_trie': found records of the form '<IIf', expected '<IIII'"):
        read_mention_database(dumped(tmp_path / "b.pkl", database | {"data_trie": link_database()["data_trie"]}))
    with pytest.raises(DataError, match=r"c\.pkl: found a list, expected a dictionary"):
        read_mention_database(dumped(tmp_path / "c.pkl", [database]))
    few = {"title_trie": marisa_trie.Trie(["Oslo"])}
    with pytest.raises(DataError, match=r"d\.pkl: found the string number 1, expected one below 1"):
        read_mention_database(dumped(tmp_path / "d.pkl", database | few))
    (tmp_path / "e.pkl").write_bytes(pickle.dumps(database)[:-100])
    with pytest.raises(DataError, match=r"e\.pkl: found no readable pickle"):
        read_mention_database(tmp_path / "e.pkl")
    with pytest.raises(DataError, match=r"none\.pkl: file not found"):
        read_mention_database(tmp_path / "none.pkl")


def test_pickles_are_told_from_text(tmp_path: Path) -> None:
    assert is_pickle(dumped(tmp_path / "a.pkl", {})) and is_pickle(dumped(tmp_path / "b.pkl", {}, compressed=False))
    (tmp_path / "x.tsv").write_text("x\ty\n")  # x is also the first byte of zlib's compression
    assert not is_pickle(tmp_path / "x.tsv")

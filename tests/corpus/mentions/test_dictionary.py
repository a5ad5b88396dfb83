from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from loreweave.corpus.mentions.dictionary import Candidate, MentionDictionary, NameCounts, PageLink
from loreweave.corpus.mentions.normalisation import Normalisation
from loreweave.errors import ConfigurationError, DataError

COUNTS = {
    "Oslo": NameCounts({"Oslo": 6, "Oslo,_Minnesota": 2}, texts_linking=4, texts=5, links=10),
    "OSLO": NameCounts({"Oslo": 2}, texts_linking=1, texts=5),
    "Oslo Airport": NameCounts({"Gardermoen": 1}, texts_linking=1, texts=100),
    "  ": NameCounts({"Nothing": 1}),
}


@pytest.fixture(params=["in memory", "loaded"])
def dictionary(request: pytest.FixtureRequest, tmp_path: Path) -> MentionDictionary:
    made = MentionDictionary.from_counts(
        COUNTS,
        redirects={"Christiania": "Oslo", "Kristiania": "Oslo"},
        pages={"Norway": [("oslo", "Oslo"), ("Oslo airport", "Gardermoen"), ("Bergen", "Bergen"), ("Oslo", "Oslo,_Minnesota")]},
        page_redirects={"Norge": "Norway", "Sverige": "Sweden"},
        details={"sources": ["pages.jsonl"]},
    )
    if request.param == "in memory":
        return made
    made.save(tmp_path / "mentions")
    return MentionDictionary.load(tmp_path / "mentions", verify=True)


def test_candidates_come_by_their_part_of_all_links(dictionary: MentionDictionary) -> None:
    # 8 and 2 of the 12 links; 2 more links went to entities that were left out.
    assert dictionary.candidates(" oslo") == [Candidate("Oslo", 8 / 12, 8), Candidate("Oslo,_Minnesota", 2 / 12, 2)]
    assert dictionary.candidates("oslo", limit=1) == [Candidate("Oslo", 8 / 12, 8)]
    assert dictionary.candidates("Bergen") == []


def test_link_probability_is_the_part_of_texts(dictionary: MentionDictionary) -> None:
    assert dictionary.link_probability("Oslo") == 0.5  # 4 + 1 of 5 + 5 texts
    assert dictionary.link_probability("oslo airport") == 0.01
    assert dictionary.link_probability("Bergen") == 0.0


def test_the_longest_name_counts_unless_it_is_rarely_a_link(dictionary: MentionDictionary) -> None:
    text = "To Oslo  Airport, OSLO."
    found = dictionary.detect(text)
    assert [(name.start, name.end, name.name, name.link_probability) for name in found] == [
        (3, 16, "Oslo  Airport", 0.01),
        (18, 22, "OSLO", 0.5),
    ]
    assert [name.name for name in dictionary.detect(text, min_link_probability=0.02)] == ["Oslo", "OSLO"]


def test_redirects_and_links_of_pages(dictionary: MentionDictionary) -> None:
    assert [dictionary.resolve(title) for title in ("Christiania", "Oslo", "Rome")] == ["Oslo", "Oslo", "Rome"]
    assert dictionary.page_links("Norway") == [
        PageLink("oslo", "Oslo", 0.5),
        PageLink("Oslo airport", "Gardermoen", 0.01),
        PageLink("Oslo", "Oslo,_Minnesota", 0.5),
    ]
    assert dictionary.page_links("Norge") == dictionary.page_links("Norway")
    assert dictionary.page_links("Sweden") is dictionary.page_links("Sverige") is None


def test_a_dictionary_can_be_made_again_of_its_parts(dictionary: MentionDictionary, tmp_path: Path) -> None:
    pages = {title: [(link.name, link.entity) for link in links] for title, links in dictionary.pages()}
    again = MentionDictionary.from_counts(
        dict(dictionary.counts()),
        redirects=dict(dictionary.redirects()),
        pages=pages,
        page_redirects=dict(dictionary.page_redirects()),
        details={"sources": ["pages.jsonl"]},
    )
    for made, name in ((dictionary, "first"), (again, "second")):
        made.save(tmp_path / name)
    assert (tmp_path / "first" / "manifest.json").read_text() == (tmp_path / "second" / "manifest.json").read_text()


def test_names_and_entities_can_be_listed(dictionary: MentionDictionary) -> None:
    assert sorted(dictionary) == ["oslo", "oslo airport"]
    assert len(dictionary) == 2
    assert "OSLO" in dictionary and "Rome" not in dictionary
    assert sorted(dictionary.entities()) == ["Bergen", "Gardermoen", "Oslo", "Oslo,_Minnesota"][1:]
    assert dictionary.manifest["sources"] == ["pages.jsonl"]


def test_workers_get_the_same_dictionary(dictionary: MentionDictionary) -> None:
    copy = pickle.loads(pickle.dumps(dictionary))
    assert copy.candidates("oslo") == dictionary.candidates("oslo")
    assert copy.folder == dictionary.folder


def test_the_normalisation_is_kept_in_the_folder(tmp_path: Path) -> None:
    MentionDictionary.from_counts({"US": NameCounts({"United_States": 1})}, Normalisation(case="keep")).save(tmp_path / "a")
    dictionary = MentionDictionary.load(tmp_path / "a")
    assert "US" in dictionary and "us" not in dictionary


def test_typographic_signs_are_found_unless_the_dictionary_is_older(tmp_path: Path) -> None:
    counts = {"O'Brien": NameCounts({"Q1": 1}), "Rolls\u2011Royce": NameCounts({"Q2": 1})}
    text = "O\u2019Brien, O'Brien, Rolls-Royce, Rolls\u2011Royce"
    new = MentionDictionary.from_counts(counts)
    assert [text[one.start : one.end] for one in new.detect(text)] == text.split(", ")
    MentionDictionary.from_counts(counts, Normalisation(signs="keep")).save(tmp_path / "old")
    manifest = json.loads((tmp_path / "old" / "manifest.json").read_text())
    del manifest["normalisation"]["signs"]  # as before there was this rule
    (tmp_path / "old" / "manifest.json").write_text(json.dumps(manifest))
    old = MentionDictionary.load(tmp_path / "old")
    assert [text[one.start : one.end] for one in old.detect(text)] == ["O'Brien", "Rolls\u2011Royce"]


def test_an_empty_dictionary_finds_nothing(tmp_path: Path) -> None:
    MentionDictionary.from_counts({}).save(tmp_path / "a")
    dictionary = MentionDictionary.load(tmp_path / "a")
    assert len(dictionary) == 0
    assert dictionary.detect("Oslo") == dictionary.candidates("Oslo") == dictionary.candidates("") == []


def test_equal_counts_give_equal_files(tmp_path: Path) -> None:
    MentionDictionary.from_counts(COUNTS).save(tmp_path / "a")
    MentionDictionary.from_counts(dict(reversed(COUNTS.items()))).save(tmp_path / "b")
    assert (tmp_path / "a" / "manifest.json").read_text() == (tmp_path / "b" / "manifest.json").read_text()


def test_a_folder_is_replaced_only_with_permission(tmp_path: Path) -> None:
    MentionDictionary.from_counts(COUNTS).save(tmp_path / "a")
    with pytest.raises(ConfigurationError, match="--overwrite"):
        MentionDictionary.from_counts({}).save(tmp_path / "a")
    MentionDictionary.from_counts({}).save(tmp_path / "a", overwrite=True)
    assert len(MentionDictionary.load(tmp_path / "a")) == 0


def test_broken_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found no manifest\.json, expected the folder of a mention dictionary"):
        MentionDictionary.load(tmp_path)
    MentionDictionary.from_counts(COUNTS).save(tmp_path / "a")
    MentionDictionary.from_counts({}).save(tmp_path / "empty")
    trie, array = tmp_path / "a" / "names.marisa", tmp_path / "a" / "texts.npy"
    content = trie.read_bytes()
    array.write_bytes((tmp_path / "empty" / "texts.npy").read_bytes())
    with pytest.raises(DataError, match=r"texts\.npy: found 0 rows, expected 2"):
        MentionDictionary.load(tmp_path / "a")
    with pytest.raises(DataError, match=r"texts\.npy: missing, or not the file"):
        MentionDictionary.load(tmp_path / "a", verify=True)
    trie.write_bytes(content[:40])
    with pytest.raises(DataError, match=r"names\.marisa: not a marisa trie"):
        MentionDictionary.load(tmp_path / "a")
    trie.unlink()
    with pytest.raises(DataError, match=r"names\.marisa: file not found"):
        MentionDictionary.load(tmp_path / "a")


def test_half_characters_in_a_text_are_no_names_and_in_an_entity_are_refused() -> None:
    dictionary = MentionDictionary.from_counts({"\ud800": NameCounts({"A": 1}), "b": NameCounts({"B": 1})})
    assert [found.name for found in dictionary.detect("a \ud83d b")] == ["\ud83d", "b"]
    with pytest.raises(DataError, match="half of a character"):
        MentionDictionary.from_counts({"a": NameCounts({"\ud800": 1})})

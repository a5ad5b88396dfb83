"""The entity vocabulary: every file format, special ids, gaps, building and merging."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.corpus.entity_vocabulary import SPECIAL_ENTITIES, EntityVocabulary
from loreweave.errors import ConfigurationError, DataError

COUNTS = {"Tokyo": 5, "Paris": 9, "Ada: or Ardor": 5, "Rare": 1}


def write(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_from_counts_orders_by_count_then_title() -> None:
    vocabulary = EntityVocabulary.from_counts(COUNTS, size=6)
    assert [vocabulary.title_of(id) for id in range(len(vocabulary))] == [
        "[PAD]", "[UNK]", "[MASK]", "Paris", "Ada: or Ardor", "Tokyo",
    ]  # fmt: skip
    assert [vocabulary.count_of(id) for id in range(6)] == [0, 0, 0, 9, 5, 5]
    assert "Rare" not in vocabulary
    assert "Tokyo" in vocabulary
    assert (vocabulary.pad_id, vocabulary.unk_id, vocabulary.mask_id, vocabulary.mask2_id) == (0, 1, 2, None)


def test_minimum_count_and_allowed_titles_leave_no_gap() -> None:
    vocabulary = EntityVocabulary.from_counts(COUNTS, min_count=5, allow=["Rare", "Nowhere", "Tokyo", "Rare"])
    assert list(vocabulary.to_hugging_face()) == ["[PAD]", "[UNK]", "[MASK]", "Rare", "Tokyo", "Paris", "Ada: or Ardor"]
    assert list(vocabulary.to_hugging_face().values()) == list(range(7))
    only = EntityVocabulary.from_counts(COUNTS, allow=["Rare"], allow_only=True)
    assert len(only) == 4


@pytest.mark.parametrize("language", [None, "en"])
@pytest.mark.parametrize("suffix", ["tsv", "jsonl", "json", "jsonl.gz"])
def test_files_round_trip(tmp_path: Path, suffix: str, language: str | None) -> None:
    vocabulary = EntityVocabulary.from_counts(COUNTS, language=language).with_mask2()
    path = tmp_path / f"entity_vocab.{suffix}"
    if suffix == "tsv" and language:
        with pytest.raises(ConfigurationError, match="not support languages"):
            vocabulary.save(path)
        return
    vocabulary.save(path)
    again = EntityVocabulary.load(path)
    assert again.to_hugging_face() == vocabulary.to_hugging_face()
    assert again.languages == vocabulary.languages
    assert again.mask2_id == 7
    assert again.count_of(3) == (None if suffix == "json" else 9)
    assert again.id_of("Tokyo") == vocabulary.id_of("Tokyo", language) == 5


def test_special_ids_come_from_the_file(tmp_path: Path) -> None:
    lite = {"[MASK]": 0, "[UNK]": 1, "[PAD]": 2, "[MASK2]": 3}
    vocabulary = EntityVocabulary.load(write(tmp_path / "entity_vocab.json", lite))
    assert (vocabulary.mask_id, vocabulary.unk_id, vocabulary.pad_id, vocabulary.mask2_id) == (0, 1, 2, 3)
    assert vocabulary.special_ids == {0, 1, 2, 3}
    assert vocabulary.with_mask2() is vocabulary
    assert vocabulary.special_only().to_hugging_face() == {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "[MASK2]": 3}


def test_a_vocabulary_without_mask_names_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "entity_vocab.tsv", "[PAD]\t0\n[UNK]\t0\nTokyo\t3\n")
    with pytest.raises(DataError, match=r"entity_vocab\.tsv: found an entity vocabulary without \[MASK\]"):
        EntityVocabulary.load(path)


def test_multilingual_json_lines(tmp_path: Path) -> None:
    rows = [
        {"id": 0, "entities": [["[MASK]", "en"], ["[MASK]", "ja"]], "count": 0},
        {"id": 1, "entities": [["[PAD]", "en"], ["[PAD]", "ja"]], "count": 0},
        {"id": 2, "entities": [["[UNK]", "en"], ["[UNK]", "ja"]], "count": 0},
        {"id": 3, "entities": [["Tokyo", "en"], ["東京都", "ja"]], "count": 12},
        {"id": 4, "entities": [["Ada: or Ardor", "en"]], "count": 2},
    ]
    vocabulary = EntityVocabulary.load(write(tmp_path / "v.jsonl", "\n".join(map(json.dumps, rows))))
    assert vocabulary.languages == ("en", "ja")
    assert vocabulary.id_of("Tokyo", "en") == vocabulary.id_of("東京都", "ja") == vocabulary.id_of("en:Tokyo") == 3
    assert vocabulary.id_of("Tokyo", "ja") is None
    assert vocabulary.id_of("Tokyo") is None
    assert vocabulary.id_of("[MASK]") == vocabulary.id_of("[MASK]", "ja") == vocabulary.id_of("[MASK]", "xx") == 0
    assert vocabulary.title_of(3) == "en:Tokyo"
    assert vocabulary.count_of(3) == 12
    vocabulary.save(tmp_path / "v.json")
    assert json.loads((tmp_path / "v.json").read_text()) == {
        "[MASK]": 0, "[PAD]": 1, "[UNK]": 2, "en:Tokyo": 3, "ja:東京都": 3, "en:Ada: or Ardor": 4,
    }  # fmt: skip
    again = EntityVocabulary.load(tmp_path / "v.json")
    assert again.id_of("Ada: or Ardor", "en") == 4
    again.save(tmp_path / "w.jsonl")
    assert json.loads((tmp_path / "w.jsonl").read_text().splitlines()[0])["entities"] == [
        ["[MASK]", "en"],
        ["[MASK]", "ja"],
    ]


def test_a_json_lines_file_without_languages_gets_no_prefix(tmp_path: Path) -> None:
    rows = [{"id": id, "entities": [[title, None]], "count": id} for id, title in enumerate(["[PAD]", "[UNK]", "[MASK]", "A"])]
    vocabulary = EntityVocabulary.load(write(tmp_path / "v.jsonl", "\n".join(map(json.dumps, rows))))
    assert list(vocabulary.to_hugging_face()) == ["[PAD]", "[UNK]", "[MASK]", "A"]
    assert vocabulary.id_of("A", "en") == 3  # a set built with a language still finds its entities


def test_none_prefixes_of_the_official_converter_are_taken_off() -> None:
    vocabulary = EntityVocabulary.from_hugging_face({"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "None:Tokyo": 3, "None:A: b": 4})
    assert vocabulary.id_of("Tokyo") == 3
    assert vocabulary.languages == ()


def test_languages_with_capitals_survive_as_json(tmp_path: Path) -> None:
    ids = {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "en-US:Gas": 3, "zh-Hans:Gas": 4, "zh_min_Nan:Gas": 5}
    EntityVocabulary(ids, languages=("en-US", "zh-Hans", "zh_min_Nan")).save(tmp_path / "v.json")
    again = EntityVocabulary.load(tmp_path / "v.json")
    assert again.languages == ("en-US", "zh-Hans", "zh_min_Nan")
    assert again.id_of("Gas", "zh-Hans") == 4


@pytest.mark.parametrize("title", ["Star Trek: Picard", "Trek-Star: Picard", "Zh-Hans:Gas", "tv-show : One"])
def test_a_title_that_begins_otherwise_makes_it_monolingual(title: str) -> None:
    ids = {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "zh-Hans:Gas": 3, title: 4}
    assert EntityVocabulary.from_hugging_face(ids).languages == ()


def test_titles_with_colons_do_not_make_a_vocabulary_multilingual() -> None:
    ids = {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "Mission: Impossible": 3, "re:Zero": 4}
    assert EntityVocabulary.from_hugging_face(ids).languages == ()
    assert EntityVocabulary.from_hugging_face({**ids, "Mission: Impossible": 3}).title_of(4) == "re:Zero"


def test_gaps_are_read_and_counted_in_the_length() -> None:
    vocabulary = EntityVocabulary({"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "A": 9})
    assert len(vocabulary) == 10
    assert vocabulary.title_of(9) == "A"
    for id in (5, 10, -1):
        with pytest.raises(DataError, match=f"no entity has the id {id}"):
            vocabulary.title_of(id)


def test_gaps_cannot_be_written_as_tsv(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="without gaps"):
        EntityVocabulary({"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "A": 9}).save(tmp_path / "v.tsv")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("v.tsv", "[PAD]\t0\nTokyo\n", "line 2: found 'Tokyo', expected title<TAB>count"),
        ("v.tsv", "[PAD]\t0\n[PAD]\t0\n", "line 2: found the title '[PAD]' a second time"),
        ("v.jsonl", '{"id": 0, "entities": ["[PAD]"]}', "line 1: found no"),
        ("v.jsonl", '{"id": "0", "entities": [["[PAD]", null]]}', "line 1: found no"),
        ("v.json", '{"[PAD]": 0, "[PAD]": 1}', "'[PAD]' a second time"),
        ("v.json", '{"[PAD]": 0, "[UNK]": 0, "[MASK]": 1}', "one id for [PAD] and [UNK]"),
        ("v.json", '{"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "A": "3"}', "found the id '3' for 'A'"),
        ("v.json", "[1]", "found a JSON list"),
        ("v.json", "{", "broken JSON"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        EntityVocabulary.load(write(tmp_path / name, content))
    assert message in str(caught.value)
    assert name in str(caught.value)


def test_a_folder_gives_the_tsv_first(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no entity vocabulary"):
        EntityVocabulary.load(tmp_path)
    EntityVocabulary.from_counts({"json": 1}).save(tmp_path / "entity_vocab.json")
    assert "json" in EntityVocabulary.load(tmp_path)
    EntityVocabulary.from_counts({"tsv": 1}).save(tmp_path / "entity_vocab.tsv")
    assert "tsv" in EntityVocabulary.load(tmp_path)


@pytest.mark.parametrize("name", ["v", "v.txt", "v.gz"])
def test_a_suffix_must_name_a_format(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"found the suffix '(.txt)?', expected one of .tsv, .jsonl, .json"):
        EntityVocabulary.from_counts({}).save(tmp_path / name)


def test_the_content_decides_where_the_suffix_does_not(tmp_path: Path) -> None:
    for suffix in ("tsv", "jsonl", "json"):
        EntityVocabulary.from_counts({suffix: 1}).save(tmp_path / f"v.{suffix}")
        (tmp_path / f"v.{suffix}").rename(tmp_path / "vocabulary")
        assert suffix in EntityVocabulary.load(tmp_path / "vocabulary")


def test_merging_languages_by_interwiki_id() -> None:
    vocabularies = {
        "en": EntityVocabulary.from_counts({"Tokyo": 5, "Local": 50, "Paris": 3}),
        "ja": EntityVocabulary.from_counts({"東京都": 4, "パリ": 1, "Local": 2}),
        "de": EntityVocabulary.from_counts({"Tokio": 1, "Paris": 9}),
    }
    interwiki = {
        ("Tokyo", "en"): "Q1",
        ("東京都", "ja"): "Q1",
        ("Tokio", "de"): "Q1",
        ("Paris", "en"): "Q2",
        ("Paris", "de"): "Q2",
        ("パリ", "ja"): "Q2",
    }
    merged = EntityVocabulary.merge_languages(vocabularies, interwiki, size=100, min_languages=3)
    assert [merged.title_of(id) for id in range(len(merged))] == ["[PAD]", "[UNK]", "[MASK]", "de:Paris", "de:Tokio"]
    assert [merged.count_of(id) for id in range(5)] == [0, 0, 0, 13, 10]
    assert merged.id_of("Paris", "en") == merged.id_of("パリ", "ja") == 3
    everything = EntityVocabulary.merge_languages(vocabularies, interwiki, size=4, min_languages=1)
    assert everything.id_of("Local", "en") == 3
    assert everything.id_of("Local", "ja") is None


titles = st.text(min_size=1).filter(lambda title: not set(title) & set("\t\r\n") and title not in SPECIAL_ENTITIES)


@given(st.dictionaries(titles, st.integers(0, 99)), st.sampled_from([None, "en", "zh-min-nan"]))
def test_every_title_finds_its_id(counts: dict[str, int], language: str | None) -> None:
    vocabulary = EntityVocabulary.from_counts(counts, language=language)
    assert len(vocabulary) == len(counts) + 3
    for title, count in counts.items():
        id = vocabulary.id_of(title, language)
        assert id is not None
        assert (vocabulary.title_of(id), vocabulary.count_of(id)) == (title, count)


def test_large_vocabularies_load_fast(tmp_path: Path) -> None:
    path = tmp_path / "entity_vocab.tsv"
    rows = "".join(f"Title number {i}\t{i}\n" for i in range(120_000))
    path.write_text("[PAD]\t0\n[UNK]\t0\n[MASK]\t0\n" + rows)
    start = time.process_time()
    assert len(EntityVocabulary.load(path)) == 120_003
    assert time.process_time() - start < 3.0


def test_an_entity_is_found_by_any_spelling_of_its_title() -> None:
    ids = {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "en:New_York": 3, "de:New York": 4, "en:iPhone": 5}
    vocabulary = EntityVocabulary(ids, languages=("de", "en"))
    assert [vocabulary.find(title, "en") for title in ("New York", " new_York ", "iPhone")] == [3, 3, 5]
    assert [vocabulary.find(title, "en") for title in ("IPhone", "new york", "[MASK]", "")] == [None] * 4
    assert vocabulary.find("New_York", "de") == vocabulary.find("de:New York") == 4 and vocabulary.find("New York") is None

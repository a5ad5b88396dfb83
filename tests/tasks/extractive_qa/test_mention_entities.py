"""Entities of questions and contexts from a mention dictionary, by hand, and as the original code finds them in sub-words."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from task_jobs import evaluate, silent
from tiny_tokenizers import ROBERTA_NAMES, write_byte_bpe
from transformers import RobertaTokenizerFast

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.mentions.dictionary import MentionDictionary, NameCounts
from loreweave.encoding import EntityTokenizer
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.extractive_qa.encoding import QaEncoding
from loreweave.tasks.extractive_qa.mention_entities import MentionEntities, entity_finder
from loreweave.tasks.extractive_qa.model import build
from loreweave.tasks.extractive_qa.record import QuestionRecord
from loreweave.tasks.extractive_qa.settings import QaConfig, QaSettings
from loreweave.tasks.jobs.finetune import DataFiles, finetune_task
from loreweave.tasks.registry import load_task, training_of
from loreweave.training.settings.configuration import fill

TITLES = ("Oslo", "New York", "New York Times", "York", "Big")
VOCABULARY = EntityVocabulary({name: id for id, name in enumerate(("[PAD]", "[UNK]", "[MASK]", *TITLES))})
PROBABLE, RARE = {"texts_linking": 1, "texts": 2}, {"texts_linking": 1, "texts": 1000}
COUNTS = {
    "Oslo": NameCounts({"Kristiania": 1}, **PROBABLE),
    "New York": NameCounts({"New York": 3, "York": 1}, **PROBABLE),
    "the new york times": NameCounts({"New York Times": 1}, **PROBABLE),
    "York": NameCounts({"York": 2}, **PROBABLE),
    "Bergen Line": NameCounts({"Bergen Line": 1}, **PROBABLE),
    "city": NameCounts({"Oslo": 1, "York": 1}, **PROBABLE),
    "big": NameCounts({"Big": 1}, **RARE),
}
PAGES = {
    "Nor way": [
        ("Oslo", "Kristiania"), ("New York", "New York"), ("the new york times", "New York Times"), ("city", "Oslo"),
        ("city", "York"), ("big", "Big"), ("Bergen Line", "Bergen Line"), ("oslo", "Kristiania"),
    ]
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mentions") / "dictionary"
    MentionDictionary.from_counts(
        COUNTS, redirects={"Kristiania": "Oslo"}, pages=PAGES, page_redirects={"Norge": "Nor way"}
    ).save(path)
    return path


def found(finder: MentionEntities, context: str, title: str | None = "Nor_way", question: str = "") -> list[tuple[str, str]]:
    """Characters and title of each entity of the context."""
    metadata = {} if title is None else {"title": title}
    _, spans = finder(QuestionRecord("q", question, context, metadata=metadata))
    return [(context[start:end], ("", "", "", *TITLES)[entity]) for start, end, entity in spans]


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ("In OSLO, New  York.", [("OSLO", "Oslo"), ("New  York", "New York")]),  # a redirect leads to the model's title
        ("The New York Times", [("The New York Times", "New York Times")]),  # the longest name that begins at the first word
        ("York", []),  # a name, but not of this page
        ("a big city", []),  # rarely a link; two titles
        ("Oslofjord, pre-Oslo, Oslo-born", [("Oslo", "Oslo")]),  # only before punctuation, or after a space
        ("(Oslo) 'Oslo'", []),  # the original code begins no word after punctuation
        ("the Bergen Line", []),  # found and passed over, since the model does not know it
    ],
)
def test_names_of_the_page_by_hand(folder: Path, context: str, expected: list[tuple[str, str]]) -> None:
    assert found(MentionEntities(folder, VOCABULARY), context) == expected


def test_questions_and_titles_of_pages(folder: Path) -> None:
    finder = MentionEntities(folder, VOCABULARY)
    for title in ("Nor_way", "Nor%20way", "Norge"):
        in_question, _ = finder(QuestionRecord("q", "Is Oslo?", "", metadata={"title": title}))
        assert [(span.start, span.end) for span in in_question] == [(3, 7)]
    assert found(finder, "Oslo", "Sweden") == found(finder, "Oslo", None) == []
    assert finder.counts == {
        "questions whose article is not in the mention dictionary, which get no entities": 1,
        "questions without the title of their article, which get no entities": 1,
    }


def test_the_released_code_exchanges_names_and_titles(folder: Path) -> None:
    """It looks for `Kristiania`, and takes `Oslo` as its title; `oslo` would be another one, so that no title is left."""
    assert found(MentionEntities(folder, VOCABULARY, reader="released_code"), "Kristiania, Oslo") == []
    finder = MentionEntities(folder, VOCABULARY, reader="released_code")
    assert found(finder, "New York Times, New York") == [("New York", "New York")]  # `the new york times` is no title


def test_other_scopes(folder: Path) -> None:
    every = MentionEntities(folder, VOCABULARY, scope="dictionary")
    expected = [("York", "York"), ("New York", "New York"), ("city", "Oslo")]
    assert found(every, "(York), New York big city", None) == expected
    assert found(MentionEntities(folder, VOCABULARY, scope="dictionary", min_link_probability=0), "big") == [("big", "Big")]
    none = MentionEntities(folder, VOCABULARY, scope="none")
    assert found(none, "Oslo") == [] and not none.counts


def test_a_dictionary_that_is_not_there_is_named(tmp_path: Path) -> None:
    finder = MentionEntities(tmp_path / "gone", VOCABULARY)
    with pytest.raises(ConfigurationError, match=r"gone: found no such folder.*this mention dictionary.*mentions=DIR"):
        found(finder, "Oslo")
    with pytest.raises(ConfigurationError, match="found a LUKE without embeddings of entities"):
        entity_finder(QaSettings(mentions="x"), EntityVocabulary.from_counts({}))


# ---- in sub-words, as the original code goes -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bpe(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = write_byte_bpe(tmp_path_factory.mktemp("bpe"))
    return RobertaTokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt"), **ROBERTA_NAMES)


def in_sub_words(words: Any, text: str, titles: dict[str, str]) -> list[tuple[int, int, str]]:
    """First and last sub-word (exclusive) and title: the longest run of whole words that is a name, from left to right."""
    tokens = [token for word in text.split() for token in words.tokenize(" " + word)]
    strings = [words.convert_tokens_to_string([token]) for token in tokens]

    def continues(string: str) -> bool:
        punctuation = string[:1] in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" or unicodedata.category(string[0])[0] == "P"
        return not string.startswith(" ") and not punctuation

    entities, place = [], 0
    while place < len(tokens):
        ends = range(min(place + 30, len(tokens)), place, -1) if not continues(strings[place]) else ()
        whole = (end for end in ends if end == len(tokens) or not continues(strings[end]))
        names = ((end, words.convert_tokens_to_string(tokens[place:end]).lower().strip()) for end in whole)
        end, name = next(((end, name) for end, name in names if name in titles), (place + 1, ""))
        if name:  # the tiny tokenizer has sub-words of a space alone, which RoBERTa's joins to a letter
            entities.append((place + (strings[place] == " "), end - (strings[end - 1] == " "), titles[name]))
        place = end
    return entities


PARTS = ("Oslo", "oslo,", "(Oslo)", "New", "York", "York's", "York.", "the", "Times", "Oslofjord", "big", "city", "a-York", "-")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PARTS), max_size=14))
@example(["the", "New", "York", "Times", "New", "York's", "Oslo"])
def test_entities_stand_where_the_original_code_finds_them(folder: Path, bpe: Any, parts: list[str]) -> None:
    text = " ".join(parts)
    expected = [
        (first + 3, last + 2, VOCABULARY.id_of(title))  # behind <s></s></s>, since the question is empty
        for first, last, title in in_sub_words(
            bpe, text, {"oslo": "Oslo", "new york": "New York", "the new york times": "New York Times"}
        )
    ]
    tokenizer = EntityTokenizer(bpe, VOCABULARY, piece_rule="legacy")
    encoding = QaEncoding(tokenizer, QaSettings(), 200, find_entities=MentionEntities(folder, VOCABULARY))
    record = QuestionRecord("q", "", text, metadata={"title": "Nor way"})
    entities = [entity for each in encoding.encode([record]) for entity in each.entities]
    assert [(each.first, each.last, each.entity) for each in entities] == expected


# ---- from files ------------------------------------------------------------------------------------------------------------


def test_a_luke_is_trained_with_entities_and_evaluated_with_another_dictionary(tiny_luke: Path, tmp_path: Path) -> None:
    vocabulary = EntityVocabulary.load(tiny_luke / "entity_vocab.json")
    title = next(title for title, *_ in vocabulary.items() if not title.startswith("["))
    counts = {"oslo": NameCounts({title: 1}, **PROBABLE)}
    for name in ("a", "b"):
        MentionDictionary.from_counts(counts, pages={"Works": [("oslo", title)]}).save(tmp_path / name)
    asked = {"id": "1", "question": "where is oslo", "answers": [{"text": "paris", "answer_start": 8}]}
    content = {"data": [{"title": "Works", "paragraphs": [{"context": "oslo in paris", "qas": [asked]}]}]}
    data = tmp_path / "train-v1.1.json"
    data.write_text(json.dumps(content))
    task = load_task("extractive-qa")
    values = {"epochs": 1, "gradient_accumulation_steps": 1, "device": "cpu", "max_length": 24, "doc_stride": 6}
    config = fill(training_of(task).config, values | {"mentions": str(tmp_path / "a")})
    before = build(str(tiny_luke), ["answer"], config).model.luke.entity_embeddings.entity_embeddings.weight
    finetune_task(task, str(tiny_luke), DataFiles(train=data), config, tmp_path / "run", report=silent)
    trained = training_of(task).load(tmp_path / "run" / "model")
    assert trained.model.luke.entity_embeddings.entity_embeddings.weight.equal(before)  # not trained
    assert trained.encoding.settings.mentions == str((tmp_path / "a").resolve())
    (example,) = trained.encoding.encode([QuestionRecord("1", "where is oslo", "oslo", metadata={"title": "Works"})])
    assert [entity.entity for entity in example.entities] == [vocabulary.id_of(title)] * 2
    scores, _ = evaluate(task, tmp_path / "run", data, report=silent)
    (tmp_path / "a").rename(tmp_path / "moved")
    with pytest.raises(ConfigurationError, match="mentions=DIR"):
        evaluate(task, tmp_path / "run", data, report=silent)
    again, _ = evaluate(task, tmp_path / "run", data, settings=[f"mentions={tmp_path / 'b'}"], report=silent)
    assert again.metrics == scores.metrics


def test_what_settings_are_refused(tiny_bert: Path, tiny_luke: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="feature_cache"):
        QaConfig(mentions="a", feature_cache="b")
    with pytest.raises(ConfigurationError, match="mentions is read only with a LUKE"):
        build(str(tiny_bert), ["answer"], QaConfig(mentions=str(tmp_path)))
    with pytest.raises(DataError, match="expected the folder of a mention dictionary"):
        build(str(tiny_luke), ["answer"], QaConfig(mentions=str(tmp_path)))
    words = build(str(tiny_bert), ["answer"], QaConfig(max_length=24))
    with pytest.raises(ConfigurationError, match="setting 'mentions': only a LUKE reads entities"):
        words.configure(QaSettings(mentions="a"))


def test_titles_are_looked_up_in_their_language(tmp_path: Path) -> None:
    MentionDictionary.from_counts({"oslo": NameCounts({"Oslo": 1}), "wien": NameCounts({"wien": 1})}).save(tmp_path / "names")
    ids = {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "en:Oslo": 3, "de:Oslo": 3, "de:Wien": 4, "en:Wien": 5}
    vocabulary = EntityVocabulary.from_hugging_face(ids)
    record = QuestionRecord("q", "Which?", "From Oslo to Wien.")

    def entities(language: str | None, names: str = "names") -> list[int]:
        given = QaSettings(mentions=str(tmp_path / names), mention_scope="dictionary", mention_language=language)
        finder = entity_finder(given, vocabulary)
        assert finder is not None
        return [each.entity for each in finder(record)[1]]

    assert (entities("de"), entities("en")) == ([3, 4], [3, 5])
    expected = "expected one of those of the entity vocabulary: de, en"
    with pytest.raises(ConfigurationError, match=f"mention_language: found null, {expected}"):
        entities(None)
    with pytest.raises(ConfigurationError, match=f"mention_language: found fr, {expected}"):
        entities("fr")
    keys = {"oslo": NameCounts({"en:Oslo": 1}), "wien": NameCounts({"de:Wien": 1})}
    MentionDictionary.from_counts(keys).save(tmp_path / "keys")
    assert entities(None, "keys") == [3, 4]


def test_titles_of_dictionary_and_vocabulary_may_differ_in_underscores(tmp_path: Path) -> None:
    names = {"the big one": NameCounts({"New York": 1}, **PROBABLE), "york": NameCounts({"old_York": 1}, **PROBABLE)}
    MentionDictionary.from_counts(names).save(tmp_path / "names")
    ids = {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "New_York": 3, "Old York": 4}
    finder = MentionEntities(tmp_path / "names", EntityVocabulary(ids), "dictionary")
    _, entities = finder(QuestionRecord("q", "Which?", "The big one is York."))
    assert [each.entity for each in entities] == [3, 4]

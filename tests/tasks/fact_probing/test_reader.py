"""Facts of LAMA, of its filtered and copied forms, and of our own files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.contract import Reading
from loreweave.tasks.fact_probing.formats import masked_sentence
from loreweave.tasks.fact_probing.reader import firsts_left_out, read
from loreweave.tasks.fact_probing.record import Fact, RightObject
from loreweave.tasks.fact_probing.settings import ScoringSettings

BORN = {
    "pred": "/people/person/place_of_birth", "sub": "/m/1", "obj": "/m/2", "sub_label": "Ada Byron", "obj_label": "London",
    "uuid": "g1", "masked_sentences": ["Ada Byron was born in [MASK] in 1815 ."],
    "judgments": [{"rater": "1", "judgment": "yes"}, {"rater": "2", "judgment": "no"}],
    "evidences": [{"url": "u", "snippet": "s", "considered_sentences": ["Ada Byron was born in London in 1815 ."]}],
}  # fmt: skip
CAPITAL = {
    "uuid": "t1", "obj_uri": "Q90", "obj_label": "Paris", "sub_uri": "Q142", "sub_label": "France", "predicate_id": "P36",
    "evidences": [
        {"sub_surface": "French Republic", "obj_surface": "Paris", "masked_sentence": "[MASK] is in the French Republic."},
        {"sub_surface": "France", "obj_surface": "Paris", "masked_sentence": "France is governed from [MASK]."},
    ],
}  # fmt: skip
TEMPLATES = [{"relation": "P36", "template": "The capital of [X] is [Y] .", "label": "capital", "type": "1-1"}]
CONCEPT = {
    "sub": "alive", "obj": "think", "pred": "HasSubevent", "masked_sentences": ["One of the things you do is [MASK]."],
    "obj_label": "think", "uuid": "c1",
}  # fmt: skip
SQUAD = {"masked_sentences": ["The [MASK] color was used."], "obj_label": "gold", "id": "s1_0", "sub_label": "Squad"}


def write(path: Path, *rows: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def facts(path: Path, *, skip_bad: bool = False, **settings: Any) -> list[Fact]:
    return read(path, ScoringSettings(**settings), Reading(skip_bad=skip_bad)).records


def test_google_re_has_the_templates_of_lamas_code(tmp_path: Path) -> None:
    path = write(tmp_path / "Google_RE" / "place_of_birth_test.jsonl", BORN)
    (fact,) = facts(path)
    assert (fact.id, fact.relation, fact.label) == ("g1", "/people/person/place_of_birth", "place of birth")
    assert fact.text == "Ada Byron was born in [MASK] ." and fact.object == "London" and fact.subject_span == (0, 9)
    (asked,) = facts(path, ask="sentence")
    assert asked.text == "Ada Byron was born in [MASK] in 1815 ."


def test_facts_that_most_annotators_reject_are_left_out(tmp_path: Path) -> None:
    no = BORN | {"judgments": [{"judgment": "no"}, {"judgment": "no"}, {"judgment": "yes"}], "uuid": "g2", "sub_label": "Bob"}
    found = read(write(tmp_path / "place_of_birth_test.jsonl", BORN, no), ScoringSettings())
    assert [fact.id for fact in found.records] == ["g1"], "as many yes as no is no rejection in LAMA's code"
    assert found.skipped == {"most annotators judged it to be wrong": 1} and not found.left_out


def test_t_rex_is_a_folder_below_its_templates(tmp_path: Path) -> None:
    write(tmp_path / "relations.jsonl", *TEMPLATES)
    second = CAPITAL | {"uuid": "t2", "sub_label": "Norway", "obj_label": "Oslo", "sub_uri": "Q20"}
    write(tmp_path / "TREx" / "P36.jsonl", CAPITAL, second, CAPITAL | {"uuid": "t3"})
    found = read(tmp_path / "TREx", ScoringSettings())
    assert [(fact.id, fact.text, fact.kind, fact.label) for fact in found.records] == [
        ("t1", "The capital of France is [MASK] .", "1-1", "capital"),
        ("t2", "The capital of Norway is [MASK] .", "1-1", "capital"),
    ]
    assert found.skipped == {"repeated fact": 1}, "a template gives one question per subject and object"
    assert found.records[0].object_id == "Q90" and found.places[0] == "P36.jsonl, line 1"
    sentences = facts(tmp_path / "TREx" / "P36.jsonl", ask="sentence")
    assert [(fact.id, fact.subject_span) for fact in sentences[:2]] == [("t1/0", (17, 32)), ("t1/1", (0, 6))]


def test_ids_that_begin_anew_in_each_file_get_numbers(tmp_path: Path) -> None:
    """The same ones, whatever is left out."""
    write(tmp_path / "relations.jsonl", *TEMPLATES, TEMPLATES[0] | {"relation": "P1", "template": "[X] sees [Y] ."})
    rows = [{"uuid": str(n), "sub_label": name, "obj_label": "Oslo"} for n, name in enumerate(["Oslo town", "Norway"])]
    write(tmp_path / "TREx" / "P1.jsonl", *(row | {"predicate_id": "P1"} for row in rows))
    write(tmp_path / "TREx" / "P36.jsonl", *(row | {"predicate_id": "P36"} for row in (*rows, rows[1])))
    found = read(tmp_path / "TREx", ScoringSettings())
    assert [(fact.id, fact.given_id) for fact in found.records] == [("0", None), ("1", None), ("0#2", "0"), ("1#2", "1")]
    assert found.notes == ["2 facts have the id of another; all are kept, and a number was added to the id: 0#2, 1#2"]
    assert [fact.id for fact in read(tmp_path / "TREx", ScoringSettings(unhelpful_names=True)).records] == ["1", "1#2"]


def test_a_relation_without_template_is_asked_by_its_sentences(tmp_path: Path) -> None:
    path = write(tmp_path / "P36.jsonl", CAPITAL)
    assert [fact.text for fact in facts(path)] == ["[MASK] is in the French Republic.", "France is governed from [MASK]."]
    with pytest.raises(DataError, match="found no usable fact .no template for the relation: 1"):
        facts(path, ask="template")


def test_templates_of_a_setting_win(tmp_path: Path) -> None:
    write(tmp_path / "relations.jsonl", *TEMPLATES)
    own = write(tmp_path / "own.jsonl", {"relation": "P36", "template": "[Y] rules [X] ."})
    path = write(tmp_path / "TREx" / "P36.jsonl", CAPITAL)
    assert facts(path, templates=own)[0].text == "[MASK] rules France ."


def test_concept_net_and_squad_have_sentences_only(tmp_path: Path) -> None:
    (concept,) = facts(write(tmp_path / "ConceptNet" / "test.jsonl", CONCEPT))
    assert (concept.relation, concept.subject, concept.object) == ("HasSubevent", "alive", "think")
    other = SQUAD | {"masked_sentences": ["Oil floats on [MASK]."], "obj_label": "water", "id": "s2_0"}
    squad, _ = both = facts(write(tmp_path / "Squad" / "test.jsonl", SQUAD, other))
    assert (squad.id, squad.relation, squad.text) == ("s1_0", "Squad", "The [MASK] color was used.")
    assert [(fact.subject, fact.others) for fact in both] == [("", ())] * 2, "questions are no facts about one subject"


def test_long_sentences_and_sentences_without_mask_are_left_out(tmp_path: Path) -> None:
    long = CONCEPT | {"masked_sentences": ["word " * 100 + "[MASK]"], "uuid": "c2"}
    bare = CONCEPT | {"masked_sentences": ["No gap."], "uuid": "c3"}
    none = {key: value for key, value in CONCEPT.items() if key != "masked_sentences"}
    path = write(tmp_path / "test.jsonl", CONCEPT, long, bare, none)
    found = read(path, ScoringSettings())
    assert [fact.id for fact in found.records] == ["c1"]
    assert found.skipped == {
        "more than 100 words": 1, "no [MASK] in the sentence": 1, "neither a template nor a masked sentence": 1,
    }  # fmt: skip
    assert len(facts(path, max_sentence_words=101)) == 2


def test_sentences_of_one_list_are_one_text(tmp_path: Path) -> None:
    two = CONCEPT | {"masked_sentences": ["She is alive.", "She can [MASK]."]}
    assert facts(write(tmp_path / "test.jsonl", two))[0].text == "She is alive. She can [MASK]."


def test_the_copy_on_the_hub_has_templates_in_its_rows(tmp_path: Path) -> None:
    row = {
        "uuid": "h1", "obj_label": "France", "obj_uri": "Q142", "predicate_id": "P1001", "sub_label": "president",
        "masked_sentence": "The President of [MASK].", "template": "[X] is a legal term in [Y] .", "type": "N-M",
        "label": "applies to jurisdiction", "sub_uri": "Q1", "judgments": "[]",
    }  # fmt: skip
    path = write(tmp_path / "trex.jsonl", row)
    assert facts(path)[0].text == "president is a legal term in [MASK] ." and facts(path)[0].kind == "N-M"
    assert facts(path, ask="sentence")[0].text == "The President of [MASK]."


def test_empty_files_of_a_filtered_folder_are_noted(tmp_path: Path) -> None:
    write(tmp_path / "Google_RE_UHN" / "place_of_birth_test.jsonl", BORN)
    write(tmp_path / "Google_RE_UHN" / "place_of_death_test.jsonl")
    found = read(tmp_path / "Google_RE_UHN", ScoringSettings())
    assert len(found.records) == 1 and found.notes == ["1 file without facts: place_of_death_test.jsonl"]


def test_the_folder_of_several_folders_names_them(tmp_path: Path) -> None:
    write(tmp_path / "relations.jsonl", *TEMPLATES)
    write(tmp_path / "TREx" / "P36.jsonl", CAPITAL)
    with pytest.raises(DataError, match=r"found no file of facts \(.jsonl\); give one of its folders: TREx"):
        facts(tmp_path)


OWN = {
    "id": "f1", "relation": "P36", "template": "The capital of [X] is [Y] .", "subject": "Norway", "object": "Oslo",
    "aliases": ["Christiania"], "object_id": "Q585", "other_objects": ["Bergen"], "source": "a",
}  # fmt: skip


def test_our_own_format(tmp_path: Path) -> None:
    sentence = {"text": "Ann lives in [Y].", "object": "Oslo", "subject": "Ann"}
    one, two, roberta = facts(write(tmp_path / "mine.jsonl", OWN, sentence, {"text": "It is <mask>.", "object": "Rome"}))
    assert one.text == "The capital of Norway is [MASK] ." and one.names == ("Oslo", "Christiania")
    assert (one.others, one.object_id, one.metadata) == ((RightObject("Bergen"),), "Q585", {"source": "a"})
    assert roberta.text == "It is [MASK]."
    assert (two.id, two.relation, two.text, two.subject_span) == ("2", "mine", "Ann lives in [MASK].", (0, 3))


def test_other_facts_of_a_subject_are_other_right_answers(tmp_path: Path) -> None:
    rows = [OWN | {"object": name, "id": name, "aliases": []} for name in ("Oslo", "Tromsø")] + [OWN | {"subject": "Sweden"}]
    one, two, other = facts(write(tmp_path / "mine.jsonl", *rows))
    names = [[other.name for other in fact.others] for fact in (one, two, other)]
    assert names == [["Bergen", "Tromsø"], ["Bergen", "Oslo"], ["Bergen"]]


def test_objects_of_facts_that_are_not_asked_are_right_answers_too(tmp_path: Path) -> None:
    """They are left out by a setting, but are true all the same."""

    def others(path: Path, **settings: Any) -> list[tuple[str, list[str]]]:
        return [(fact.object, [other.name for other in fact.others]) for fact in facts(path, **settings)]

    rows = [OWN | {"object": name, "id": name, "subject": "Oslo University", "other_objects": []} for name in ("Oslo", "Rome")]
    own = write(tmp_path / "mine.jsonl", *rows)
    assert others(own) == [("Oslo", ["Rome"]), ("Rome", ["Oslo"])] and others(own, unhelpful_names=True) == [("Rome", ["Oslo"])]
    text = {"relation": "P36", "text": "Norway has [MASK].", "subject": "Norway", "object": "Bergen"}
    own = write(tmp_path / "mine.jsonl", OWN | {"other_objects": []}, text)
    assert others(own, ask="template") == [("Oslo", ["Bergen"])] and others(own, ask="sentence") == [("Bergen", ["Oslo"])]
    long = CONCEPT | {"obj_label": "sleep", "masked_sentences": ["word " * 100 + "[MASK]"], "uuid": "c2"}
    bare = CONCEPT | {"obj_label": "eat", "masked_sentences": ["No gap."], "uuid": "c3"}
    wrong = CONCEPT | {"obj_label": "fly", "judgments": [{"judgment": "no"}]}
    assert others(write(tmp_path / "test.jsonl", CONCEPT, long, bare, wrong)) == [("think", ["sleep", "eat"])]
    with_template = CONCEPT | {"template": "[X] can [Y] .", "obj_label": "run"}
    path = write(tmp_path / "test.jsonl", CONCEPT, with_template | {"masked_sentences": []})
    assert others(path, ask="sentence") == [("think", ["run"])] and others(path, ask="template") == [("run", ["think"])]


def test_other_objects_keep_their_names_and_ids(tmp_path: Path) -> None:
    given = [{"object": "Bergen", "aliases": ["Bjørgvin"]}, {"object": "Bergen", "object_id": "Q26793"}, "Tromsø"]
    rows = [
        OWN | {"other_objects": given},
        OWN | {"id": "f2", "object": "Bergen", "aliases": ["Bjørgvin", "Oslo"], "object_id": "Q26793", "other_objects": []},
    ]
    one, two = facts(write(tmp_path / "mine.jsonl", *rows))
    assert one.others == (RightObject("Bergen", ("Bjørgvin", "Oslo"), "Q26793"), RightObject("Tromsø"))
    assert two.others == (), "Oslo is a name of the object itself"
    for wrong, field in (
        ({"aliases": []}, "other_objects.object"),
        (7, "other_objects"),
        ({"object": " "}, "other_objects.object"),
    ):
        with pytest.raises(DataError, match=f"line 1, field '{field}'"):
            facts(write(tmp_path / "mine.jsonl", OWN | {"other_objects": [wrong]}))


def test_a_template_is_taken_before_a_sentence(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.jsonl", OWN | {"text": "Norway is ruled from [MASK]."})
    assert facts(path)[0].text.startswith("The capital") and facts(path, ask="sentence")[0].text.startswith("Norway is")
    with pytest.raises(DataError, match=r"found no usable fact .no masked sentence \(ask=sentence\): 1"):
        facts(write(tmp_path / "mine.jsonl", OWN), ask="sentence")
    bare = {key: value for key, value in CAPITAL.items() if key != "evidences"}
    write(tmp_path / "relations.jsonl", *TEMPLATES)
    found = read(write(tmp_path / "P36.jsonl", CAPITAL, bare), ScoringSettings(ask="sentence"))
    assert found.skipped == {"no masked sentence (ask=sentence)": 1}, "the relation has a template, which was not to be used"
    assert firsts_left_out(found) == ["P36.jsonl, line 2: no masked sentence (ask=sentence), relation P36, France, Paris"]


def test_objects_in_the_names_of_subjects_can_be_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "m.jsonl", OWN, OWN | {"subject": "oslo University", "object": "Oslo", "id": "f2"})
    found = read(path, ScoringSettings(unhelpful_names=True))
    assert [fact.id for fact in found.records] == ["f1"] and found.skipped == {"object in the name of the subject": 1}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"object": "Oslo"}, r"line 1, field 'text': found neither a text with \[MASK\] nor a template of the relation 'bad'"),
        ({"object": " ", "text": "[MASK]"}, "field 'object': found an empty name"),
        ({"object": 3, "text": "[MASK]"}, "field 'object': found 3, expected a string"),
        ({"object": "Oslo", "text": "Ann lives."}, r"field 'text': found no \[MASK\] in 'Ann lives.', expected one"),
        ({"object": "Oslo", "text": "[MASK] and [MASK]."}, r"field 'text': found 2 \[MASK\]"),
        ({"object": "Oslo", "template": "[X] is [Y] ."}, "field 'subject': found no subject for the template"),
        ({"object": "Oslo", "template": "It is [Y] .", "subject": "x"}, "field 'template': found 'It is"),
        ({"object": "Oslo", "text": "[MASK]", "aliases": "x"}, "field 'aliases': found 'x', expected a list of names"),
        ({"object": "Oslo", "text": "[MASK]", "relation": ["x"]}, "field 'relation': found .\"x\"., expected a string"),
        ({"obj_label": "Oslo", "masked_sentences": "x", "template": 1}, "field 'template'|no .MASK. in the sentence"),
        ({"obj_label": "Oslo", "masked_sentences": [1]}, "field 'masked_sentences': found .1., expected a list of sentences"),
        ({"obj_label": "Oslo", "masked_sentence": 1}, "field 'masked_sentence': found 1, expected a list of sentences"),
        ({"object_label": "Oslo"}, "found the keys object_label, expected a record of lama, facts"),
        ({"obj_lable": "Oslo"}, "found the keys obj_lable, expected a record of lama, facts; did you mean 'obj_label'"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        facts(write(tmp_path / "bad.jsonl", row))


def test_the_first_fact_of_each_reason_is_named(tmp_path: Path) -> None:
    bare = CONCEPT | {"masked_sentences": ["No gap."]}
    none = {key: value for key, value in CONCEPT.items() if key != "masked_sentences"} | {"sentences": ["Can [MASK]."]}
    found = read(write(tmp_path / "test.jsonl", CONCEPT, bare, bare, none, CONCEPT), ScoringSettings())
    assert firsts_left_out(found) == [
        "line 5: repeated fact, alive, think",
        "test.jsonl, line 2: no [MASK] in the sentence, No gap.",
        "test.jsonl, line 4: neither a template nor a masked sentence, relation HasSubevent, alive, think "
        "(fields that are not read: 'sentences')",
    ]
    with pytest.raises(DataError, match=r"found no usable fact \(.*\); test.jsonl, line 1: no \[MASK\] in the sentence"):
        facts(write(tmp_path / "test.jsonl", bare))


def test_several_masks_and_misspelled_fields_are_noted(tmp_path: Path) -> None:
    two = CONCEPT | {"uuid": "c2", "masked_sentences": ["A [MASK] is a [MASK]."]}
    assert read(write(tmp_path / "test.jsonl", CONCEPT, two), ScoringSettings()).notes == [
        "1 question has several [MASK], of which the first is asked (line 2)"
    ]
    wrong = {"object": "Oslo", "text": "Ann lives in [MASK].", "aliasses": ["Kristiania"], "source": "x"}
    assert read(write(tmp_path / "own.jsonl", wrong), ScoringSettings()).notes == [
        "the field 'aliasses' of 1 fact is not read; did you mean 'aliases'?"
    ]
    for row in (BORN, CAPITAL, CONCEPT, SQUAD):
        known = write(tmp_path / "known.jsonl", row | {"sub_w": None, "sub_aliases": [], "obj_aliases": []})
        assert read(known, ScoringSettings()).notes == []


def test_bad_rows_can_be_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.jsonl", OWN, {"object": "Oslo"})
    found = read(path, ScoringSettings(), Reading(skip_bad=True))
    assert len(found.records) == 1 and found.skipped == {"bad text": 1} and "line 2" in found.left_out[0]


def test_unknown_formats_and_empty_files_are_errors(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.jsonl", OWN)
    with pytest.raises(ConfigurationError, match="unknown format 'x'; this task reads facts, lama"):
        read(path, ScoringSettings(), Reading(format="x"))
    with pytest.raises(DataError, match="found an empty file, expected facts"):
        facts(write(tmp_path / "empty.jsonl"))


@pytest.mark.parametrize(
    ("text", "subject", "span"),
    [
        ("Annual reports of Ann are in [MASK].", "Ann", (18, 21)),  # not in another word
        ("In [MASK], A met B.", "A", (11, 12)),  # not in the place of the object
        ("東京都は[MASK]にある", "東京", (0, 2)),  # no spaces between words
        ("[MASK] is big", "MASK", None),
        ("[MASK] is big", "Oslo", None),
    ],
)
def test_the_place_of_a_subject(text: str, subject: str, span: tuple[int, int] | None) -> None:
    assert masked_sentence(text, subject).subject == span

"""What each annotator writes, and what is counted, converted and refused in it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.files.rows import LeftOut
from loreweave.corpus.mention_formats import MENTION_FORMATS, format_of_file, mention_format
from loreweave.corpus.tokens import token_offsets
from loreweave.errors import DataError

Found = list[tuple[str, str]]
FACE = "\N{GRINNING FACE}"
"""One code point, two code units of UTF-16."""


def texts_of(name: str, *rows: Any) -> tuple[list[AnnotatedText], Counter[str]]:
    format, lost, texts = mention_format(name), Counter[str](), []
    assert format is not None
    for number, row in enumerate(rows, 1):
        for item in format.texts(row, str(number)):
            if isinstance(item, LeftOut):
                assert item.error is None and item.converted == ("offsets" in item.reason)
                lost[item.reason] += 1
            else:
                texts.append(item)
    return texts, lost


def mentions(text: AnnotatedText) -> Found:
    return [(text.surface(mention), label) for mention in text.mentions for label in mention.types]


def refused(name: str, row: Any) -> str:
    with pytest.raises(DataError) as caught:
        texts_of(name, row)
    return str(caught.value)


# ---- the general form ---------------------------------------------------------------------------------------------------

FORMS: list[Any] = [
    [0, 3, "PER"], [0, 3, "PER", "mia"], {"start": 0, "end": 3, "label": "PER"},
    {"start": 0, "end": 3, "type": "PER", "text": "Mia"},
    {"span": [0, 3], "type": "PER", "name": "Mia"}, {"start_offset": 0, "end_offset": 3, "label": "PER"},
    {"start_char": 0, "end_char": 3, "label": "PER"}, {"begin": 0, "end": 3, "entity_type": "PER"},
    {"start": 0, "end": 3, "labels": ["PER"]}, {"start": 0, "end": 4, "label": "PER"},
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_mentions_in_any_form(form: Any) -> None:
    (text,), _ = texts_of("entities", {"text": "Mia left", "entities": [form]})
    assert mentions(text) == [("Mia", "PER")]


def test_blanks_at_edges_and_repeated_mentions_are_counted() -> None:
    spans = [[0, 4, "PER"], [0, 3, "PER"], [0, 3, "artist"]]
    (text,), lost = texts_of("entities", {"text": "Mia left", "entities": spans})
    assert mentions(text) == [("Mia", "PER"), ("Mia", "artist")]
    assert lost == {"white space at the edges of mentions": 1, "repeated mentions (kept once)": 1}


@pytest.mark.parametrize(
    ("mention", "message"),
    [
        ({"start": 0.0, "end": 3, "label": "x"}, "field 'start': found 0.0, expected an integer"),
        ([0.0, 3.0, "x"], "expected [start, end, label] with whole numbers"),
        ([True, 3, "x"], "expected [start, end, label] with whole numbers"),
        ({"start": 0, "end": 3, "label": 7}, "field 'label': found the number 7, expected the name of a type"),
        ({"start": 0, "end": 3, "label": ""}, "field 'label': found '', expected the name of a type"),
        ({"start": 0, "end": 3, "label": [None]}, "field 'label': found [null], expected a string"),
        ({"start": 0, "end": 3, "label": False}, "field 'label': found false, expected a string"),
        ({"start": 3, "end": 4, "label": "x"}, "found a blank mention at (3, 4)"),
        ({"start": 5, "end": 3, "label": "x"}, "found the span (5, 3)"),
        ({"start": 0, "end": 2, "label": "x", "text": "Mia"}, "add 1 to each end"),
        ({"start": 0, "end": 3, "label": "x", "text": 5}, "field 'text': found 5, expected a string"),
    ],
)
def test_wrong_mentions_are_named(mention: Any, message: str) -> None:
    assert message in refused("entities", {"text": "Mia left", "entities": [mention]})


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("annotated-text", {"text": "Mia left", "mentions": [{"start": 0, "end": 3, "label": None}]}),
        ("annotated-text", {"text": "Mia left", "mentions": [{"start": 0, "end": 3, "labels": []}]}),
        ("entities", {"text": "Mia left", "entities": [{"start": 0, "end": 3, "label": None}]}),
        ("entities", {"text": "Mia left", "entities": [{"span": [0, 3], "type": None, "name": "Mia"}]}),
        ("entities", {"text": "Mia left", "entities": [[0, 3, None]]}),
        ("entities", {"text": "Mia left", "entities": [{"start": 0, "end": 3, "labels": []}]}),
        ("doccano", {"text": "Mia left", "label": [[0, 3, None]]}),
        ("prodigy", {"text": "Mia left", "spans": [{"start": 0, "end": 3, "label": None}]}),
        ("label-studio", {"text": "Mia left", "l": [{"start": 0, "end": 3, "text": "Mia", "labels": []}]}),
        ("spacy-pairs", ["Mia left", {"entities": [[0, 3, None]]}]),
        ("gliner", {"tokenized_text": ["Mia", "left"], "ner": [[0, 0, None]]}),
        ("tokens", {"tokens": ["Mia", "left"], "entities": [{"start": 0, "end": 1, "type": None}]}),
    ],
)
def test_mentions_whose_label_is_null_are_without_one_in_every_format(name: str, row: Any) -> None:
    (text,), lost = texts_of(name, row)
    assert text.text == "Mia left" and mentions(text) == []
    assert len(text.mentions) + lost["mentions without a label"] == 1


@pytest.mark.parametrize("name", [name for name, format in MENTION_FORMATS.items() if format.utf16 and name != "brat"])
def test_offsets_of_browsers_are_named_and_read_where_asked_for(name: str) -> None:
    text = f"{FACE}{FACE} Mia left"  # Mia begins at 3, at 5 in code units, and there "a left" is what code points hold
    rows: dict[str, Callable[[int, int], Any]] = {
        "entities": lambda start, end: {
            "text": text,
            "entities": [{"start": start, "end": end, "label": "PER", "text": "Mia"}],
        },
        "annotated-text": lambda start, end: {
            "text": text,
            "mentions": [{"start": start, "end": end, "label": "PER", "text": "Mia"}],
        },
        "doccano": lambda start, end: {"text": text, "label": [[start, end, "PER", "Mia"]]},
        "label-studio": lambda start, end: {
            "text": text,
            "l": [{"start": start, "end": end, "labels": ["PER"], "text": "Mia"}],
        },
        "prodigy": lambda start, end: {"text": text, "spans": [{"start": start, "end": end, "label": "PER", "text": "Mia"}]},
        "spacy-pairs": lambda start, end: [text, {"entities": [{"start": start, "end": end, "label": "PER", "text": "Mia"}]}],
    }
    for asked, start in ((name, 3), (f"{name}:utf16", 5)):
        (found,), _ = texts_of(asked, rows[name](start, start + 3))
        assert mentions(found) == [("Mia", "PER")]
    if name != "label-studio":
        message = refused(name, rows[name](5, 8))
        assert "UTF-16 code units" in message
        assert name == "annotated-text" or f"--format {name}:utf16" in message


def test_a_span_that_lies_in_the_text_by_code_units_alone_says_so() -> None:
    row = {"text": f"{FACE}{FACE} Mia", "entities": [[5, 8, "PER"]]}
    assert "--format entities:utf16" in refused("entities", row)
    assert "utf16" not in refused("entities", {"text": "Mia", "entities": [[1, 4, "PER"]]})


# ---- tokens -------------------------------------------------------------------------------------------------------------


def test_gliner_includes_the_last_token() -> None:
    tokens = ["Mia", "Brandt", "left", "Oslo"]
    spans = [[0, 1, "PER"], {"start": 3, "end": 3, "type": "LOC", "text": "oslo"}]
    (text,), _ = texts_of("gliner", {"tokenized_text": tokens, "ner": spans})
    assert mentions(text) == [("Mia Brandt", "PER"), ("Oslo", "LOC")]
    assert "found the span (3, 4) in 4 tokens" in refused("gliner", {"tokenized_text": tokens, "ner": [[3, 4, "LOC"]]})
    assert "--format gliner" in refused("tokens", {"tokens": tokens, "entities": [{"start": 3, "end": 3, "type": "LOC"}]})


@pytest.mark.parametrize(
    ("second", "note"),
    [
        (["E-mail", "O"], "'E-mail' is a tag of the type 'mail'"),
        (["B", "O"], "'B' is a tag of the type '_'"),
        (["ORG", "O"], None),
        (["o", "O"], None),
    ],
)
def test_tags_with_and_without_a_prefix_in_one_file_are_said(second: list[str], note: str | None, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"tokens": ["Mia", "left"], "tags": tags} for tags in (["PER", "O"], second)]
    path.write_text("\n".join(map(json.dumps, rows)))
    _, notes = format_of_file("tokens", path)
    mixed = [each for each in notes if each.startswith(f"found tags with a prefix ({second[0]!r}) and without ('PER')")]
    assert len(mixed) == (note is not None) and all(each.endswith(note or "") for each in mixed)


def test_words_are_tokens_and_tags_in_another_spelling_are_read_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"words": ["Mia", "Brandt", "left"], "ner_tags": ["B_PER", "I_PER", "O"]}]))
    format, notes = format_of_file("tokens", path)
    (text,) = (text for _, row in format.rows(path) for text in format.texts(row, "1") if isinstance(text, AnnotatedText))
    assert mentions(text) == [("Mia Brandt", "PER")]
    assert notes == ["tags in another spelling: 'B_PER' as 'B-PER'"]


def test_tokens_of_fine_grained_typing() -> None:
    nowhere = {"start": -1, "end": -1, "labels": ["/ORG"]}
    row = {"tokens": ["Wells", "&", "Co."], "mentions": [nowhere, {"start": 0, "end": 3, "labels": ["/ORG", "/ORG/CORP"]}]}
    (text,), lost = texts_of("tokens", row)
    assert mentions(text) == [("Wells & Co.", "/ORG"), ("Wells & Co.", "/ORG/CORP")]
    assert lost == {"mentions without a place (start and end -1)": 1}


def test_a_surface_of_tokens_is_compared() -> None:
    row = {"tokens": ["Mia", "Brandt"], "entities": [{"start": 0, "end": 1, "type": "PER", "text": "Mia Brandt"}]}
    assert "it fits if the end is inclusive" in refused("tokens", row)


def test_names_of_arguments_are_fields_like_any_other() -> None:
    (text,), _ = texts_of("tokens", {"tokens": ["Mia"], "tags": ["O"], "characters": 3, "dropped": 1, "metadata": {"doc": "d"}})
    assert {name: text.metadata[name] for name in ("characters", "dropped", "doc")} == {
        "characters": 3,
        "dropped": 1,
        "doc": "d",
    }


@pytest.mark.parametrize("name", ["entities", "doccano"])
def test_fields_with_names_of_annotated_text_are_no_places_in_other_formats(name: str) -> None:
    """`--format entities` is the way out that is offered for a text with tokens, whose spans may count either."""
    row = {"text": "Mia left", "entities": [{"start_offset": 0, "end_offset": 3, "label": "PER"}], "tokens": ["Mia", "left"]}
    (text,), lost = texts_of(name, row | {"paragraphs": ["Mia left"], "page": 2, "metadata": {"doc": "d", "page": 1}})
    assert mentions(text) == [("Mia", "PER")] and text.metadata == {"doc": "d", "page": 2}
    assert lost == {f"values of the field '{field}', which this format does not read": 1 for field in ("tokens", "paragraphs")}


# ---- doccano, Label Studio, Prodigy, spaCy's pairs ----------------------------------------------------------------------


def test_doccano_counts_relations_and_comments() -> None:
    entities = [{"id": 1, "label": "PER", "start_offset": 0, "end_offset": 3}]
    row = {"id": 7, "text": "Mia", "entities": entities, "relations": [{"from_id": 1}], "Comments": ["?"], "meta": 3}
    (text,), lost = texts_of("doccano", row)
    assert text.id == "7" and mentions(text) == [("Mia", "PER")] and text.metadata == {"meta": 3}
    assert lost == {"relations of doccano": 1, "comments of doccano": 1}
    assert "field 'label': found the number 12" in refused(
        "doccano", {"text": "Mia", "annotations": [{"label": 12, "start_offset": 0, "end_offset": 3}]}
    )


def region(start: int, end: int, *labels: str, **more: Any) -> dict[str, Any]:
    return {"type": "labels", "value": {"start": start, "end": end, "labels": list(labels), **more}}


def test_label_studio_takes_one_annotation_and_counts_the_rest() -> None:
    first, truth = {"result": [region(0, 3, "ORG")]}, {"result": [region(0, 3, "PER", "artist")], "ground_truth": True}
    cancelled = {"result": [region(4, 8, "x")], "was_cancelled": True}
    relation, choice = {"type": "relation", "from_id": "a"}, {"type": "choices", "value": {"choices": ["x"]}}
    truth["result"] += [relation, choice, {"type": "labels", "value": {"start": 4, "end": 8, "text": "left"}}]
    row = {"id": 3, "data": {"text": "Mia left", "page": 2}, "annotations": [cancelled, first, truth], "predictions": []}
    (text,), lost = texts_of("label-studio", row, {"id": 4, "data": {"text": "Leo"}, "annotations": []})
    assert text.id == "3" and mentions(text) == [("Mia", "PER"), ("Mia", "artist")] and text.metadata == {"page": 2}
    assert lost == {
        "annotations that were cancelled": 1, "further annotations of a task": 1, "results of the type relation": 1,
        "results of the type choices": 1, "mentions without a label": 1, "tasks without an annotation": 1,
    }  # fmt: skip


def test_label_studio_counts_code_units_and_escapes_line_ends() -> None:
    text = f"{FACE} Mia\nBrandt left"
    row = {"data": {"tweet": text}, "annotations": [{"result": [region(3, 13, "PER", text="Mia\\nBrandt")]}]}
    (found,), lost = texts_of("label-studio", row)
    assert mentions(found) == [("Mia\nBrandt", "PER")] and lost == {"offsets in UTF-16 code units": 1}
    html = {
        "data": {"text": text},
        "annotations": [{"result": [region(0, 1, "x") | {"value": {"start": "/div[1]", "end": "a"}}]}],
    }
    assert "not in HTML or a dialogue" in refused("label-studio", html)
    assert "expected the text under 'text'" in refused(
        "label-studio", {"data": {"a": "x", "b": "y"}, "annotations": [{"result": []}]}
    )


def test_label_studio_converts_all_regions_if_one_shows_that_they_count_code_units() -> None:
    """`11` and `-` are at these places in both ways of counting; ` Mia` is there without its blank, at the end of the text."""
    text = f"{FACE} 1112 -- Mia"
    regions = [
        region(3, 5, "NUM", text="11"), region(8, 9, "SIGN", text="-"), region(10, 14, "PER", text=" Mia"),
        region(3, 7, "ALL"),
    ]  # fmt: skip
    (found,), lost = texts_of("label-studio", {"data": {"text": text}, "annotations": [{"result": regions}]})
    assert [(mention.start, mention.end) for mention in found.mentions] == [(2, 4), (7, 8), (10, 13), (2, 6)]
    assert lost["offsets in UTF-16 code units"] == 4
    points = [region(2, 4, "NUM", text="11"), region(8, 9, "SIGN", text="-")]
    (found,), lost = texts_of("label-studio", {"data": {"text": text}, "annotations": [{"result": points}]})
    assert [(mention.start, mention.end) for mention in found.mentions] == [(2, 4), (8, 9)] and not lost


def test_prodigy_leaves_out_what_was_not_accepted() -> None:
    spans = [{"start": 0, "end": 3, "label": "PER"}, {"start": 4, "end": 8, "label": "x", "answer": "reject"}]
    tokens = [{"text": "Mia", "start": 0, "end": 3, "id": 0}, {"text": "left", "start": 4, "end": 8, "id": 1}]
    accepted = {"text": "Mia left", "tokens": tokens, "spans": spans, "answer": "accept", "meta": {"a": 1}, "_input_hash": 4}
    (text, plain), lost = texts_of(
        "prodigy",
        accepted,
        accepted | {"answer": "reject"},
        accepted | {"answer": "ignore"},
        {"text": "Leo", "answer": "accept"},
    )
    assert mentions(text) == [("Mia", "PER")] and text.metadata["meta"] == {"a": 1} and plain.mentions == ()
    assert lost == {
        "spans that were rejected": 1, "examples with the answer reject": 1, "examples with the answer ignore": 1,
    }  # fmt: skip
    assert "field 'answer': found 'yes'" in refused("prodigy", accepted | {"answer": "yes"})


def test_the_tokens_of_prodigy_are_the_words_where_they_cover_the_text() -> None:
    tokens = [{"start": 0, "end": 2}, {"start": 2, "end": 6}, {"start": 6, "end": 7}]
    (text,), _ = texts_of(
        "prodigy", {"text": "don't\n", "tokens": [{"start": 0, "end": 2}, {"start": 2, "end": 5}], "spans": []}
    )
    assert token_offsets(text) == [(0, 2), (2, 5)]
    (text,), _ = texts_of("prodigy", {"text": "a b c d", "tokens": tokens[:1], "spans": []})
    assert "tokens" not in text.metadata, "they are not all"
    (text,), _ = texts_of("prodigy", {"text": "ab cd \n", "tokens": tokens, "spans": []})
    assert token_offsets(text) == [(0, 2), (2, 6)], "white space alone is no word"


@pytest.mark.parametrize(("name", "key"), [("entities", "entities"), ("prodigy", "spans")])
def test_ids_of_a_knowledge_base_are_the_entities_of_mentions(name: str, key: str) -> None:
    def linked(*ids: Any) -> tuple[list[str | None], Counter[str]]:
        spans = [{"start": 0, "end": 3, "label": "PER", "kb_id": id} for id in ids]
        (text,), lost = texts_of(name, {"text": "Mia left", key: spans})
        return [mention.entity for mention in text.mentions], lost

    for none in (None, "", "NIL"):
        assert linked(none) == ([None], Counter())
    assert linked("Q7") == linked(None, "Q7") == (["Q7"], Counter())
    assert linked("Q7", None) == linked("Q7", "Q7") == (["Q7"], Counter({"repeated mentions (kept once)": 1}))
    assert linked("Q7", "Q8") == (["Q7"], Counter({"further entities of a mention": 1}))
    span = {"start": 0, "end": 3, "label": "PER", "kb_id": 7}
    assert "field 'kb_id': found 7, expected a string or null" in refused(name, {"text": "Mia left", key: [span]})


def test_documents_of_spacy_as_json() -> None:
    """`Doc.to_json` has mentions under `ents`, also beside groups of spans."""
    ents = [{"start": 0, "end": 3, "label": "PER"}]
    (text,), _ = texts_of("entities", {"text": "Mia left", "ents": ents})
    assert mentions(text) == [("Mia", "PER")]
    tokens = [{"id": 0, "start": 0, "end": 3, "tag": "NNP"}, {"id": 1, "start": 4, "end": 8}]
    row = {"text": "Mia left", "ents": ents, "sents": [{"start": 0, "end": 8}], "tokens": tokens, "spans": {"sc": []}}
    (text,), _ = texts_of("prodigy", row)
    assert mentions(text) == [("Mia", "PER")] and token_offsets(text) == [(0, 3), (4, 8)]


def test_pairs_of_spacy() -> None:
    pair = ["Mia left Oslo", {"entities": [[0, 3, "PER"], [9, 13, "LOC", "Q585"]], "cats": {"x": 1.0}}]
    (text,), lost = texts_of("spacy-pairs", pair, None)
    assert mentions(text) == [("Mia", "PER"), ("Oslo", "LOC")]
    assert lost == {"annotations cats of spaCy": 1, "texts without annotation": 1}
    assert "expected [text, {entities" in refused("spacy-pairs", ["Mia", 3])


def test_a_file_that_is_one_pair_or_one_pair_a_line(tmp_path: Path) -> None:
    pair = ["Mia", {"entities": [[0, 3, "PER"]]}]
    for content, number in (
        (json.dumps(pair), 1),
        (json.dumps([pair, pair]), 2),
        (f"{json.dumps(pair)}\n{json.dumps(pair)}", 2),
    ):
        (tmp_path / "a.json").write_text(content)
        assert [row for _, row in MENTION_FORMATS["spacy-pairs"].rows(tmp_path / "a.json")] == [pair] * number


# ---- annotated text -----------------------------------------------------------------------------------------------------


def test_annotated_text_needs_no_id_and_may_come_from_parquet() -> None:
    row = {"text": " Mia left", "mentions": [{"start": 0, "end": 4, "labels": ["PER", "artist"]}], "metadata": '{"doc": "d"}'}
    (text,), lost = texts_of("annotated-text", row)
    assert text.id == "1" and mentions(text) == [("Mia", "PER"), ("Mia", "artist")] and text.metadata == {"doc": "d"}
    assert lost == {"white space at the edges of mentions": 1}

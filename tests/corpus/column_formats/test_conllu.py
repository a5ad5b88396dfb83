"""CoNLL-U: text and words, tags, mentions in brackets and in tags, what is wrong with a file, and a real one."""

from __future__ import annotations

import gzip
import json
import tarfile
from pathlib import Path

import pytest

from loreweave.corpus.column_formats.conllu import read_conllu, read_conllu_sentences
from loreweave.corpus.column_formats.conllu_misc import find_misc
from loreweave.errors import DataError


def row(id: str, form: str, tag: str = "X", misc: str = "_") -> str:
    return "\t".join([id, form, "_", tag, "_", "_", "_", "_", "_", misc])


def write(folder: Path, *lines: str) -> Path:
    path = folder / "a.conllu"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_text_words_and_tags(tmp_path: Path) -> None:
    rows = [row("1", "Ann", "PROPN"), row("2", "slept", "VERB", "SpaceAfter=No"), row("3", ".", "PUNCT")]
    second = [row("1", "Yes", "INTJ")]
    texts = list(read_conllu(write(tmp_path, "# newdoc id = d", "# sent_id = d-1", *rows, "", *second)))
    assert [(text.id, text.text) for text in texts] == [("d-1", "Ann slept."), ("a:2", "Yes")]
    assert texts[0].metadata == {"doc": "d", "tokens": [[0, 3], [4, 9], [9, 10]], "pos": ["PROPN", "VERB", "PUNCT"]}


def test_multi_word_tokens_and_empty_nodes(tmp_path: Path) -> None:
    split = [row("1-2", "don't", "_", "SpaceAfter=No"), row("1", "do", "AUX"), row("2", "n't", "PART")]
    fused = [row("3-4", "du", "_"), row("3", "de", "ADP"), row("4", "le", "DET")]
    (text,) = read_conllu(write(tmp_path, *split, *fused, row("4.1", "nothing"), row("5", "pain", "NOUN")))
    assert text.text == "don'tdu pain"
    assert text.metadata["tokens"] == [[0, 2], [2, 5], [5, 7], [8, 12]]
    assert text.metadata["pos"] == ["AUX", "PART", "ADP+DET", "NOUN"]


def test_a_multi_word_token_takes_the_mentions_of_its_words_and_of_itself(tmp_path: Path) -> None:
    fused = [row("1-2", "zum", misc="SpaceAfter=No"), row("1", "zu", misc="Entity=(1-x"), row("2", "dem"), row("2.1", "see")]
    spelled = [row("4-5", "can't", misc="Entity=(2-y)"), row("4", "ca"), row("5", "n't", misc="NER=B-Z")]
    rows = [*fused, row("3", "See", misc="Entity=1)"), *spelled]
    (text,) = read_conllu(write(tmp_path, "# global.Entity = GRP-etype", *rows))
    assert text.text == "zumSee can't" and text.metadata["tokens"] == [[0, 3], [3, 6], [7, 12]]
    assert text.metadata["pos"] == ["X+X", "X", "X+X"]
    found = [(text.surface(mention), mention.label) for mention in text.mentions]
    assert found == [("zumSee", "x"), ("can't", "y"), ("can't", "Z")]


def test_empty_nodes_inside_a_multi_word_token(tmp_path: Path) -> None:
    nothing = row("1.1", "_", "PRON", "Entity=(3-z)|NER=B-N")
    fused = [row("1-2", "zum"), row("1", "zu", "ADP", "Entity=(1-x"), nothing, row("2", "dem", "DET")]
    spelled = [row("4-5", "don't", "_", "SpaceAfter=No"), row("4", "do"), row("4.1", "_"), row("5", "n't")]
    rows = [*fused, row("3", "See", "NOUN", "Entity=1)"), *spelled, row("6", ".")]
    (text,) = read_conllu(write(tmp_path, "# global.Entity = GRP-etype", *rows))
    assert text.text == "zum See don't."
    assert text.metadata["tokens"] == [[0, 3], [4, 7], [8, 10], [10, 13], [13, 14]]
    assert text.metadata["pos"] == ["ADP+DET", "NOUN", "X", "X", "X"]
    assert [(text.surface(mention), mention.label) for mention in text.mentions] == [("zum See", "x")]


def test_a_mention_that_ends_at_an_empty_node_of_a_multi_word_token(tmp_path: Path) -> None:
    fused = [row("1-2", "zum"), row("1", "zu", misc="Entity=(1-x"), row("1.1", "_", misc="Entity=1)"), row("2", "dem")]
    (text,) = read_conllu(write(tmp_path, "# global.Entity = GRP-etype", *fused))
    assert [(text.surface(mention), mention.label) for mention in text.mentions] == [("zum", "x")]


def test_mentions_of_tags_and_documents_without_an_id(tmp_path: Path) -> None:
    name = [row("1", "Ann", misc="NER=B-PER|SpaceAfter=No"), row("2", "Hill", misc="NER=I-PER")]
    second = ["# newdoc", row("1", "Oslo", misc="ner=LOC")]
    texts = list(read_conllu(write(tmp_path, *name, row("3", "sang", misc="NER=O"), "", *second)))
    found = [[(text.surface(mention), mention.label) for mention in text.mentions] for text in texts]
    assert found == [[("AnnHill", "PER")], [("Oslo", "LOC")]]
    assert "doc" not in texts[0].metadata and texts[1].metadata["doc"] == "1"


@pytest.mark.parametrize(
    "tags",
    [
        ["name=B-PER|SpaceAfter=No", "name=I-PER", "name=O", "name=B-LOC"],  # DaNE
        ["SpaceAfter=No name=B-PER", "name=I-PER", "name=O", "name=B-LOC"],  # NorNE, with a space for the bar
        ["SpaceAfter=No|B-PER", "I-PER", "O", "B-LOC"],
        ["SpaceAfter=No B-PER", "I-PER", "O", "B-LOC"],
        ["B-PER;SpaceAfter=No", "I-PER", "O", "B-LOC"],
        ["SpaceAfter=No; B-PER", "I-PER", "O", "B-LOC"],
        ["name=B-PER,SpaceAfter=No", "name=I-PER", "name=O", "name=B-LOC"],
        ["NE=B-PER|SpaceAfter=No", "NE=I-PER", "_", "NE=B-LOC"],
        ["SpaceAfter=No|iob=B_PER", "iob=I_PER", "iob=O", "iob=B_LOC"],
        ["SpaceAfter=No|NER=PER-B", "NER=PER-I", "NER=o", "NER=LOC-B"],
        ["SpaceAfter=No|Entity=B-PER", "Entity=I-PER", "Entity=O", "Entity=B-LOC"],
        ["SpaceAfter=No|NER=PER", "NER=PER", "NER=O", "NER=LOC"],
        ["SpaceAfter=No|name=PER", "name=PER", "name=O", "name=LOC"],
        ["SpaceAfter=No|iob=PER", "iob=PER", "_", "iob=LOC"],
    ],
)
def test_tags_under_any_key_and_without_one(tags: list[str], tmp_path: Path) -> None:
    forms = ["Ann", "Hill", "saw", "Oslo"]
    rows = [row(str(place), form, misc=tag) for place, (form, tag) in enumerate(zip(forms, tags, strict=True), 1)]
    (text,) = read_conllu(write(tmp_path, *rows))
    assert text.text == "AnnHill saw Oslo"
    assert [(text.surface(one), one.label) for one in text.mentions] == [("AnnHill", "PER"), ("Oslo", "LOC")]


def test_what_the_last_column_holds_is_said(tmp_path: Path) -> None:
    assert find_misc(write(tmp_path, row("1", "Ann", misc="NER=B-PER"))).notes == ()
    path = write(tmp_path, row("1", "Ann", misc="name=B_PER"), row("2", "Li", misc="name=I_PER"))
    assert find_misc(path).notes == (
        "mentions are read from name= in the last column", "tags in another spelling: 'B_PER' as 'B-PER'",
    )  # fmt: skip
    names = [row("1", "Nato", misc="name=NATO|Typo=Yes|Lang=EN"), row("2", "met", misc="name=PER")]
    assert find_misc(write(tmp_path, *names)).keys == (), "names in capitals are no types"
    assert find_misc(write(tmp_path, row("1", "stad", misc="Gloss=LOC"))).keys == (), "the locative"
    numbered = [row("1", "Ann", misc="NE=PER_1"), row("2", "Li", misc="NE=PER_2"), row("3", "in", misc="NE=O")]
    with pytest.raises(DataError, match="field 'MISC NE': found types with the number of the mention .PER_1, PER_2."):
        find_misc(write(tmp_path, *numbered))
    path = write(tmp_path, row("1", "Ann", misc="SpaceAfter=No|name=Ann Hill"), row("2", "Li", misc="Foreign"))
    assert find_misc(path).notes[0].startswith("the last column has SpaceAfter=, name=, but neither Entity= nor tags")
    with pytest.raises(DataError, match="field 'MISC NER': found numbers as tags"):
        find_misc(write(tmp_path, row("1", "Ann", misc="NER=3"), row("2", "Li", misc="NER=0")))


def test_words_of_blanks_alone_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [row("1", "Ann", misc="NER=B-PER"), row("2", " ", misc="NER=I-PER"), row("3", "Li", misc="NER=I-PER")]
    (sentence,) = read_conllu_sentences(write(tmp_path, *rows))
    assert sentence.text is not None and sentence.text.text == "Ann Li" and sentence.blanks == 1
    assert [sentence.text.surface(one) for one in sentence.text.mentions] == ["Ann Li"]


def test_mentions_nest_and_may_have_parts(tmp_path: Path) -> None:
    rows = [
        row("1", "The", misc="Entity=(1-organization-new"),
        row("2", "Oslo", misc="SpaceAfter=No|Entity=(2-place-new)"),
        row("2.1", "of", misc="Entity=(5-event-new)"),
        row("3", "office", misc="Entity=1)(3[1/2]-time-new)"),
        row("4", "now", misc="Entity=(4--new)"),
    ]
    (text,) = read_conllu(write(tmp_path, "# global.Entity = GRP-etype-infstat", *rows))
    assert text.text == "The Oslooffice now"
    found = sorted((mention.start, text.surface(mention), mention.label) for mention in text.mentions)
    assert found == [(0, "The Oslooffice", "organization"), (4, "Oslo", "place"), (8, "office", "time"), (15, "now", None)]


def test_brackets_in_the_text_as_it_was(tmp_path: Path) -> None:
    rows = [
        row("1", "Oslo", misc="Entity=(2-object-new(1-place-new)|SpaceAfter=No"), row("2", "'s"),
        row("3", "(", misc="SpaceAfter=No"), row("4", "big", misc="SpaceAfter=No"), row("5", ")"),
        row("6", "river", misc="Entity=2)"),
    ]  # fmt: skip
    (text,) = read_conllu(write(tmp_path, "# global.Entity = GRP-etype-infstat", "# text = Oslo's (big) river", *rows))
    assert text.text == "Oslo's (big) river"
    assert [(text.surface(one), one.label) for one in text.mentions] == [("Oslo", "place"), ("Oslo's (big) river", "object")]


def test_entities_are_not_guessed_without_their_fields_but_counted(tmp_path: Path) -> None:
    path = write(tmp_path, row("1", "Oslo", misc="Entity=(2-place-new)(1-place-new"), row("2", "now", misc="Entity=1)"))
    (text,) = read_conllu(path)
    assert text.mentions == () and text.metadata["pos"] == ["X", "X"]
    assert [sentence.undeclared for sentence in read_conllu_sentences(path)] == [2]


def test_no_tags_at_all(tmp_path: Path) -> None:
    (text,) = read_conllu(write(tmp_path, row("1", "Oslo", "_")))
    assert "pos" not in text.metadata


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("1 Oslo", "line 3: found 1 column: '1 Oslo', expected 10 of CoNLL-U, with tabs between them"),
        ("1\tOslo", "line 3: found 2 columns: '1\\tOslo', expected 10 of CoNLL-U"),
        (row("x", "Oslo"), "line 3: found the id 'x'"),
        (row("2", ""), "line 3: found an empty form"),
        (row("2", "Oslo", misc="Entity=1)"), "line 3, field 'Entity': found the end of the mention '1', expected its begin"),
        (row("2", "Oslo", misc="Entity=(1-place"), "line 3, field 'Entity': found no end of the mention '1' in its"),
        (row("2", "Oslo", misc="NER=LOC") + "\n" + row("3", "Fjord", misc="NER=I-LOC"), "line 3, field 'NER': found the tags"),
    ],
)
def test_bad_files_name_the_line(tmp_path: Path, bad: str, message: str) -> None:
    with pytest.raises(DataError, match="a.conllu, line 3") as caught:
        list(read_conllu(write(tmp_path, "# global.Entity = GRP-etype", row("1", "In"), bad)))
    assert message in str(caught.value)


def test_bad_sentences_come_with_their_line_between_the_good_ones(tmp_path: Path) -> None:
    path = write(tmp_path, "# sent_id = a", row("1", "In"), "", row("1", "Oslo"), "2 now", "3 then", "", "", row("1", "Yes"))
    found = list(read_conllu_sentences(path))
    assert [sentence.line for sentence in found] == [2, 4, 9]
    assert [sentence.text and sentence.text.id for sentence in found] == ["a", None, "a:3"]
    assert [sentence.error and sentence.error.line for sentence in found] == [None, 5, None]


def test_gum_as_its_table_has_it(shared_data: Path, tmp_path: Path) -> None:
    """As many sentences and mentions as the data's own description says; words and nested mentions of the development set
    equal those in JSON Lines that were made from it independently.
    """
    folder = shared_data / "entity_gum"
    if not folder.is_dir():
        pytest.skip(f"no {folder}: the data set was left out of LOREWEAVE_DATA")
    with gzip.open(folder / "dev.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = {row["sent_id"]: row for row in map(json.loads, file)}
    with tarfile.open(folder / "gum_conllu_train_dev.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    texts = [text for path in tmp_path.rglob("*.conllu") for text in read_conllu(path)]
    assert (len(texts), sum(len(text.mentions) for text in texts)) == (4145, 25323)
    compared = [text for text in texts if text.id in rows]
    assert len(compared) == len(rows)
    for text in compared:
        expected, tokens = rows[text.id], text.metadata["tokens"]
        assert [text.text[start:end] for start, end in tokens] == expected["tokens"]
        spans = [(tokens[one["start"]][0], tokens[one["end"] - 1][1], one["type"]) for one in expected["entities"]]
        assert sorted((one.start, one.end, one.label) for one in text.mentions) == sorted(spans)

"""Column files: separators, schemes, documents, broken lines, and the real ones."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.column_formats.columns import read_column_sentences, scheme_of
from loreweave.corpus.column_formats.layout import ColumnLayout, find_layout
from loreweave.corpus.column_formats.sentences import column_rows, column_texts
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.records import FileFormat, read_records
from loreweave.errors import DataError


def write(folder: Path, content: str, name: str = "train.txt") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def read(path: Path, layout: ColumnLayout | None = None) -> ReadResult[AnnotatedText]:
    found = find_layout(path, layout)
    format = FileFormat("", column_texts, column_rows(found))
    result = read_records(path, "columns", False, {"columns": format}, lambda path: "columns")
    result.notes.extend(found.notes)
    return result


def read_columns(path: Path, layout: ColumnLayout | None = None) -> list[AnnotatedText]:
    return read(path, layout).records


def test_sentences_become_texts_with_mentions(tmp_path: Path) -> None:
    first, second = read_columns(write(tmp_path, "Ann\tB-PER\nHill\tI-PER\nsang\tO\n\n\nOslo\tB-LOC\n"))
    assert first.to_dict() == {
        "id": "train:1",
        "text": "Ann Hill sang",
        "mentions": [{"start": 0, "end": 8, "label": "PER"}],
        "metadata": {"tag_schemes": ["iob2"], "tokens": [[0, 3], [4, 8], [9, 13]]},
    }
    assert second.id == "train:2" and second.mentions[0].label == "LOC"


def test_four_columns_with_spaces_and_documents(tmp_path: Path) -> None:
    content = "-DOCSTART- -X- -X- O\n\nAnn NNP B-NP I-PER\nBo NNP B-NP B-PER\n\n-DOCSTART- -X- -X- O\nHi UH O O\n"
    ann, hi = read_columns(write(tmp_path, content))
    assert [ann.surface(mention) for mention in ann.mentions] == ["Ann", "Bo"]  # IOB1
    assert (ann.metadata["doc"], hi.metadata["doc"]) == ("1", "2")
    (chunks, _) = read_columns(tmp_path / "train.txt", ColumnLayout(tag=2))
    assert [mention.label for mention in chunks.mentions] == ["NP", "NP"]


def test_a_no_break_space_is_a_token_and_spaces_in_tokens_stay(tmp_path: Path) -> None:
    (sentence,) = read_column_sentences(write(tmp_path, "\u00a0\tO\r\nNew York\tperson-actor\r\n"))
    assert sentence.tokens == ("\u00a0", "New York") and sentence.tags == ("O", "person-actor")
    (text,) = read_columns(tmp_path / "train.txt")
    assert text.mentions[0].label == "person-actor" and text.metadata["tokens"] == [[0, 1], [2, 10]]


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_compressed_files_and_other_orders(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / f"dev.txt{suffix}"
    path.write_bytes(pack(b"B-LOC Oslo\nO is\n"))
    (text,) = read_columns(path, ColumnLayout(token=1, tag=0))
    assert text.text == "Oslo is" and text.surface(text.mentions[0]) == "Oslo" and text.id == "dev:1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Ann B-PER\nsang\n", "line 2: found 1 column: 'sang', expected 2 as on the lines before"),
        ("Ann\n", "line 1: found 1 column: 'Ann', expected a token and a tag"),
        ("Ann;B-PER\n", "'Ann;B-PER', expected a token and a tag, with a tab or spaces between, not semicolons"),
        ("Sentence: 1,Ann,N,B-per\n,sang,V,O\n", "line 2: found 1 column: ',sang,V,O', expected a token and a tag"),
        ("Ann B-PER\nsang,\n", "line 2: found 1 column: 'sang,', expected 2 as on the lines before"),
        ("Ann\tB-PER\n\tO\n", "line 2: found an empty token"),
        ("Ann\tB-PER\nHill\tperson\n", "line 2, field 'tag': found the tag 'person', expected a prefix (B-, I-, E-, S-)"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read_columns(write(tmp_path, content))
    assert message in str(caught.value) and "train.txt" in str(caught.value)


def test_bad_sentences_may_be_kept_with_their_error(tmp_path: Path) -> None:
    content = "Ann B-PER\nsang\nwell O\n\nOslo\n\nBob B-PER\n"
    first, second, third = read_column_sentences(write(tmp_path, content), keep_bad=True)
    assert first.tokens == ("Ann",) and first.error is not None and first.error.line == 2
    assert second.error is not None and (second.line, second.error.line) == (5, 5)
    assert third.error is None and third.tokens == ("Bob",)


def test_the_scheme_of_all_tags_is_one(tmp_path: Path) -> None:
    path = write(tmp_path, "Ann B-PER\n\nsang O\nHill person\n")
    with pytest.raises(DataError, match="train.txt, line 4: found the tags 'B-PER' and 'person'"):
        scheme_of(read_column_sentences(path), path)
    assert scheme_of(read_column_sentences(write(tmp_path, "Ann person\nsang O\n")), path) == "io"


def test_comments_are_passed_over_and_a_sharp_is_a_token(tmp_path: Path) -> None:
    content = "# id 7 domain=en\n# newdoc\n# text = # x\n#\tO\nx\tO\n\n# sent_id = 2\n\ny\tO\n"
    first, second = read_column_sentences(write(tmp_path, content))
    assert first.tokens == ("#", "x") and (first.line, second.tokens) == (4, ("y",))


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 1: found 2 columns, expected columns 0 and 3"):
        read_columns(write(tmp_path, "Ann O\n"), ColumnLayout(tag=3))


@pytest.mark.parametrize(
    ("name", "sentences", "mentions"),
    [
        ("ner_wnut17/wnut17train.conll.gz", 3394, 1975),
        ("ner_wnut17/emerging.test.annotated.gz", 1287, 1079),
        ("ner_crossner/ai/test.txt.gz", 431, None),
    ],
)
def test_the_real_files(shared_data: Path, name: str, sentences: int, mentions: int | None) -> None:
    texts = read_columns(shared_data / name)
    assert len(texts) == sentences
    assert mentions is None or sum(len(text.mentions) for text in texts) == mentions


# ---- which columns hold what ----------------------------------------------------------------------------------------------


Found = list[tuple[str, str]]


def found(folder: Path, content: str, layout: ColumnLayout | None = None) -> tuple[list[str], list[Found], list[str]]:
    """Texts, their mentions, and notes."""
    result = read(write(folder, content), layout)
    texts, notes = result.records, result.notes
    mentions = [[(text.surface(one), str(one.label)) for one in text.mentions] for text in texts]
    return [text.text for text in texts], mentions, notes


@pytest.mark.parametrize(
    "content",
    [
        "0\tMia\tB-PER\n1\tHill\tI-PER\n2\tleft\tO\n\n0\tOslo\tB-LOC\n",  # WikiNEuRal
        "1 Mia B-PER\n2 Hill I-PER\n3 left O\n\n1 Oslo B-LOC\n",
        "7\tMia\tB-PER\n7\tHill\tI-PER\n7\tleft\tO\n\n8\tOslo\tB-LOC\n",  # the number of the sentence
        "0\tMia\tB-PER\n0\tHill\tI-PER\n0\tleft\tO\n1\tOslo\tB-LOC\n",  # no blank line
        "doc 0 0 Mia NNP B-PER\ndoc 0 1 Hill NNP I-PER\ndoc 0 2 left VBD O\n\ndoc 0 0 Oslo NNP B-LOC\n",  # CoNLL-2012
        "0\tMia\tB-PER\n1\tHill\tI-PER\n2\tleft\tO\n\n3\tOslo\tB-LOC\n",  # through the file
        "7\tMia\tB-PER\n8\tHill\tI-PER\n9\tleft\tO\n\n10\tOslo\tB-LOC\n",  # from any number
        "1-1\tMia\tB-PER\n1-2\tHill\tI-PER\n1-3\tleft\tO\n\n2-1\tOslo\tB-LOC\n",  # WebAnno's TSV 2
        "1.\tMia\tB-PER\n2.\tHill\tI-PER\n3.\tleft\tO\n\n1.\tOslo\tB-LOC\n",
        "s1_w1\tMia\tB-PER\ns1_w2\tHill\tI-PER\ns1_w3\tleft\tO\n\ns2_w1\tOslo\tB-LOC\n",
        "1\tMia\tB-PER\t\n2\tHill\tI-PER\t\n3\tleft\tO\t\n\n1\tOslo\tB-LOC\t\n",  # a tab at the end of every line
        "text\tlabel\nMia\tB-PER\nHill\tI-PER\nleft\tO\n\nOslo\tB-LOC\n",
        "Mia\tB-PER\tmia\nHill\tI-PER\thill\nleft\tO\tleave\n\nOslo\tB-LOC\toslo\n",  # the tag in between
        "token\tner\tlemma\nMia\tB-PER\tmia\nHill\tI-PER\thill\nleft\tO\tleave\n\nOslo\tB-LOC\toslo\n",
        "Sentence #\tWord\tPOS\tTag\n1\tMia\tN\tB-PER\n\tHill\tN\tI-PER\n\tleft\tV\tO\n2\tOslo\tN\tB-LOC\n",
        "# global.columns = ID FORM NE MISC\n1\tMia\tB-PER\t_\n2\tHill\tI-PER\t_\n3\tleft\tO\t_\n\n1\tOslo\tB-LOC\t_\n",
    ],
)
def test_the_columns_of_words_and_tags_are_found_and_said(content: str, tmp_path: Path) -> None:
    texts, mentions, notes = found(tmp_path, content)
    assert texts == ["Mia Hill left", "Oslo"] and mentions == [[("Mia Hill", "PER")], [("Oslo", "LOC")]]
    assert len(notes) >= 1


@pytest.mark.parametrize("header", ["", "sentence\tword\tpos\tner\n"])
def test_chosen_columns_keep_the_sentences_that_a_column_numbers(header: str, tmp_path: Path) -> None:
    content = header + "1\tMia\tX\tB-PER\n1\tleft\tY\tO\n2\tOslo\tX\tB-LOC\n2\tslept\tY\tO\n3\tLeo\tX\tB-PER\n3\tran\tY\tO\n"
    texts, _, notes = found(tmp_path, content, ColumnLayout(token=1, tag=3))
    assert texts == ["Mia left", "Oslo slept", "Leo ran"] == found(tmp_path, content)[0]
    assert notes == ["column 0 (from 0) shows where sentences begin"]
    assert found(tmp_path, content, ColumnLayout(token=0, tag=3))[0] == ["1 1 2 2 3 3"]  # the user says that these are words


def test_outer_and_nested_mentions_are_both_read(tmp_path: Path) -> None:
    """GermEval's columns; two systems' tags in two columns are not that, and the last is read."""
    germeval = "#\thttp://x.org [2009]\n1\tDer\tO\tO\n2\tFC\tB-ORG\tO\n3\tBergen\tI-ORG\tB-LOC\n4\tsiegt\tO\tO\n"
    texts, mentions, notes = found(tmp_path, germeval)
    assert texts == ["Der FC Bergen siegt"] and mentions == [[("FC Bergen", "ORG"), ("Bergen", "LOC")]]
    assert notes[1] == "columns 2 and 3 have tags of outer and of nested mentions; both are read"
    _, mentions, _ = found(tmp_path, germeval.replace("B-LOC", "O"))
    assert mentions == [[("FC Bergen", "ORG")]]
    # A mention of another sentence is around none, though its words have the same places.
    apart = "FC B-ORG O\nBergen I-ORG O\nsiegt O O\n\nOslo O B-LOC\nruft O O\nlaut O O\n"
    assert found(tmp_path, apart)[1] == [[], [("Oslo", "LOC")]]
    _, mentions, notes = found(tmp_path, "Mia B-PER B-PER\nin O O\nOslo B-LOC B-ORG\n")
    assert mentions == [[("Mia", "PER"), ("Oslo", "ORG")]]
    assert notes == ["columns 1 and 2 have the same types; 2 is read (--format columns:0,1 reads the other)"]


def test_chunks_are_no_mentions_and_a_bad_tag_is_no_reason_to_read_them(tmp_path: Path) -> None:
    _, mentions, notes = found(tmp_path, "Mia NNP B-NP O\nleft VBD B-VP O\n")
    assert mentions == [[]] and notes == []
    with pytest.raises(DataError, match="found the tag 'PERS', expected a prefix"):
        found(tmp_path, "Mia NNP B-NP B-PER\nleft VBD B-VP O\nAnn NNP B-NP PERS\n")


def test_words_that_are_an_index_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train.txt, field 'token': found words that count up like an index \(1, 2, 3\)"):
        found(tmp_path, "1\tB-PER\n2\tI-PER\n3\tO\n")


def test_ids_of_conllu_in_other_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found ids of multi-word tokens or empty nodes \(1-2\)"):
        found(tmp_path, "1-2\tdu\tO\n1\tde\tO\n2\tle\tO\n3\tOslo\tB-LOC\n")


def test_layouts_that_are_not_read_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found tags with numbers \(PER\[1\]\), as WebAnno's TSV 3 .*export"):
        found(tmp_path, "1-1\t0-3\tMia\tPER[1]\n1-2\t4-8\tHill\tPER[1]\n1-3\t9-13\tleft\t_\n")
    with pytest.raises(DataError, match="WebAnno's TSV 3"):
        found(tmp_path, "#Text=Mia left\n1-1\t0-3\tMia\tPER[1]\t\n1-2\t4-8\tleft\t_\t\n")
    with pytest.raises(DataError, match="found tags in brackets"):
        found(tmp_path, "Mia\t(PER*\nHill\t*)\nleft\t*\n")
    with pytest.raises(DataError, match="line 1: found 1 column: 'Mia,B-PER', .* spaces between, not commas"):
        found(tmp_path, "Mia,B-PER\nleft,O\n")


def test_numbers_that_are_words_stay_words(tmp_path: Path) -> None:
    texts, _, notes = found(tmp_path, "1\tB-NUM\n4\tB-NUM\n\n10\tB-NUM\nmen\tO\n")
    assert texts == ["1 4", "10 men"] and notes == []


# ---- comments -------------------------------------------------------------------------------------------------------------


def test_first_tokens_that_look_like_comments_and_comments_that_look_like_tokens(tmp_path: Path) -> None:
    texts, _, _ = found(tmp_path, "#id O\nis O\nOslo B-LOC\n\n# O\n1 O\n\n#text O\n\n# newdoc\n## ing O\n")
    assert texts == ["#id is Oslo", "# 1", "#text"]
    klue = "## klue-1\t<서울:LC>에\n서\tB-LC\n울\tI-LC\n에\tO\n\n## klue-2\t가\n가\tO\n"
    assert found(tmp_path, klue)[0] == ["서 울 에", "가"]
    assert found(tmp_path, "#begin document (x); part 0\nMia B-PER\n\n#end document\n")[0] == ["Mia"]
    assert found(tmp_path, "#tag\tproduct\nby\tO\n\n#\tO\n\n# newpar\nx\tO\n")[0] == ["#tag by", "#", "x"]


# ---- blank tokens ---------------------------------------------------------------------------------------------------------


def test_blank_tokens_among_characters_are_the_spaces_of_the_text(tmp_path: Path) -> None:
    content = "서\tB-LC\n울\tI-LC\n \tI-LC\n시\tI-LC\n \tO\n가\tO\n\n나\tO\n"
    result = read(write(tmp_path, content))
    first, second = result.records
    assert (first.text, second.text) == ("서울 시 가", "나")
    assert first.surface(first.mentions[0]) == "서울 시" and len(first.mentions) == 1
    assert first.metadata["tokens"] == [[0, 1], [1, 2], [3, 4], [5, 6]] and result.dropped["blank tokens"] == 2


@pytest.mark.parametrize("separator", ["\t", " "])
def test_blank_tokens_among_words_are_left_out_and_part_or_join_as_they_did(separator: str, tmp_path: Path) -> None:
    rows = [("Mia", "B-PER"), (" \t"[separator == " "], "I-PER"), ("Hill", "I-PER"), (" \t"[separator == " "], "O"),
            ("Leo", "I-PER"), (" \t"[separator == " "], "B-LOC"), ("ran", "O")]  # fmt: skip
    result = read(write(tmp_path, "".join(f"{token}{separator}{tag}\n" for token, tag in rows)))
    (text,) = result.records
    assert text.text == "Mia Hill Leo ran"
    assert [text.surface(one) for one in text.mentions] == ["Mia Hill", "Leo"]
    assert result.dropped == {"blank tokens": 3, "mentions of white space only": 1}


def test_no_break_spaces_stay_tokens_but_not_the_edges_of_mentions(tmp_path: Path) -> None:
    content = "Oslo\tB-LOC\n\u00a0\tI-LOC\n\u3000\tB-PER\nran\tO\n"
    result = read(write(tmp_path, content))
    (text,) = result.records
    assert len(text.metadata["tokens"]) == 4 and [text.surface(one) for one in text.mentions] == ["Oslo"]
    assert result.dropped == {"mentions of white space only": 1, "white space at the edges of mentions": 1}

"""spaCy's binary files, read without spaCy: a file that spaCy 3.8 wrote."""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from pathlib import Path

import pytest

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.files.rows import LeftOut
from loreweave.corpus.mention_formats import recognised_mentions, spacy_docbin
from loreweave.corpus.mention_formats.msgpack import unpack
from loreweave.corpus.tokens import token_offsets
from loreweave.errors import DataError

WRITTEN = base64.b85decode(
    "c%188UY1%^oSC1u*g(&4X<|u9QSoF)U%zD~`Pr#?#YdSmmj9Hv_s!gA7Bd3`)G$Km&eBV#B0Q}3Gop!mu1PCf66~>ti2)T%_^H6S$#R|vy13vEw?"
    "m(;GRx4#4NH8rBaUvChS?k2_$QUwbJL?&;x8-fOk#P_)#nv8EU~#Xe=WNBe5kw7#TOk~<MZZb{d#n9#(r7OUH4xcKo{pznVj2bvWpE}e9Hn|HLrO"
    "lxx|{kKqalUy62}3%wP3T_nArvRJ;`4bd3>BeBaK{V-FvC^Pro9D_-`eG4{nzw%CWJoFVAruk{X`KQ5t*U!ANk7TL8L-FSwR4=rV)j8tEuoBz&kd"
    "x>ItpE<gQWyJ-F$*ILh#2JAA$Y%sW5CZcV8J6dy=B1Zp6d#e`2Fk)rWr4CmrY$cnDay=CFTTT|ykH^MLWPBTiyYk-JLcsrcFIp$=2VoJmr}CWJ27"
    "*yPip>R-^|3t{z2}G{fkPL_!sBoFAH!D3ikI~7_mGmHK(K~KW|ZD`r<^O-Xx&jB#7RW)RM*7iJ41sQqxKn=Ku}K%}iXHn_rfivM4`oNj}h&#l?x`"
    "ON(<-3rZH1<S!}DEXi121u<^Phxs!amLw;Z6i;gagQaOXiRs1D8aHJm7RQ(7W#{FW=fy+9;1Fekhl$s|8c65Grx)dy78FlA!Z-m1c{CnzY+jO=n4"
    "7w&I2n?)8<v7J6i+;&fgasZkP4+?sgQXhP%i-9!yZx"
)
"""Six documents: two entities (of a built-in type and another), none, no words, words without known spaces, entities that are
missing in all tokens, and an entity beside a group of spans. The word `det` is a built-in name of spaCy."""

LINKED = base64.b85decode(
    "c%188UY1%^oSC1u*g(&4X<|u9QSn?yXHPG0A74NJfU}H8&N3c7%Xn;ANq%-}Uhz>Df#p9X?tL@&nPqjWYg+rhP<;jhfEh~HFrtdXxVD#Br6l^BG4yqoUOE"
    "-wVZHyo$Ni)Ffd_vRvIk}!x;-#}%O1})X=O`-J=VZzLiR8bQh)<Y_^H6S$#R|vjHZ=6h9$n*5l1&m7d|vx6L;;?TSDq#@zaPS++gORi{}+JEU~#Xe=UqAW"
    "DmLiIr-31Cdx?lrG;@pO8Wji$%NG7N^gX~RrfpUJ-Qp^VKgE2<obtCWpZw#$u71FFN`1l)VQQdNIfC{n59RSIfhNBMi*anXpPUCoAv8qG$DJ)_0O{6g2d$"
    "1;v-y)P{6>jJSR0Ty(FXf2n!cb!SdpgqRhPX;yVl?3l{1vb1F*AODS3GotU}U$KQFePip>R-^|3tex5!{{EKt)mj$>61^fFg3N&8~RJSY%qB<L>ItQpSH#"
    "2c*Zhl#6%94Db+C?S#OUg4#GL|GKmK0BHSellTm|i@waZ^TOaeQfBc3ysYUOdEghgJjWy!iB@{L+HriANYG0087|zDW"
)
"""Four entities: two with ids of a knowledge base, one without, and one that is `NIL`."""


def write(folder: Path, data: bytes = WRITTEN) -> Path:
    path = folder / "train.spacy"
    path.write_bytes(data)
    return path


def test_what_spacy_wrote(tmp_path: Path) -> None:
    path, texts, lost = write(tmp_path), [], Counter[str]()
    assert recognised_mentions(path, None) == recognised_mentions(tmp_path, None) == "spacy"
    for number, (_, row) in enumerate(spacy_docbin.rows(path), 1):
        for item in spacy_docbin.texts(row, str(number)):
            if isinstance(item, LeftOut):
                lost[item.reason] += 1
            else:
                assert isinstance(item, AnnotatedText)
                texts.append(item)
    assert [(text.text, [(text.surface(m), m.label) for m in text.mentions]) for text in texts] == [
        ("Mia Brandt moved to  Oslo\nwith det. \N{GRINNING FACE}", [("Mia Brandt", "PERSON"), ("Oslo", "Ort")]),
        ("Leo slept .", []),
        ("", []),
        ("Zeltron AG of Mia", [("Zeltron AG", "ORG"), ("Mia", "PERSON")]),
        ("Kai left", [("Kai", "PERSON")]),
    ]
    words = [texts[0].text[start:end] for start, end in token_offsets(texts[0])]
    assert words == ["Mia", "Brandt", "moved", "to", "Oslo", "with", "det", ".", "\N{GRINNING FACE}"]
    assert lost == {
        "texts without entity annotation (missing in all tokens)": 1, "groups of spans of spaCy (doc.spans)": 1,
    }  # fmt: skip
    assert [place for place, _ in spacy_docbin.rows(tmp_path)][-1] == "train.spacy, document 6"


def test_ids_of_a_knowledge_base_are_the_entities(tmp_path: Path) -> None:
    ((_, row),) = spacy_docbin.rows(write(tmp_path, LINKED))
    (text,) = spacy_docbin.texts(row, "1")
    assert isinstance(text, AnnotatedText)
    assert [(text.surface(mention), mention.label, mention.entity) for mention in text.mentions] == [
        ("Mia Brandt", "PERSON", "Q7"), ("Oslo", "LOC", "Oslo"), ("Kai", "PERSON", None), ("Leo", "PERSON", None),
    ]  # fmt: skip


def test_hashes_are_those_of_spacy() -> None:
    assert spacy_docbin._hash(b"coffee") == 3197928453018144401  # from spaCy's documentation
    assert spacy_docbin._hash("\N{GRINNING FACE}".encode()) != spacy_docbin._hash(b"")


@pytest.mark.parametrize(
    "data", [b"", b"Mia B-PER\n", WRITTEN[:40], zlib.compress(b"\x81\xa5attrs\x90"), zlib.compress(b"\xc1")]
)
def test_files_that_are_no_docbin(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DataError, match=r"train.spacy: found no file of spaCy's DocBin"):
        list(spacy_docbin.rows(write(tmp_path, data)))


def test_messagepack_by_hand() -> None:
    packed = b"\x82\xa1a\x93\x01\xff\xcd\x01\x00\xc4\x02\x00\x01\x92\xc3\xc0"
    assert unpack(packed) == {"a": [1, -1, 256], b"\x00\x01": [True, None]}
    assert unpack(b"\xcb?\xf0\x00\x00\x00\x00\x00\x00") == 1.0 and unpack(b"\xd9\x02\xc3\xa9") == "\u00e9"
    for broken in (b"", b"\x92\x01", b"\x01\x02", b"\xc7\x01\x00\x00", b"\xa1\xff", b"\x81\x90\x01"):
        with pytest.raises(DataError):
            unpack(broken)

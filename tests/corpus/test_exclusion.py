"""Texts left out by id or title."""

from __future__ import annotations

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.exclusion import Exclusion


def test_ids_and_titles_are_left_out_and_counted() -> None:
    texts = [AnnotatedText(id, "x", metadata={"title": title}) for id, title in (("1", "Oslo"), ("2", "Bern"), ("3", "Rome"))]
    exclusion = Exclusion(["Oslo", "3", "Rome", "Bergen", "Aachen"])
    assert [text.id for text in exclusion.kept(texts)] == ["2"]
    assert exclusion.texts == 2
    assert exclusion.not_found() == ["Aachen", "Bergen"]

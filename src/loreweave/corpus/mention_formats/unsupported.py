"""Files of annotation tools that are recognised by their keys but not read: the tool's name, and how to convert them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loreweave.corpus.wikispeedia_layout import WIKISPEEDIA, is_wikispeedia

_WRITE = 'write each text as {"text": ..., "entities": [[start, end, label]]}, one object per line'

_TOOLS: tuple[tuple[frozenset[str], str, str], ...] = tuple(
    (frozenset(keys), tool, way_out)
    for keys, tool, way_out in (
        (("paragraphs",), "JSON of spaCy 2", "'spacy convert FILE.json FOLDER' makes a .spacy file of it, which is read"),
        (("assets",), "a project of Azure's language service", f"its texts are files of their own; {_WRITE}"),
        (("projectFileVersion",), "a project of Azure's language service", f"its texts are files of their own; {_WRITE}"),
        (("textSegmentAnnotations",), "text extraction of Google's Vertex AI", _WRITE),
        (("%FEATURE_STRUCTURES",), "UIMA CAS JSON, as INCEpTION writes it", "export the project as CoNLL 2002, which is read"),
        (("rasa_nlu_data",), "training data of Rasa", f"from 'common_examples' {_WRITE}"),
        (("annotations_and_examples",), "an export of LightTag", _WRITE),
        (("annotatable", "anncomplete"), "annotations of tagtog", f"its texts are files of their own; {_WRITE}"),
        (("content", "annotation"), "an export of Dataturks", f"its ends are inclusive: add 1 to each, and {_WRITE}"),
    )
)
"""Keys of a row written by the tool, the tool, and how to convert the file."""

RECORD_LAYOUT = "found queries in the layout of ReCoRD, which the task cloze-qa reads"


def unsupported_tool(row: Any) -> str | None:
    """The tool that wrote a row, or the task that reads it, and the way out, in words; None if it is unknown."""
    if not isinstance(row, Mapping):
        return None
    if is_wikispeedia(row):
        return WIKISPEEDIA
    paragraphs = row.get("paragraphs")
    if isinstance(paragraphs, list) and paragraphs and isinstance(paragraphs[0], Mapping) and "context" in paragraphs[0]:
        return "found questions in the layout of SQuAD, which the task extractive-qa reads"
    if {"passage", "qas"} <= row.keys():
        return RECORD_LAYOUT
    for keys, tool, way_out in _TOOLS:
        if keys <= set(row):
            return f"found {tool}, which is not read: {way_out}"
    if isinstance(row.get("source"), str) and any(f"{name}-metadata" in row for name in row):
        return f"found a manifest of SageMaker Ground Truth, which is not read: {_WRITE}"
    return None

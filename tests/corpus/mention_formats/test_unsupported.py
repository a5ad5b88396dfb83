"""Files of tools that are told and not read are refused by the tool's name, with the way out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loreweave.cli.main import main

TOKENS = [{"orth": "Mia", "ner": "U-PER"}, {"orth": "left", "ner": "O"}]
SPACY_2 = {"id": 0, "paragraphs": [{"raw": "Mia left", "sentences": [{"tokens": TOKENS}]}]}
AZURE = {"projectFileVersion": "2022-05-01", "stringIndexType": "Utf16CodeUnit", "assets": {"documents": []}}
GROUND_TRUTH = {"source": "Mia left", "ner": {"annotations": {"entities": []}}, "ner-metadata": {"job-name": "x"}}
WIKISPEEDIA = {"title": "Oslo", "text": "Mia left", "paragraphs": [[0, 8, "p"]], "links": [[0, 3, "Mia"]], "outlinks": ["Mia"]}
FILES: list[tuple[Any, str]] = [
    ([SPACY_2], "JSON of spaCy 2, which is not read: 'spacy convert FILE.json FOLDER' makes a .spacy file"),
    (SPACY_2, "JSON of spaCy 2"),
    ({"data": [{"title": "Oslo", "paragraphs": [{"context": "Mia left", "qas": []}]}]}, "the task extractive-qa reads"),
    ({"data": [{"passage": {"text": "Mia left", "entities": []}, "qas": []}]}, "the task cloze-qa reads"),
    (WIKISPEEDIA, "'loreweave build mentions', 'build entity-vocab', 'build entity-types' and 'build pretraining' read with"),
    (AZURE, "a project of Azure's language service"),
    (GROUND_TRUTH, "a manifest of SageMaker Ground Truth"),
    ({"textSegmentAnnotations": [], "textContent": "Mia left"}, "Google's Vertex AI"),
    ({"%TYPES": {}, "%FEATURE_STRUCTURES": []}, "export the project as CoNLL 2002"),
    ({"rasa_nlu_data": {"common_examples": []}}, "training data of Rasa"),
    ({"annotatable": {}, "anncomplete": True, "entities": []}, "annotations of tagtog"),
    ({"content": "Mia left", "annotation": [], "extras": None}, "an export of Dataturks"),
]


@pytest.mark.parametrize("task", ["ner", "few-shot-ner", "entity-typing"])
@pytest.mark.parametrize(("content", "said"), FILES, ids=lambda value: value[:20] if isinstance(value, str) else "")
def test_the_tool_and_the_way_out_are_named(
    task: str, content: Any, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "export.json"
    for indent in (None, 1):
        file.write_text(json.dumps(content, indent=indent))
        assert main(["check", task, str(file)]) == 1
        error = " ".join(capsys.readouterr().err.split())
        assert "export.json" in error and said in error


@pytest.mark.parametrize("links", [[], [[0, 3, "Mia"]]])
@pytest.mark.parametrize(
    "task", ["relation-classification", "cloze-qa", "extractive-qa", "few-shot-relation", "entity-linking"]
)
def test_articles_of_wikispeedia_are_named_in_every_task_that_does_not_read_them(
    task: str, links: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "articles.jsonl"
    file.write_text(json.dumps(WIKISPEEDIA | {"links": links}))
    assert main(["check", task, str(file)]) == 1
    error = " ".join(capsys.readouterr().err.split())
    assert "found articles of Wikispeedia with links" in error and "--format wikispeedia" in error


def test_keys_that_tell_nothing_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.json").write_text('{"source": "a", "annotations": 3}')
    assert main(["check", "ner", str(tmp_path / "x.json")]) == 1
    assert "found the keys source, annotations" in capsys.readouterr().err

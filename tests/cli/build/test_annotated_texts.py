"""Files of another format given to the commands that read texts with links: the error names the option."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loreweave.cli.main import main
from loreweave.corpus.entity_vocabulary import EntityVocabulary

ARTICLE = {"title": "Oslo", "text": "In Norway.", "paragraphs": [[0, 10, "p"]], "links": [[3, 9, "Norway"]]}


@pytest.mark.parametrize("kind", ["mentions", "entity-vocab", "entity-types", "pretraining"])
def test_the_format_of_wikispeedia_is_named(
    kind: str, tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pages, output = tmp_path / "articles.jsonl", tmp_path / "built.tsv"
    pages.write_text(json.dumps(ARTICLE))
    EntityVocabulary.from_counts({"Norway": 1}).save(tmp_path / "vocab.jsonl")
    options = {"pretraining": ["--vocabulary", str(tmp_path / "vocab.jsonl"), "--tokenizer", str(tiny_bert)]}
    assert main(["build", kind, str(pages), "--output", str(output), *options.get(kind, [])]) == 1
    error = " ".join(capsys.readouterr().err.split())
    assert "articles.jsonl, line 1: found articles of Wikispeedia with links" in error and "--format wikispeedia" in error
    assert not output.exists()

"""`loreweave build text-blocks`: text in, a pre-training set without entities out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.cli.main import main


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "book.txt").write_text("Oslo is the capital.\nIt is old.\n\nBergen lies in the west.\n")
    rows = [{"title": "Oslo", "text": "A city."}, {"title": "Bergen", "text": "Another city."}]
    (tmp_path / "pages.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return [str(tmp_path / "book.txt"), str(tmp_path / "pages.jsonl")]


def test_documents_become_blocks(
    files: list[str], tmp_path: Path, minilm_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "reserved.txt").write_text("Bergen\nOsslo\n")
    arguments = ["--tokenizer", str(minilm_dir), "--output", str(tmp_path / "set"), "--break-mode", "complete_doc"]
    command = ["build", "text-blocks", *files, *arguments, "--exclude", str(tmp_path / "reserved.txt")]
    assert main(command) == 0
    shown = capsys.readouterr()
    assert "blocks\t3" in shown.out and "documents excluded\t1" in shown.out and f"wrote {tmp_path / 'set'}" in shown.err
    assert "excluded names not found\t1" in shown.out
    assert f"{tmp_path / 'reserved.txt'}: no text has the id or title 'Osslo'" in shown.err
    opened = open_pretraining_set(tmp_path / "set", verify=True)
    assert opened.dataset["text_id"][:] == ["book.txt:1", "book.txt:4", "Oslo"]
    tokenizer = opened.tokenizer()
    assert tokenizer.decode(opened.dataset["word_ids"][0]) == "oslo is the capital. [SEP] it is old."
    assert main([*command, "--json"]) == 2
    assert main([*command, "--json", "--overwrite"]) == 0
    assert json.loads(capsys.readouterr().out)["blocks"] == 3


def test_an_unknown_break_mode_is_wrong_use(
    files: list[str], tmp_path: Path, minilm_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--tokenizer", str(minilm_dir), "--output", str(tmp_path / "set"), "--break-mode", "document"]
    assert main(["build", "text-blocks", *files, *arguments]) == 2
    assert "expected one of none, complete, complete_doc, eos" in capsys.readouterr().err


@pytest.mark.parametrize(("unknown", "warned"), [(2, False), (6, True)])
def test_a_tokenizer_that_does_not_know_the_script_is_named(
    unknown: int, warned: bool, tmp_path: Path, minilm_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two of 50 sub-words are 4 %, six are 12 %."""
    (tmp_path / "a.txt").write_text(" ".join(["\N{GRINNING FACE}"] * unknown + ["the"] * (50 - unknown)))
    arguments = ["--tokenizer", str(minilm_dir), "--output", str(tmp_path / "set"), "--json"]
    assert main(["build", "text-blocks", str(tmp_path / "a.txt"), *arguments]) == 0
    shown = capsys.readouterr()
    counts = json.loads(shown.out)
    assert (counts["sub_words"], counts["sub_words_unknown"]) == (50, unknown)
    said = f"warning: 6 of 50 sub-words (12%) are unknown to the tokenizer {minilm_dir}: give an encoder of the language"
    assert (said in " ".join(shown.err.split())) == warned

"""`loreweave types` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoTokenizer, BertConfig, BertForMaskedLM

from loreweave.checkpoints import latent_typing
from loreweave.cli.main import main
from loreweave.models.sparse_typing import SparseTypingHead


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, minilm_dir: Path) -> Path:
    """A tiny BERT whose typer gives every sub-word type 1."""
    place = tmp_path_factory.mktemp("types")
    torch.manual_seed(0)
    BertForMaskedLM(
        BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64)
    ).save_pretrained(place)
    AutoTokenizer.from_pretrained(minilm_dir).save_pretrained(place)
    head = SparseTypingHead.of(AutoModel.from_pretrained(place), types=2)
    with torch.no_grad():
        head.bias[7] = 100.0  # an unused token of the vocabulary: all that is rebuilt
    latent_typing.save(place, head, {})
    return place


def test_sentences(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["types", "Ann lives in Oslo.", " ", "--model", str(folder)]) == 0
    out, err = capsys.readouterr()
    first, second, third = out.splitlines()
    assert first.replace("(1)", "") == "Ann lives in Oslo."
    assert second.startswith("  rebuilt: [unused6]")
    assert third == f"  {first.count('(1)')} of 5 sub-words selected, {'1 type' if '(1)' in first else '0 types'}"
    assert "1 empty line left out" in err


def test_json_of_a_file(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("Ann lives in Oslo.\n\nA river.\n")
    arguments = ["types", "--file", str(tmp_path / "a.txt"), "--model", str(folder), "--json", "--no-rebuild"]
    assert main([*arguments, "--max-length", "5"]) == 0
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["text"] for row in rows] == ["Ann lives in Oslo.", "A river."]
    assert [token["text"] for token in rows[0]["tokens"]] == ["Ann", "lives", "in"]
    assert "reconstruction" not in rows[0] and rows[0]["sub_words_cut"] == 2
    assert "1 empty line left out" in err and "2 sub-words were not read: beyond the first 5 of a sentence" in err


def test_annotated_sentences_of_a_file(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, names = tmp_path / "a.jsonl", tmp_path / "names.txt"
    path.write_text('{"tokens": ["Ann", "sang"], "tags": [1, 0]}\n{"tokens": ["Ann"], "tags": [1, 0]}\n')
    names.write_text("O\nB_PER\n")
    command = ["types", "--file", str(path), "--model", str(folder), "--json", "--no-rebuild"]
    assert main([*command, "--tag-names", str(names)]) == 1
    assert "a.jsonl, line 2, field 'tags': found 2 tags for 1 token" in capsys.readouterr().err
    assert main([*command, "--tag-names", str(names), "--skip-bad", "--format", "tokens"]) == 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["text"] for line in out.splitlines()] == ["Ann sang"]
    assert f"{path}: skipped 1 record: bad tags (1)" in err and "'B_PER' as 'B-PER'" in err


@pytest.mark.parametrize(("method", "more"), [("beam", ["--beams", "2"]), ("sample", ["--temperature", "0.5"]), ("greedy", [])])
def test_all_ways_to_rebuild(folder: Path, capsys: pytest.CaptureFixture[str], method: str, more: list[str]) -> None:
    assert main(["types", "A river.", "--model", str(folder), "--full-length", "--method", method, *more]) == 0
    assert capsys.readouterr().out.count("[unused6]") == 4


def test_samples_follow_their_seed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = ["types", "Ann lives in Oslo.", "--model", str(folder), "--method", "sample", "--temperature", "50", "--json"]
    shown = []
    for seed in ("1", "1", "2"):
        assert main([*sample, "--seed", seed]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] != shown[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give sentences, or --file FILE"),
        (["a", "--method", "best"], "found 'best', expected greedy, beam or sample"),
        (["--file", "missing.txt"], "missing.txt"),
    ],
)
def test_wrong_use_is_said(folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert main(["types", *arguments, "--model", str(folder)]) in (1, 2)
    assert message in capsys.readouterr().err


def test_text_that_is_not_utf_8_names_line_and_byte(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\ntw\xff\n")
    assert main(["types", "--file", str(tmp_path / "a.txt"), "--model", str(folder)]) == 1
    message = capsys.readouterr().err
    assert "a.txt, line 2" in message and "byte" in message


def test_a_model_without_a_typer_is_said(minilm_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["types", "a", "--model", str(minilm_dir)]) == 1
    assert "found no latent_typing.json, expected a model trained with latent typing" in capsys.readouterr().err


def test_a_report_of_labelled_text(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"id": "1", "text": "Ann lives in Oslo .", "mentions": [{"start": 0, "end": 3, "label": "person"}]}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({**row, "id": "2"}) + "\n")
    arguments = ["types", "--file", str(tmp_path / "a.jsonl"), "--model", str(folder), "--report", str(tmp_path / "page.html")]
    assert main([*arguments, "--points", "0", "--seed", "3"]) == 0
    out, err = capsys.readouterr()
    assert "share selected\t" in out and "NMI with labels\t" in out
    assert f"wrote {tmp_path / 'page.html'} and {tmp_path / 'page.json'}" in err
    numbers = json.loads((tmp_path / "page.json").read_text())
    assert numbers["labels"]["agreement"]["all"]["items"] == 2 and numbers["settings"]["seed"] == 3
    assert numbers["model"] == str(folder) and "picture" not in numbers
    assert "person" in (tmp_path / "page.html").read_text()
    assert main([*arguments, "--points", "0", "--seed", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == numbers


def test_a_report_of_sentences(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert main(["types", "Ann lives in Oslo.", "--model", str(folder), "--report", str(page), "--no-rebuild"]) == 0
    assert "Not requested." in page.read_text() and "the sentences given" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--report", "page.json"], "found the page 'page.json', expected a name that ends in .html"),
        (["--report", "page.html", "--method", "beam"], "--report rebuilds greedily"),
    ],
)
def test_wrong_use_of_the_report_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["types", "a", "--model", str(folder), *arguments]) == 2
    assert message in capsys.readouterr().err

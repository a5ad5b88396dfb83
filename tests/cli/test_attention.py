"""`loreweave attention` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loreweave.cli.main import main

TEXT = "Ann lives in Oslo."


def test_a_text_becomes_a_page(tiny_luke: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    command = ["attention", "--model", str(tiny_luke), TEXT, "--mention", "Oslo", "--output", str(page), "--device", "cpu"]
    assert main(command) == 0
    assert "page.html: 1 example, 0." in capsys.readouterr().err and "attention-explorer/1" in page.read_text(encoding="utf-8")
    assert main(command) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite", "--layers", "0", "--heads", "0-1", "--exact"]) == 0


def test_captured_attention_is_written_and_opened_again(
    tiny_luke: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [TEXT, "Bob works at Oslo."]
    for name in ("captured", "thesis.p"):
        made = ["attention", "--model", str(tiny_luke), *texts, "--mention", "Oslo", "--device", "cpu", "--output"]
        assert main([*made, str(tmp_path / name)]) == 0
        assert main(["attention", "--from", str(tmp_path / name), "--output", str(tmp_path / f"{name}.html")]) == 0
        assert "2 examples" in capsys.readouterr().err


def test_tables_of_a_data_set(tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = ["attention", "--model", str(tiny_bert), TEXT, "Bob works.", "--device", "cpu", "--summary", "--bins", "6"]
    assert main([*made, "--output", str(tmp_path / "tables")]) == 0
    assert "tables and figures of 2 examples; bins.csv leaves out 1 text with fewer tokens than bins" in capsys.readouterr().err
    table = (tmp_path / "tables" / "class_flow.csv").read_text(encoding="utf-8")
    assert table.startswith("query,key,layer,mean,low,high,values")


def test_an_option_without_effect_is_said(tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = str(tmp_path / "page.html")
    made = ["attention", "--model", str(tiny_bert), TEXT, "--device", "cpu", "--output", page]
    assert main([*made, "--explain", "2"]) == 0
    assert "--explain has no effect, because no labels are predicted" in " ".join(capsys.readouterr().err.split())
    assert main([*made, "--overwrite"]) == 0 and "--explain" not in capsys.readouterr().err


def test_a_summary_takes_all_records_and_a_page_says_that_it_takes_the_first(
    tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.json"
    rows = [{"sent": f"Ann lives in Oslo {number} .", "start": 0, "end": 3, "labels": ["a"]} for number in range(12)]
    data.write_text(json.dumps(rows), encoding="utf-8")
    made = ["attention", "--model", str(tiny_bert), "--task", "entity-typing", "--data", str(data), "--device", "cpu"]
    made += ["--layers", "0"]
    assert main([*made, "--summary", "--analysis", "lengths", "--output", str(tmp_path / "tables")]) == 0
    said = capsys.readouterr().err
    assert "of 12 examples" in said and "the first" not in said
    assert main([*made, "--output", str(tmp_path / "page.html")]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "the first 10 of 12 records (--examples takes more)" in said and "page.html: 10 examples" in said


def test_the_lines_of_a_file_are_texts(tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes, page = tmp_path / "notes.txt", tmp_path / "page.html"
    notes.write_text("Ann lives in Oslo.\n\nBob works.\n", encoding="utf-8")
    made = ["attention", "--model", str(tiny_bert), "--device", "cpu", "--output", str(page)]
    assert main([*made, str(notes), "Oslo is long."]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "notes.txt: 2 texts, one per line" in said and "page.html: 3 examples" in said
    (tmp_path / "data.json").write_text("[]")
    notes.write_text("Ann lives in Oslo.\n\n" + "Bob works . " * 40, encoding="utf-8")
    assert main([*made, str(notes), "--overwrite"]) == 0
    assert "notes.txt, line 3): read the first 62 of 120 sub-words" in capsys.readouterr().err
    (tmp_path / "empty.txt").write_text("\n")
    for name, expected in (
        ("data.json", "found a .json file, expected plain text with a text per line; records of a task are read by --data"),
        ("empty.txt", "found no text, expected a text per line"),
        ("", "found a folder, expected a text in quotes or a file with a text per line"),
    ):
        assert main([*made, str(tmp_path / name), "--overwrite"]) != 0
        assert expected in " ".join(capsys.readouterr().err.split())


def test_analyses_that_do_not_apply_are_named(tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = ["attention", "--model", str(tiny_bert), TEXT, "--device", "cpu", "--summary", "--output", str(tmp_path / "tables")]
    assert main([*made, "--layers", "0", "--bins", "2"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "not written: quadrants, grounding, mention (no example has an entity; only a LUKE reads mentions" in said
    assert "not written: between (no --key)" in said
    assert {path.stem for path in (tmp_path / "tables").glob("*.csv")} == {"class_flow", "bins", "heads", "lengths"}


def test_a_folder_without_captured_attention_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attention", "--from", str(tmp_path), "--output", str(tmp_path / "page.html")]) != 0
    assert "found no captured attention (index.jsonl)" in " ".join(capsys.readouterr().err.split())


def test_groups_of_names_are_compared(tiny_luke: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    groups = tmp_path / "groups.json"
    groups.write_text('{"women": ["Ann"], "men": ["Bob"]}', encoding="utf-8")
    data = tmp_path / "probes.json"
    rows = [{"sent": f"{name} lives in Oslo .", "start": 0, "end": 3, "labels": ["a"]} for name in ("Ann", "Bob", "She")]
    data.write_text(json.dumps(rows), encoding="utf-8")
    made = [
        "attention",
        "--model",
        str(tiny_luke),
        "--task",
        "entity-typing",
        "--data",
        str(data),
        "--device",
        "cpu",
        "--summary",
    ]
    made += ["--analysis", "between", "--key", "oslo", "--output", str(tmp_path / "tables")]
    assert main([*made, "--groups", str(groups)]) == 0
    assert "between.csv leaves out 1 example in no group" in capsys.readouterr().err.replace("\n", " ")
    tests = (tmp_path / "tables" / "between_tests.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[:4] for line in tests[1:]] == [
        ["entity", "oslo", "women", "men"], ["mention", "oslo", "women", "men"]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--layers", "x"], "--layers: found 'x', expected numbers and ranges such as 0-5 or 0,3,11"),
        (["--heads", "3-1"], "--heads: found the range 3-1, but 3 is more than 1"),
        (["--layers", "0-99"], "found the layer 99, expected layers 0 to 1 "),
        (["--layers", "0-99999999999"], "--layers: found 99999999999"),
        (["Bob works.", "--mention", "Ann"], "text 2: found no 'Ann' in the text"),
        (["Bob works.", "--mention", "Ann"], "each --mention must be in every text"),
        ([""], "found an empty text"),
        ([" "], "found an empty text"),
        (["--pair", " "], "found an empty --pair"),
        (["--output", "out.txt"], "--output: found out.txt, expected a page (.html), a pickle of the thesis tools (.p), or a"),
        (["--output", "s.html", "--summary"], "--output: found s.html, expected a folder: --summary writes several files"),
        (["--layers", "7"], "found the layer 7, expected layers 0 to 1 "),
        (["--mention", "Paris"], "found no 'Paris' in the text"),
        (["--max-mb", "0"], "max-mb"),
        (["--key", "a", "--groups", "x.json"], "found --key without --summary"),
        (["--bins", "4"], "found --bins without --summary"),
        (["--analysis", "flow", "--summary"], "--analysis: found 'flow', expected some of class-flow,"),
        (["--bin-rule", "half", "--summary"], "--bin-rule: found 'half'"),
        (["--explain", "2", "--summary"], "found --explain with --summary, whose tables have no gradients; leave it out"),
        (["--summary", "--exact", "--output", "tables"], "found --exact, which is about a page (.html), and none is written"),
        (["--max-mb", "3", "--output", "captured"], "found --max-mb, which is about a page (.html), and none is written"),
        (["--examples", "3"], "found --examples with texts, expected it with --data; leave it out"),
    ],
)
def test_wrong_options_are_named(
    arguments: list[str], said: str, tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["attention", "--model", str(tiny_bert), TEXT, "--device", "cpu", "--output", str(tmp_path / "page.html")]
    assert main([*command, *arguments]) != 0
    assert said in capsys.readouterr().err.replace("\n", " ") and not (tmp_path / "page.html").exists()

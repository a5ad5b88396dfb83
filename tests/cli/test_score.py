"""`loreweave score`: official metrics of a file of predictions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loreweave.cli.main import main


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Options for a gold file of two relations and its predictions."""
    (tmp_path / "key.txt").write_text('1\t"<e1>a</e1> <e2>b</e2>"\nX(e1,e2)\n\n2\t"<e1>a</e1> <e2>b</e2>"\nOther\n')
    (tmp_path / "answers.txt").write_text("1\tX(e1,e2)\n2\tX(e1,e2)\n")
    return ["--gold", str(tmp_path / "key.txt"), "--predictions", str(tmp_path / "answers.txt")]


def test_a_table_or_json(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["score", "relation-classification", *files]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert "macro_f1\t0.6667" in out and "X(e1,e2)\t1\t2\t1\t0.5\t1" in out and "exclude 'Other'" in err
    assert main([*command, "--json", "--output", str(tmp_path / "out")]) == 0
    results = json.loads(capsys.readouterr().out)
    assert results["accuracy"] == 0.5 and results == json.loads((tmp_path / "out" / "results.json").read_text())
    rows = (tmp_path / "out" / "predictions" / "key.jsonl").read_text().splitlines()
    assert json.loads(rows[1])["predicted"] == "X(e1,e2)"
    assert main([*command, "--output", str(tmp_path / "out")]) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_mistakes_are_one_message(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "answers.txt").write_text("3\tOther\n")
    assert main(["score", "relation-classification", *files]) == 1
    assert (
        "answers.txt: found no prediction for any of 2 records; the ids are 3, expected those of the gold file: 1, 2"
        in capsys.readouterr().err
    )
    assert main(["score", "relation-clasification", *files]) == 2
    assert "did you mean 'relation-classification'" in capsys.readouterr().err
    assert main(["score", "relation-classification", *files, "--format", "conll"]) == 2
    assert "this task reads tacred" in capsys.readouterr().err
    assert main(["score", "link-prediction", *files]) == 1
    assert "key.txt" in capsys.readouterr().err
    assert main(["score", "few-shot-relation", *files, "--format", "fewrel"]) == 2
    assert "files of episodes are recognised" in capsys.readouterr().err


def test_settings_of_scores(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    command = ["score", "relation-classification", *files]
    assert main([*command, "no_label=X(e1,e2)", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["micro_f1"] == 0.0
    assert main([*command, "no_label=other"]) == 2
    assert "setting 'no_label': 'other' is not a label; did you mean 'Other'?" in capsys.readouterr().err
    assert main([*command, "nolabel=Other"]) == 2
    assert "did you mean 'no_label'" in capsys.readouterr().err
    assert main(["score", "ner", *files, "no_label=x"]) == 2
    assert "score ner has no settings, found no_label=x" in capsys.readouterr().err

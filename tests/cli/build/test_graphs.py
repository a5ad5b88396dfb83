"""`loreweave build graph` and `wikidata5m`: files in, a graph out, with a table of what is there and what is not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from loreweave.cli.main import main
from loreweave.corpus.graphs.columns import ROLES
from loreweave.corpus.graphs.formats import FORMATS
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "train.tsv").write_text("Q1\tP1\tQ2\nQ2\tP1\tQ3\n")
    (folder / "test.tsv").write_text("Q3\tP2\tQ4\n")
    (folder / "names.tsv").write_text("Q1\tOslo\tKristiania\nQ2\tNorway\n")
    (folder / "texts.tsv").write_text("Q1\tthe capital\n")
    return folder


def options(files: Path, *more: str) -> list[str]:
    texts = ["--names", str(files / "names.tsv"), "--descriptions", str(files / "texts.tsv")]
    return ["build", "graph", str(files), "--format", "triples", "--output", str(files.parent / "graph"), *texts, *more]


def test_the_graph_and_its_table(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(options(files)) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "what\tcount",
        "entities\t4",
        "entities with label\t2",
        "entities with description\t1",
        "entities with aliases\t1",
        "entities with types\t0",
        "entities without text\t2",
        "relations\t2",
        "relations with label\t0",
        "relations with description\t0",
        "relations without text\t2",
        "split\ttriples\tentities\trelations\twith unseen entity\twith unseen relation\trepeated\talso in train",
        "train\t2\t3\t1\t0\t0\t0\t0",
        "test\t1\t2\t1\t1\t1\t0\t0",
    ]
    assert "Warning: test has relations that are not in train: P2" in shown.err
    assert "2 entities have no text: Q3, Q4" in shown.err
    assert f"wrote {files.parent / 'graph'}" in shown.err
    graph = KnowledgeGraph.load(files.parent / "graph")
    assert list(graph.entity_labels) == ["Oslo", "Norway", "", ""]


def test_policies(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "leak.tsv").write_text("Q1\tP1\tQ2\n")
    (files / "train.tsv").write_text("Q1\tP1\tQ2\nQ2\tP1\tQ3\nQ2\tP2\tQ1\n")
    more = ["--exclude-triples", str(files / "leak.tsv"), "--without-text", "leave-out", "--json"]
    assert main(options(files, *more)) == 0
    manifest = json.loads(capsys.readouterr().out)
    assert manifest["triples"] == {"train": 1, "test": 0} and manifest["entities"] == 2
    assert manifest["left_out"] == {
        "excluded triples of train": 1, "entities without text": 2, "triples of an entity that is left out": 2,
    }  # fmt: skip
    assert main(options(files)) == 2
    assert "not empty" in capsys.readouterr().err
    assert main(options(files, "--overwrite", "--without-text", "error")) == 1
    assert "found 2 entities without label, description and alias: Q3, Q4" in capsys.readouterr().err


def test_wrong_rows(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open(files / "test.tsv", "a") as file:
        file.write("Q1 P1 Q2\n")
    assert main(options(files)) == 1
    assert "test.tsv, line 2: found 'Q1 P1 Q2', expected head<TAB>relation<TAB>tail" in capsys.readouterr().err
    assert main(options(files, "--skip-bad")) == 0
    shown = capsys.readouterr()
    assert "left out: malformed triple\t1" in shown.out
    assert f"wrong rows are listed in {files.parent / 'graph' / 'left_out.jsonl'}" in shown.err


def test_columns_in_another_order_are_noticed(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(options(files)) == 0
    assert "entities too" not in capsys.readouterr().err
    (files / "train.tsv").write_text("Q1\tQ2\tP1\nQ2\tQ3\tP1\n")
    assert main(options(files, "--overwrite")) == 0
    assert "Warning: 2 relations are entities too; are the columns head, relation, tail?" in capsys.readouterr().err


def test_texts_from_a_graph(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(options(files)) == 0
    part = ["build", "graph", str(files), "--format", "triples", "--output", str(tmp_path / "part")]
    assert main([*part, "--text-from", str(tmp_path / "graph")]) == 0
    assert KnowledgeGraph.load(tmp_path / "part").entities[0].description == "the capital"
    capsys.readouterr()
    assert main(options(files, "--overwrite", "--text-from", str(tmp_path / "part"))) == 2
    assert "texts are there already (texts.tsv)" in capsys.readouterr().err


def test_wrong_use(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = ["build", "graph", str(files), "--output", str(tmp_path / "graph"), "--format"]
    assert main([*start, "triple"]) == 2
    assert "expected one of triples, jsonl" in capsys.readouterr().err
    assert main([*start, "triples", "--language", "de"]) == 2
    assert "the format triples does not read language" in capsys.readouterr().err
    assert main([*start, "wn18rr"]) == 1
    assert "found no entity2text.txt" in capsys.readouterr().err


def test_wikidata5m(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wikidata5m_text.txt").write_text("Q1\tthe\tcapital\n")
    (tmp_path / "relations.tsv").write_text("P1\tseat of government\n")
    for split in ("train", "valid", "test"):
        (tmp_path / f"wikidata5m_inductive_{split}.txt").write_text(f"Q1\tP1\tQ{split}\n")
    command = ["build", "wikidata5m", str(tmp_path), "--output", str(tmp_path / "graph"), "--setting", "inductive"]
    assert main([*command, "--relation-descriptions", str(tmp_path / "relations.tsv")]) == 0
    shown = capsys.readouterr()
    assert "test\t1\t2\t1\t1\t0\t0\t0" in shown.out
    assert "Warning: train: 1, published are 20496514" in shown.err
    graph = KnowledgeGraph.load(tmp_path / "graph")
    assert graph.entities[0].description == "the\tcapital"
    assert graph.relations[0].description == "seat of government"
    assert main([*command[:-1], "both", "--overwrite"]) == 2
    assert "expected transductive or inductive" in capsys.readouterr().err


def test_one_csv_file_is_split_and_what_was_done_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f'"town, {row}",near,"town, {(row * step + 1) % 30}",{row}\n' for row in range(30) for step in (1, 7))
    (tmp_path / "all.csv").write_text("subject,predicate,object,date\n" + rows + '" town, 1",near,"town, 2",1\n')
    command = ["build", "graph", str(tmp_path / "all.csv"), "--format", "triples", "--split", "80/10/10", "--labels", "ids"]
    assert main([*command, "--output", str(tmp_path / "graph")]) == 0
    shown = capsys.readouterr()
    assert "header row read as head=subject, relation=predicate, tail=object\t1" in shown.out
    assert "left out: cells of the column 'date'\t61" in shown.out
    assert "labels made from ids of entities\t30" in shown.out
    graph = KnowledgeGraph.load(tmp_path / "graph")
    count = sum(map(len, graph.triples.values()))
    assert f"split of {count} distinct triples, triples held out (transductive), seed 0: " in shown.err
    assert f"repeated triples left out: {61 - count}; " in shown.err
    assert "Warning: ids that differ only in white space at their edges were read as one (1): 'town, 1'" in shown.err
    assert main([*command, "--inductive", "--seed", "2", "--output", str(tmp_path / "inductive"), "--json"]) == 0
    manifest = json.loads(capsys.readouterr().out)
    test = manifest["splits"]["test"]
    assert manifest["splitting"]["inductive"] and test["with_unseen_entity"] == test["triples"] > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--columns", "head=subject,relation=predicat,tail=object"], "no column 'predicat'"),
        (["--split", "80/10"], "--split: found '80/10', expected the shares of train/valid/test in percent, which add up to"),
        (["--split", "80/10/20"], "--split: found '80/10/20', which adds up to 110; expected the shares"),
        (["--split", "0/50/50"], "--split: found '0/50/50', which leaves nothing to train; expected the shares"),
        (["--inductive"], "--inductive is for --split"),
        (["--labels", "id"], "--labels: found 'id', expected ids"),
    ],
)
def test_wrong_options_of_a_table_are_named(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "all.csv").write_text("subject,predicate,object\na,r,b\n")
    command = ["build", "graph", str(tmp_path / "all.csv"), "--format", "triples", "--output", str(tmp_path / "graph")]
    assert main([*command, *options]) == (1 if "column" in message else 2)
    assert message in capsys.readouterr().err and not (tmp_path / "graph").exists()


def test_a_graph_that_models_will_refuse_is_said_to_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`require_texts` refuses it: what the warning names makes a graph that it takes."""
    (tmp_path / "all.csv").write_text("subject,predicate,object\nWarsaw,capital of,Poland\nMarie,born in,Warsaw\n")
    (tmp_path / "names.csv").write_text("id,label\nWarsaw,Warsaw\nPoland,Poland\nMarie,Marie Curie\n")
    (tmp_path / "relations.csv").write_text("id,label\nborn in,born in\n")
    command = ["build", "graph", str(tmp_path / "all.csv"), "--format", "csv", "--output", str(tmp_path / "graph")]
    command += ["--overwrite", "--names", str(tmp_path / "names.csv")]
    assert main(command) == 0
    err = " ".join(capsys.readouterr().err.split())
    assert "2 relations have no text: capital of, born in" in err
    assert (
        "Warning: no relation has a text, so models that need texts of relations will refuse this graph; give them with "
        "--relation-names FILE or --relation-descriptions FILE, or make labels with --labels ids if the ids are words"
    ) in err
    for more in (["--labels", "ids"], ["--relation-names", str(tmp_path / "relations.csv")]):
        assert main([*command, *more]) == 0
        err = capsys.readouterr().err
        assert "will refuse" not in err and ("1 relation has no text: capital of" in err) == ("--relation-names" in more)
    (tmp_path / "all.csv").write_text("subject,predicate,object\nQ1,P1,Q2\nQ2,P2,Q3\n")
    assert main([*command[:-2], "--labels", "ids"]) == 0  # codes: --labels ids is no way out any more
    err = " ".join(capsys.readouterr().err.split())
    assert "no entity has a text" in err and "give them with --names FILE or --descriptions FILE" in err
    assert "make labels" not in err


def test_the_help_names_every_format_and_every_kind_of_column(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "graph", "--help"]) == 0
    shown = re.sub(r"[\s│]+", "", capsys.readouterr().out)
    assert ",".join(FORMATS) in shown and "csvandtsvarereadastriples" in shown
    assert all(f"{role}=NAME" in shown for role in ROLES)

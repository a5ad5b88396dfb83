"""Conditions, order and columns of tables of runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from made_runs import finetuning_run

from loreweave.errors import ConfigurationError
from loreweave.experiments.runs.listing import Condition, in_order, select, varied
from loreweave.experiments.runs.table import list_runs
from loreweave.training.runs.record import RunRecord

ROWS = [
    {"run": "a", "state": "done", "optimizer.learning_rate": 1e-4, "dev.f1": 0.5, "with_pairs": True},
    {"run": "b", "state": "failed", "optimizer.learning_rate": 0.001, "dev.f1": None, "with_pairs": False},
    {"run": "c10", "state": "done", "optimizer.learning_rate": 0.01, "dev.f1": 0.75},
]


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("state=done", ["a", "c10"]),
        ("state!=done", ["b"]),
        ("optimizer.learning_rate=1e-4", ["a"]),
        ("optimizer.learning_rate >= 0.001", ["b", "c10"]),
        ("dev.f1>0.5", ["c10"]),
        ("dev.f1<=0.5", ["a"]),
        ("dev.f1=", ["b"]),
        ("dev.f1!=", ["a", "c10"]),
        ("dev.f1!=0.5", ["b", "c10"]),
        ("with_pairs=true", ["a"]),
        ("with_pairs!=true", ["b", "c10"]),
        ("run~1", ["c10"]),
    ],
)
def test_conditions(condition: str, runs: list[str]) -> None:
    assert [row["run"] for row in select(ROWS, [Condition.parse(condition)])] == runs


ODD = [
    {"run": "a", "optimizer.rate_factors.head/a-b": 0.5, "dev.f1 of New York": 0.25, "x=y": 1, "dev.f1_\u5317\u4eac": 0.5},
    {"run": "b", "optimizer.rate_factors.head/a-b": 2.0, "dev.f1 of New York": 0.75, "x=y": 2, "note": "<b> 'x'"},
]


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("optimizer.rate_factors.head/a-b>=.5", ["a", "b"]),
        ("optimizer.rate_factors.head/a-b>1e0", ["b"]),
        ("dev.f1 of New York < 0.5", ["a"]),
        ("'dev.f1 of New York'=.75", ["b"]),
        ('"x=y"=2', ["b"]),
        ("'x=y' != 2", ["a"]),
        ("dev.f1_\u5317\u4eac=0.5", ["a"]),
        ("note=\"<b> 'x'\"", ["b"]),
        ("note~'<b>'", ["b"]),
        ("note~'x'", ["b"]),
    ],
)
def test_names_and_values_with_odd_characters(condition: str, runs: list[str]) -> None:
    assert [row["run"] for row in select(ODD, [Condition.parse(condition)])] == runs


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("dev.f1==0.5", "found the sign '==' in 'dev.f1==0.5', expected one of = != < <= > >= ~"),
        ("dev.f1=>0.5", "found the sign '=>'"),
        ("dev.f1<>0.5", "found the sign '<>'"),
        ('"x=y', "found '\"x=y', expected a name"),
        ("=5", "found '=5', expected a name"),
        (" ", "found ' ', expected a name"),
    ],
)
def test_signs_that_do_not_exist_are_named(condition: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^--where: {re.escape(message)}"):
        Condition.parse(condition)


def test_wrong_conditions_say_what_is_expected() -> None:
    with pytest.raises(ConfigurationError, match="--where: found 'done', expected a name"):
        Condition.parse("done")
    with pytest.raises(ConfigurationError, match="no run has 'dev.F1'; did you mean 'dev.f1'"):
        select(ROWS, [Condition.parse("dev.F1>0")])
    for condition in ("dev.f1>abc", "dev.f1=abc", "dev.f1<nan"):
        with pytest.raises(ConfigurationError, match=r"--where: dev\.f1 is a number, found '(abc|nan)', expected a number"):
            select(ROWS, [Condition.parse(condition)])
    for condition in ("state=finished", "state!=finished", "state=DONE"):
        with pytest.raises(ConfigurationError, match="there is no state '.*'; expected .*done.*failed.*crashed"):
            select(ROWS, [Condition.parse(condition)])
    assert select(ROWS, [Condition.parse("with_pairs=maybe")]) == [], "what is no number may be any text"


def test_rows_without_a_value_are_last_in_either_order() -> None:
    assert [row["run"] for row in in_order(ROWS, "dev.f1")] == ["a", "c10", "b"]
    assert [row["run"] for row in in_order(ROWS, "dev.f1", reverse=True)] == ["c10", "a", "b"]


def finished(folder: Path, seed: int, rate: float, f1: float) -> None:
    settings = {"seed": seed, "epochs": 3, "optimizer": {"learning_rate": rate}}
    record = RunRecord.create(folder, "finetuning", {"task": "ner", "model": "minilm", "settings": settings})
    record.finish({"metric": "micro_f1", "dev": {"micro_f1": f1, "loss": 1.0}, "test": {"micro_f1": f1 / 2}})


def test_the_table_shows_what_differs_and_the_main_scores(tmp_path: Path) -> None:
    finished(tmp_path / "a", 1, 0.001, 0.5)
    finished(tmp_path / "b", 2, 0.001, 0.75)
    table = list_runs([tmp_path], sort="test.micro_f1", reverse=True)
    assert table.columns == ["run", "task", "model", "state", "seed", "dev.micro_f1", "test.micro_f1", "started"]
    assert table.more == []
    assert [row[:-1] for row in table.cells()] == [
        [str(tmp_path / "b"), "ner", "minilm", "done", 2, 0.75, 0.375],
        [str(tmp_path / "a"), "ner", "minilm", "done", 1, 0.5, 0.25],
    ]
    assert table.title == "2 runs: 2 done"
    table.write(tmp_path / "runs.csv")
    head, first, *_ = (tmp_path / "runs.csv").read_text().splitlines()
    assert head.startswith("run,task,data,state,model,")
    assert "optimizer.learning_rate" in head and "dev.loss" in head and first.count(",") == head.count(",")
    few = list_runs([tmp_path], [Condition.parse("seed=1")], columns=["run", "epochs"])
    assert (few.cells(), few.title) == ([[str(tmp_path / "a"), 3]], "1 run of 2: 1 done")
    with pytest.raises(ConfigurationError, match="--column: no run has 'epoch_s'; did you mean 'epochs'"):
        list_runs([tmp_path], columns=["epoch_s"])
    with pytest.raises(ConfigurationError, match="--sort: no run has"):
        list_runs([tmp_path], sort="f1")


def test_finished_runs_become_event_files(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    finetuning_run(tmp_path / "runs" / "a", dev=(0.25, 0.5))
    finetuning_run(tmp_path / "runs" / "b", seed=1, dev=(0.5, 0.75))
    list_runs([tmp_path / "runs"]).write_event_files(tmp_path / "board")
    assert sorted(path.name for path in (tmp_path / "board").iterdir()) == ["a", "b"]
    board = EventAccumulator(str(tmp_path / "board" / "b"))
    board.Reload()
    assert [(event.step, event.value) for event in board.Scalars("dev/accuracy")] == [(0, 0.125), (1, 0.5), (2, 0.75)]


def of_two_tasks(folder: Path) -> None:
    """Runs whose settings differ in many ways: eight between the tasks alone, and four within a task."""
    for number, (rate, part) in enumerate([(1e-4, 1.0), (5e-5, 0.2)]):
        chosen = {"optimizer": {"learning_rate": rate}, "train_fraction": part, "rare": number, "patience": number}
        finetuning_run(folder / f"text-{number}", number, **chosen, **{f"a{one}": 1 for one in range(8)})
        finetuning_run(folder / f"ner-{number}", number, task="ner", **chosen, **{f"a{one}": 2 for one in range(8)})


def test_the_settings_that_matter_come_first_and_the_others_are_counted(tmp_path: Path) -> None:
    of_two_tasks(tmp_path)
    table = list_runs([tmp_path])
    important = ["optimizer.learning_rate", "train_fraction", "seed"]
    assert table.columns[3:6] == ["state", *important[:2]] and table.columns[6] == "seed"
    assert table.columns[7:16] == ["rare", "patience", *(f"a{one}" for one in range(7))], "differences within a task are first"
    assert table.more == ["a7"]
    assert table.left_out_columns() == (
        "1 more setting differs: a7 (--column NAME shows it, and --output FILE.csv writes everything)"
    )
    narrow = list_runs([tmp_path], width=60)
    assert [name for name in narrow.columns if name in narrow.settings][:3] == important
    assert len(narrow.settings) == 5 and len(narrow.more) == 8, "the first five are shown in the narrowest window"
    assert narrow.left_out_columns().startswith("8 more settings differ: a0, a1, a2, a3, a4 and 3 more (--column NAME shows")
    wide = list_runs([tmp_path], width=1000)
    assert wide.more == [] and wide.left_out_columns() == "" and len(wide.settings) == 13
    asked = list_runs([tmp_path], columns=["run", "a1"])
    assert asked.more == [] and asked.left_out_columns() == "", "who names the columns knows them"


def with_files(folder: Path, place: Path, first: str, files: dict[str, str], **contents: str) -> None:
    files = {"train": first, **files}
    data = {split: f"{Path(name).name} sha256:{contents.get(split, split)}" for split, name in files.items()}
    record = RunRecord.create(
        folder, "finetuning", {"task": "ner", "model": "minilm", "data": data, "settings": {"seed": 0}},
        origin={"files": {split: str(place / name) for split, name in files.items()}},
    )  # fmt: skip
    record.finish({"metric": "micro_f1", "dev": {"micro_f1": 0.5}})


def test_the_data_are_a_column_where_they_differ(tmp_path: Path) -> None:
    runs, place = tmp_path / "runs", tmp_path / "data"
    with_files(runs / "a", place, "conll/train.txt", {})
    with_files(runs / "b", place, "conll/train.txt", {})
    assert "data" not in list_runs([runs]).columns
    assert {row["data"] for row in list_runs([runs]).rows} == {"train.txt"}, "the fact is there: it can be filtered"
    with_files(runs / "c", place, "wnut/train.txt", {}, train="other")
    with_files(runs / "d", place, "few.txt", {}, train="few")
    table = list_runs([runs], sort="data")
    assert table.columns[:4] == ["run", "task", "data", "model"]
    assert [(Path(row["run"]).name, row["data"]) for row in table.rows] == [
        ("a", "conll/train.txt"), ("b", "conll/train.txt"), ("d", "few.txt"), ("c", "wnut/train.txt"),
    ]  # fmt: skip
    found = list_runs([runs], [Condition.parse("data~wnut")])
    assert [Path(row["run"]).name for row in found.rows] == ["c"]
    table.write(tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_text().splitlines()[1].split(",")[1:4] == ["ner", "conll/train.txt", "done"]


def test_data_of_one_name_are_told_apart_by_their_other_files_or_their_content(tmp_path: Path) -> None:
    with_files(tmp_path / "a", tmp_path, "train.txt", {"dev": "one.txt"})
    with_files(tmp_path / "b", tmp_path, "train.txt", {"dev": "two.txt"}, dev="other")
    assert [row["data"] for row in list_runs([tmp_path]).rows] == ["train.txt, one.txt", "train.txt, two.txt"]
    with_files(tmp_path / "c", tmp_path, "train.txt", {"dev": "two.txt"}, dev="edited")
    *_, second, third = (row["data"] for row in list_runs([tmp_path]).rows)
    assert re.fullmatch(r"train\.txt #[0-9a-f]{6}", second) and re.fullmatch(r"train\.txt #[0-9a-f]{6}", third)
    assert second != third


def test_the_csv_of_runs_of_any_kind_has_settings_before_scores_and_costs(tmp_path: Path) -> None:
    record = RunRecord.create(tmp_path / "a", "evaluation", {"task": "ner", "model": "m", "settings": {"threshold": 0.5}})
    record.finish({"task": "ner", "notes": [], "micro_f1": 0.5})
    finished(tmp_path / "b", 1, 0.001, 0.5)
    list_runs([tmp_path]).write(tmp_path / "all.csv")
    head = (tmp_path / "all.csv").read_text().splitlines()[0]
    assert head.startswith(
        "run,task,data,state,model,threshold,seed,epochs,optimizer.learning_rate,micro_f1,dev.micro_f1,dev.loss,test.micro_f1,"
    )


def test_the_data_of_evaluations_and_of_pre_training(tmp_path: Path) -> None:
    config = {"task": "ner", "model": "m", "settings": {"seed": 0}}
    record = RunRecord.create(tmp_path / "e", "evaluation", config, origin={"files": {"data": "news/test.txt"}})
    record.finish({"task": "ner", "data": "news/test.txt", "notes": [], "micro_f1": 0.5})
    record = RunRecord.create(tmp_path / "p", "pretraining", {"data": ["sets/en", "sets/de"], "seed": 0, "output": "p"})
    record.finish({"loss": 1.0})
    RunRecord.create(tmp_path / "q", "pretraining", {"data": [], "seed": 0, "output": "q"}).finish({"loss": 1.0})
    assert [row["data"] for row in list_runs([tmp_path]).rows] == ["test.txt", "en, de", None]


def pretrained(folder: Path, objectives: dict[str, dict[str, object] | None], **settings: object) -> None:
    config = {"model": "minilm", "objectives": objectives, "seed": 0, "output": str(folder), **settings}
    RunRecord.create(folder, "pretraining", config).finish({"steps": 2, "loss": 1.0})


def test_objectives_that_differ_are_a_column(tmp_path: Path) -> None:
    words, types = {"weight": 1.0, "probability": 0.15}, {"weight": 1.0, "types": "types.jsonl"}
    pretrained(tmp_path / "a", {"masked_words": words, "entity_types": types})
    pretrained(tmp_path / "b", {"masked_words": words, "entity_relations": {"weight": 0.5, "graph": None}})
    pretrained(tmp_path / "c", {"masked_entities": None, "masked_words": {"weight": 1.0, "probability": 0.3}})  # older versions
    pretrained(tmp_path / "d", {})
    table = list_runs([tmp_path])
    assert table.settings == ["objectives", "objectives.masked_words.probability"] and table.more == []
    objectives = ["entity_types,masked_words", "entity_relations,masked_words", "masked_words", "none"]
    assert [row["objectives"] for row in table.rows] == objectives
    only = list_runs([tmp_path / "a"], columns=["objectives"])
    assert only.cells() == [["entity_types,masked_words"]] and "objectives" not in list_runs([tmp_path / "a"]).columns
    found = list_runs([tmp_path], [Condition.parse("objectives=masked_words,entity_relations")])
    assert [Path(row["run"]).name for row in found.rows] == ["b"]


def test_the_order_of_objectives_does_not_matter(tmp_path: Path) -> None:
    pretrained(tmp_path / "a", {"masked_words": {"weight": 1.0}, "entity_types": {"weight": 0.5}})
    pretrained(tmp_path / "b", {"entity_types": {"weight": 0.5}, "masked_words": {"weight": 1.0}})
    table = list_runs([tmp_path])
    assert table.settings == [] and table.more == []
    for order in ("entity_types,masked_words", "masked_words, entity_types"):
        assert len(list_runs([tmp_path], [Condition.parse(f"objectives={order}")]).rows) == 2
        assert len(list_runs([tmp_path], [Condition.parse(f"objectives!={order}")]).rows) == 0
    assert len(list_runs([tmp_path], [Condition.parse("objectives~masked_words")]).rows) == 2


def test_settings_without_effect_are_not_shown(tmp_path: Path) -> None:
    """`steps` takes precedence over `epochs`, as `warmup_steps` does over `warmup_ratio`."""
    objectives: dict[str, dict[str, object] | None] = {"masked_words": {"weight": 1.0}}
    unread = {"schedule": {"warmup_ratio": 0.06, "warmup_steps": 5}, "sampling_smoothing": 0.7, "data": ["en"]}
    unread |= {"precision": "fp32", "loss_scale": {"initial": 2.0}, "entities_start": "random", "entity_occurrences": 4}
    pretrained(tmp_path / "a", objectives, steps=10, epochs=20.0, **unread)
    other = {"schedule": {"warmup_ratio": 0.1, "warmup_steps": 5}, "sampling_smoothing": 0.1, "data": ["en"]}
    other |= {"precision": "fp32", "loss_scale": {"initial": 4.0}, "entities_start": "random", "entity_occurrences": 8}
    pretrained(tmp_path / "b", objectives, steps=10, epochs=5.0, **other)
    table = list_runs([tmp_path])
    assert table.settings == [] and table.more == []
    pretrained(tmp_path / "c", objectives, steps=None, epochs=5.0, **other | {"precision": "fp16"})
    table = list_runs([tmp_path])
    assert table.settings == ["epochs", "steps", "precision", "loss_scale.initial"]
    assert [row["epochs"] for row in table.rows] == [None, None, 5.0]
    assert [row["loss_scale.initial"] for row in table.rows] == [None, None, 4.0]


def test_other_rate_factors_and_groups_that_are_off_differ(tmp_path: Path) -> None:
    for name, factors in (("a", {}), ("b", {"extra_heads": 10.0}), ("c", {"encoder": 0.5}), ("d", {"encoder": 0.1})):
        pretrained(tmp_path / name, {"masked_words": {"weight": 1.0}}, optimizer={"rate_factors": factors})
    table = list_runs([tmp_path])
    assert table.settings == ["optimizer.rate_factors", "optimizer.rate_factors.encoder"]
    assert [row["optimizer.rate_factors"] for row in table.rows] == ["none", "extra_heads", "encoder", "encoder"]
    rows = [{"fine_tuning.optimizer": None}, {"fine_tuning.optimizer.learning_rate": 0.1}, {"fine_tuning.steps": 5}]
    assert varied(rows[:2], ["fine_tuning.optimizer.learning_rate"]) == ["fine_tuning.optimizer.learning_rate"]
    assert varied(rows[1:], ["fine_tuning.optimizer.learning_rate"]) == [], "an older version had no such setting"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("lr", "did you mean 'optimizer.learning_rate'?"),
        ("learning_rate", "did you mean 'optimizer.learning_rate'?"),
        ("rate", "did you mean 'optimizer.learning_rate'?"),
        ("bs", "did you mean 'batch_size'?"),
        ("train_batch_size", "did you mean 'batch_size'?"),
        ("f1", "did you mean 'dev.micro_f1' or 'test.micro_f1'?"),
        ("frac", "did you mean 'train_fraction'?"),
        ("Model", "did you mean 'model'?"),
        ("num_epochs", "did you mean 'epochs'?"),
        (
            "foo",
            "there are run, task, data, state, model, settings such as 'optimizer.learning_rate' and scores such as "
            "'dev.micro_f1' (--json shows all)",
        ),
    ],
)
def test_names_are_found_by_their_parts_and_abbreviations(name: str, hint: str, tmp_path: Path) -> None:
    settings = {"seed": 1, "dropout": 0.1, "leftover": "drop", "batch_size": 8, "epochs": 2, "train_fraction": 1.0}
    config = {"task": "ner", "model": "minilm", "settings": settings | {"optimizer": {"learning_rate": 1e-4}}}
    record = RunRecord.create(tmp_path / "a", "finetuning", config)
    record.finish({"metric": "micro_f1", "dev": {"micro_f1": 0.5}, "test": {"micro_f1": 0.5}})
    with pytest.raises(ConfigurationError) as raised:
        list_runs([tmp_path], columns=[name])
    assert str(raised.value) == f"--column: no run has {name!r}; {hint}"

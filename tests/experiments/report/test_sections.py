"""Runs are compared only with runs on the same data, and averaged only over seeds."""

from __future__ import annotations

import json
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from made_runs import DATA, finetuning_run, report_table
from task_jobs import silent

from loreweave.errors import ConfigurationError
from loreweave.experiments.report.figures.registry import FIGURES
from loreweave.experiments.report.parts import NotShown, Part
from loreweave.experiments.report.run import answer_of, report
from loreweave.experiments.report.sections import sections_of
from loreweave.experiments.report.setting_texts import shown
from loreweave.experiments.runs.folders import find_runs
from loreweave.experiments.runs.recorded import RecordedRun
from loreweave.training.runs.record import RunRecord


def named(part: str, run: RecordedRun) -> bool:
    return part in run.path.name


def test_groups_differ_in_settings_and_hold_all_seeds(tmp_path: Path) -> None:
    for seed in (2, 0, 10):
        finetuning_run(tmp_path / f"low-{seed}", seed, test=0.25, optimizer={"learning_rate": 1e-4}, log_steps=seed)
    finetuning_run(tmp_path / "high", 0, test=0.75, optimizer={"learning_rate": 1e-3})
    finetuning_run(tmp_path / "killed", 1, finished=False, optimizer={"learning_rate": 1e-3})
    (section,) = sections_of(find_runs([tmp_path]))
    assert (section.name, section.metric, section.splits) == (
        "text-classification on dev.json and test.json", "accuracy", ["dev", "test"],
    )  # fmt: skip
    assert section.varied == ["optimizer.learning_rate"]
    low, high = section.groups
    assert (low.label, high.label) == ("learning_rate=0.0001", "learning_rate=0.001")
    assert [run.settings["seed"] for run in low.runs] == [0, 2, 10]
    assert [run.path.name for run in high.runs] == ["high", "killed"] and high.scores("test", "accuracy") == [0.75]


def test_settings_of_a_run_without_scores_are_in_no_other_label(tmp_path: Path) -> None:
    for seed in (0, 1):
        finetuning_run(tmp_path / f"mean-{seed}", seed, pooling="mean", batch_size=8)
        finetuning_run(tmp_path / f"sum-{seed}", seed, pooling="sum", batch_size=8)
    finetuning_run(tmp_path / "again", 2, finished=False, pooling="sum", batch_size=8)
    finetuning_run(tmp_path / "killed", 2, finished=False, pooling="mean", batch_size=4)
    (section,) = sections_of(find_runs([tmp_path]))
    assert section.varied == ["pooling"]
    assert [group.label for group in section.groups] == ["pooling=mean", "pooling=mean, batch_size=4", "pooling=sum"]
    assert [len(group.runs) for group in section.groups] == [2, 1, 3]
    found = report(tmp_path, output=tmp_path / "report", figures=["scores", "progression"], tell=silent)
    rows = report_table(found.path, "scores")
    assert [(row["pooling"], row["other settings"], row["finished"]) for row in rows] == [
        ("mean", "", "2"), ("sum", "", "2"), ("mean", "batch_size=4", "0"),
    ]  # fmt: skip
    assert {row["group"] for row in report_table(found.path, "progression")} == {group.label for group in section.groups}


def test_runs_with_scores_that_differ_only_from_those_without_are_named_so(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "done", pooling="mean")
    finetuning_run(tmp_path / "killed", finished=False, pooling="sum")
    (section,) = sections_of(find_runs([tmp_path]))
    assert section.varied == [] and [group.label for group in section.groups] == ["runs with scores", "pooling=sum"]
    (tmp_path / "done" / "results.json").unlink()
    (tmp_path / "done" / "status.json").unlink()
    (section,) = sections_of(find_runs([tmp_path / "killed"]))
    assert [group.label for group in section.groups] == ["all runs"]


def test_other_tasks_and_other_data_are_other_sections(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "a")
    finetuning_run(tmp_path / "b", data={"train": "x sha256:1", "dev": "dev.json sha256:9", "test": "test.json sha256:3"})
    finetuning_run(tmp_path / "c", task="ner")
    assert [section.name for section in sections_of(find_runs([tmp_path]))] == [
        "text-classification on dev.json and test.json",
        "text-classification on dev.json and test.json, other data 2",
        "ner on dev.json and test.json",
    ]


def test_runs_on_other_training_data_are_other_groups(tmp_path: Path) -> None:
    for name, seed, train, score in (("a", 0, "small.json sha256:1", 0.25), ("b", 1, "small.json sha256:1", 0.5),
                                     ("c", 0, "large.json sha256:2", 0.75), ("d", 1, "copy.json sha256:2", 1.0)):  # fmt: skip
        finetuning_run(tmp_path / name, seed, dev=(score,), data={**DATA, "train": train})
    (section,) = sections_of(find_runs([tmp_path]))
    assert section.varied == ["train"]
    assert [group.label for group in section.groups] == ["train=large.json", "train=small.json"]
    assert [group.scores("dev", "accuracy") for group in section.groups] == [[0.75, 1.0], [0.25, 0.5]]
    assert "Best by dev data: train=large.json: dev accuracy 0.8750 ± 0.1768" in answer_of(section)


def test_a_part_of_other_training_data_is_other_dev_data(tmp_path: Path) -> None:
    for name, data in (("a", {}), ("b", {"train_2": "more.json sha256:4"})):
        data = {"train": "train.json sha256:1", "test": "test.json sha256:3", **data}
        finetuning_run(tmp_path / name, data=data, dev_fraction=0.1)
    assert [section.name for section in sections_of(find_runs([tmp_path]))] == [
        "text-classification on train.json and test.json",
        "text-classification on train.json and test.json and more.json",
    ]


def test_settings_with_the_same_last_name_are_written_out(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "a", optimizer={"name": "adam"}, schedule={"name": "linear"})
    finetuning_run(tmp_path / "b", optimizer={"name": "sgd"}, schedule={"name": "constant"})
    (section,) = sections_of(find_runs([tmp_path]))
    assert section.groups[0].label == "optimizer.name=adam, schedule.name=linear"


def test_the_best_run_is_one_of_the_best_group(tmp_path: Path) -> None:
    # Both means are 0.5; the group a comes first, although a run of b has the best single score.
    for name, rate, scores in (("a", 1e-4, (0.4, 0.6)), ("b", 1e-3, (0.25, 0.75)), ("c", 1e-2, (0.3, 0.3))):
        for seed, score in enumerate(scores):
            finetuning_run(tmp_path / f"{name}-{seed}", seed, dev=(score,), optimizer={"learning_rate": rate})
    (section,) = sections_of(find_runs([tmp_path]))
    assert "Best by dev data: learning_rate=0.0001: dev accuracy 0.5000" in answer_of(section)
    for having, expected in (("", "a-1"), ("0", "a-0"), ("b", "b-1"), ("c", "c-0")):
        best = section.best_run(partial(named, having))
        assert best is not None and best.path.name == expected
    assert section.best_run(lambda run: False) is None


def test_the_best_pretraining_has_the_lowest_loss(tmp_path: Path) -> None:
    for name, rate, loss in (("a", 0.1, 3.5), ("b", 0.2, 1.25), ("c", 0.3, 2.0)):
        record = RunRecord.create(tmp_path / name, "pretraining", {"optimizer": {"learning_rate": rate}})
        record.finish({"steps": 5, "loss": loss})
    (section,) = sections_of(find_runs([tmp_path]))
    assert (section.splits, section.choosing, section.metric) == (["train"], "train", "loss")
    best = section.best_run(lambda run: True)
    assert best is not None and best.path.name == "b"
    assert answer_of(section).endswith("Best by train data: learning_rate=0.2: train loss 1.2500 (1 run).")


def pretrained(folder: Path, weights: dict[str, float], losses: dict[str, float], **settings: dict[str, object]) -> None:
    """A run of pre-training: the weight of each objective, its losses, and further settings of objectives."""
    objectives = {name: {"weight": weight} | settings.get(name, {}) for name, weight in weights.items()}
    numbers = {f"{name}_loss": loss for name, loss in losses.items()}
    numbers["loss"] = sum(weight * losses[name] for name, weight in weights.items())
    record = RunRecord.create(folder, "pretraining", {"objectives": objectives, "seed": 0})
    for step in (1, 2):
        record.log(step=step, split="train", epoch=step / 2, **numbers)
    record.finish({"steps": 2, **numbers})


def test_the_loss_on_held_out_texts_selects_the_best_pretraining(tmp_path: Path) -> None:
    """Runs that were measured on other texts, or on none, are apart; how often they were measured makes no groups."""
    for name, rate, loss, held_out, texts in (
        ("a", 0.1, 1.0, 3.5, "news"), ("b", 0.2, 2.0, 1.25, "news"), ("c", 0.3, 3.0, 0.5, "novels"), ("d", 0.3, 0.1, 0.0, None),
    ):  # fmt: skip
        config = {"optimizer": {"learning_rate": rate}, "dev": [f"build/{texts}"] if texts else [], "dev_steps": int(rate * 10)}
        record = RunRecord.create(tmp_path / name, "pretraining", config)
        if texts:
            record.keep_inputs(lambda texts=texts: {f"dev build/{texts}": {"a.arrow": texts}})
            for step in (1, 2):
                record.log(step=step, split="dev", epoch=step / 2, loss=2 * held_out - held_out * step / 2)
        record.finish({"steps": 5, "loss": loss} | ({"dev": {"loss": held_out}} if texts else {}))
    news, novels, without = sections_of(find_runs([tmp_path]))
    assert (news.name, novels.name, without.name) == ("pretraining on news", "pretraining on novels", "pretraining")
    assert (news.splits, news.choosing, news.varied) == (["dev", "train"], "dev", ["optimizer.learning_rate"])
    assert answer_of(news).endswith("Best by dev data: learning_rate=0.2: dev loss 1.2500; train loss 2.0000 (1 run).")
    assert answer_of(novels) == "pretraining on novels: 1 run: dev loss 0.5000; train loss 3.0000."
    assert without.splits == ["train"]
    report([tmp_path / "a", tmp_path / "b"], output=tmp_path / "report", figures=["progression"], tell=lambda line: None)
    rows = report_table(tmp_path / "report", "progression")
    assert [(row["split"], row["metric"], row["mean"]) for row in rows[:2]] == [("dev", "loss", "5.25"), ("dev", "loss", "3.5")]


def test_losses_of_other_objectives_name_no_best_run(tmp_path: Path) -> None:
    types = {"types": "data/types.jsonl"}
    pretrained(tmp_path / "a", {"words": 1.0, "types": 1.0}, {"words": 9.0, "types": 1.0})
    pretrained(tmp_path / "b", {"words": 1.0, "links": 0.5}, {"words": 8.0, "links": 4.0}, links={"graph": "g"} | types)
    pretrained(tmp_path / "c", {"words": 1.0, "links": 0.5}, {"words": 7.0, "links": 3.0}, links={"graph": None} | types)
    (section,) = sections_of(find_runs([tmp_path]))
    assert section.varied == ["objectives", "objectives.links.graph"]
    assert answer_of(section) == (
        "pretraining: 3 runs in 3 groups. No best run is named: the loss is the weighted sum of the losses of the objectives, "
        "and the runs have different objectives. objectives=links,words, links.graph=none: words_loss 7.0000, links_loss "
        "3.0000 (1 run); objectives=links,words, links.graph=g: words_loss 8.0000, links_loss 4.0000 (1 run); "
        "objectives=types,words: types_loss 1.0000, words_loss 9.0000 (1 run)."
    )
    for figure in ("settings", "parallel", "importance"):
        assert isinstance(FIGURES[figure](section), NotShown)
    report(tmp_path, output=tmp_path / "report", figures=["scores", "progression"], tell=lambda line: None)
    rows = report_table(tmp_path / "report", "scores")
    columns = ("objectives.links.graph", "train words_loss", "train links_loss", "train types_loss")
    assert [[row[name] for name in columns] for row in rows] == [
        ["none", "7.0", "3.0", ""], ["g", "8.0", "4.0", ""], ["", "9.0", "", "1.0"],
    ]  # fmt: skip
    assert {row["metric"] for row in report_table(tmp_path / "report", "progression")} == {
        "words_loss",
        "links_loss",
        "types_loss",
    }


def test_runs_with_the_same_objectives_in_another_order_are_one_group(tmp_path: Path) -> None:
    pretrained(tmp_path / "a", {"words": 1.0, "types": 0.5}, {"words": 9.0, "types": 1.0})
    pretrained(tmp_path / "b", {"types": 0.5, "words": 1.0}, {"words": 8.0, "types": 1.0})
    pretrained(tmp_path / "c", {"words": 1.0}, {"words": 8.0})
    (section,) = sections_of(find_runs([tmp_path / "a", tmp_path / "b"]))
    assert section.varied == [] and len(section.groups) == 1 and section.not_comparable == ""
    (section,) = sections_of(find_runs([tmp_path]))
    sizes = {group.label: len(group.runs) for group in section.groups}
    assert sizes == {"objectives=types,words": 2, "objectives=words": 1}


def test_a_setting_that_another_one_overrides_makes_no_groups(tmp_path: Path) -> None:
    for name, steps, epochs in (("a", 10, 20.0), ("b", 10, 5.0), ("c", None, 5.0)):
        config = {"objectives": {"words": {"weight": 1.0}}, "seed": 0, "steps": steps, "epochs": epochs}
        RunRecord.create(tmp_path / name, "pretraining", config).finish({"steps": 10, "loss": 1.0})
    (section,) = sections_of(find_runs([tmp_path / "a", tmp_path / "b"]))
    assert section.varied == []
    (section,) = sections_of(find_runs([tmp_path]))
    assert sorted((group.label, len(group.runs)) for group in section.groups) == [
        ("steps=10, epochs=none", 2), ("steps=none, epochs=5", 1),
    ]  # fmt: skip


def test_losses_with_other_weights_name_no_best_run(tmp_path: Path) -> None:
    for name, weight, loss in (("a", 1.0, 2.0), ("b", 0.0, 3.0)):
        pretrained(tmp_path / name, {"words": 1.0, "types": weight}, {"words": 8.0, "types": loss})
    (section,) = sections_of(find_runs([tmp_path]))
    assert answer_of(section) == (
        "pretraining: 2 runs in 2 groups. No best run is named: the loss is the weighted sum of the losses of the objectives, "
        "and the runs have different weights of their objectives. types.weight=0: types_loss 3.0000, words_loss 8.0000 (1 "
        "run); types.weight=1: types_loss 2.0000, words_loss 8.0000 (1 run)."
    )
    (section,) = sections_of(find_runs([tmp_path / "a"]))
    assert answer_of(section) == "pretraining: 1 run: train loss 10.0000."


def test_groups_with_other_values_have_other_labels(tmp_path: Path) -> None:
    for number, model in enumerate(("runs/one/model", "runs/two/model", "else/two/model")):
        finetuning_run(tmp_path / str(number), optimizer={"learning_rate": 0.1234567 + number * 1e-8})
        config = json.loads((tmp_path / str(number) / "config.json").read_text(encoding="utf-8"))
        (tmp_path / str(number) / "config.json").write_text(json.dumps({**config, "model": model}), encoding="utf-8")
    (section,) = sections_of(find_runs([tmp_path]))
    assert sorted(group.label for group in section.groups) == [
        "model=else/two/model, learning_rate=0.12345672",
        "model=runs/one/model, learning_rate=0.1234567",
        "model=runs/two/model, learning_rate=0.12345671",
    ]
    assert shown("runs/one/model") == "model" and section.text_of("epochs", 3) == "3"


def test_evaluations_on_the_same_content_are_comparable(tmp_path: Path) -> None:
    for name, path, digest in (("a", "my test.json", "1"), ("b", "/moved/my test.json", "1"), ("c", "my test.json", "2")):
        (tmp_path / name).mkdir()
        files = {
            "status.json": {"status": "done", "kind": "evaluation", "files": {"data": path}},
            "config.json": {"task": "ner", "model": "model", "metric": "micro_f1", "settings": {}},
            "inputs.json": {"model": {}, "data": {"my test.json": digest}},
            "results.json": {"task": "ner", "notes": [], "micro_f1": 0.5},
        }
        for file, content in files.items():
            (tmp_path / name / file).write_text(json.dumps(content), encoding="utf-8")
    sections = sections_of(find_runs([tmp_path]))
    assert [(section.name, len(section.runs)) for section in sections] == [
        ("ner on my test.json (evaluations)", 2), ("ner on my test.json (evaluations), other data 2", 1),
    ]  # fmt: skip


def test_names_of_files_may_have_blanks(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "a", data={"train": "x sha256:1", "dev": "my dev set.json sha256:2"})
    assert sections_of(find_runs([tmp_path]))[0].name == "text-classification on my dev set.json"


def test_a_seed_that_several_runs_have_is_told(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        finetuning_run(tmp_path / name, seed)
    (section,) = sections_of(find_runs([tmp_path]))
    assert section.groups[0].repeated_seeds() == {"7": 2}
    part = FIGURES["scores"](section)
    assert isinstance(part, Part) and part.notes == ["all runs: seed 7 has 2 runs, which the spread counts as different seeds"]


def test_runs_without_the_main_score_have_an_answer(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "a")
    (tmp_path / "a" / "results.json").write_text('{"metric": "accuracy", "dev": {"accuracy": NaN}}', encoding="utf-8")
    (section,) = sections_of(find_runs([tmp_path]))
    assert answer_of(section).endswith("no scores.") and section.choosing == "dev"
    assert isinstance(FIGURES["errors"](section), Part)  # its predictions are there


def test_labels_are_no_formulas(tmp_path: Path) -> None:
    for name, note in (("a", r"$\frac{$"), ("b", "<b>")):
        finetuning_run(tmp_path / name, note=note)
    report(tmp_path, output=tmp_path / "report", figures=["settings", "progression"], tell=lambda line: None)
    assert r"$\frac{$" in (tmp_path / "report" / "figures" / "setting_note.svg").read_text(encoding="utf-8")


def test_broken_predictions_are_named(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "a")
    (tmp_path / "a" / "predictions" / "test.npz").write_bytes(b"no arrays")
    said: list[str] = []
    with pytest.raises(ConfigurationError, match="no figure can be shown: confusion"):
        report(tmp_path, output=tmp_path / "report", figures=["confusion"], tell=said.append)
    assert any("test.npz: found arrays that cannot be read" in line for line in said)
    assert not (tmp_path / "report").exists()


def test_files_of_sections_with_like_names_are_kept_apart(tmp_path: Path) -> None:
    for name, file in (("a", "数据.json"), ("b", "测试.json"), ("c", "x" * 250)):
        finetuning_run(tmp_path / name, data={"train": "x sha256:1", "dev": f"{file} sha256:{name}"})
    report(tmp_path, output=tmp_path / "report", figures=["scores"], tell=lambda line: None)
    assert len(list((tmp_path / "report" / "tables").glob("*_runs.csv"))) == 3


def test_a_setting_of_any_name_has_a_picture(tmp_path: Path) -> None:
    for number in range(2):
        finetuning_run(tmp_path / str(number), **{"../../warm/up": number})
    report(tmp_path, output=tmp_path / "report", figures=["settings"], tell=lambda line: None)
    assert len(list((tmp_path / "report" / "figures").glob("setting_*.svg"))) == 1


def test_runs_with_other_classes_are_told_in_the_map(tmp_path: Path) -> None:
    for seed in range(6):
        wrong = 2.0 * np.eye(3)[[(seed + 1) % 3, 1, 2, seed % 3]]
        record = finetuning_run(tmp_path / str(seed), seed, logits=wrong)
    for split in ("dev", "test"):
        path = record.path / "predictions" / f"{split}.npz"
        arrays = dict(np.load(path)) | {"label_list": np.array(["one", "two", "three"])}
        np.savez(path, **arrays)
    (section,) = sections_of(find_runs([tmp_path]))
    part = FIGURES["runs_map"](section)
    assert isinstance(part, Part) and list(part.notes) == ["1 run has other classes and no place here"]


def test_long_labels_leave_room_for_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("made_runs.LABELS", ("a" * 300, "b" * 300, "c"))
    finetuning_run(tmp_path / "a")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns if there is none
        report(tmp_path, output=tmp_path / "report", figures=["confusion", "labels"], tell=lambda line: None)

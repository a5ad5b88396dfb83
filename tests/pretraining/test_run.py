"""Whole runs: resuming bit by bit, and the same numbers in one process and in two."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from pretraining_runs import losses, script, settings, train, windows_without_mentions

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.checkpoints import load_luke
from loreweave.errors import ConfigurationError
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.run import run
from loreweave.training import precision
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import fill, to_dict


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])  # also in test_graph_runs.py
def test_resumed_in_the_middle_of_epoch_two_is_bit_equal(world: Path, tmp_path: Path, processes: int) -> None:
    """With dropout and two loader workers: stopped by Ctrl-C at update 9 of 12, then resumed."""
    micro = 2 if processes == 1 else 1
    straight = settings(world, tmp_path / "straight", workers=2, micro_batch_size=micro, dropout=0.1)
    script(straight, processes=processes)
    stopped = straight | {"output": str(tmp_path / "stopped")}
    assert "interrupted" in script(stopped, "--interrupt-at", "9", processes=processes)
    assert RunRecord(str(stopped["output"])).status()["status"] == "interrupted"
    assert len(losses(stopped)) == 9
    script(stopped, "--resume", processes=processes)
    assert losses(stopped) == losses(straight)
    assert len(losses(straight)) == 12
    by_name = [[row["masked_words_loss"] for row in RunRecord(str(c["output"])).metrics()] for c in (stopped, straight)]
    assert by_name[0] == by_name[1]


@pytest.mark.slow  # the objectives of the two, each beside others: test_graph_runs.py, test_entity_row_runs.py
def test_two_processes_equal_one_at_twice_the_batch(world: Path, tmp_path: Path) -> None:
    """Dropout 0, two epochs: every update's loss within 1e-5."""
    one = settings(world, tmp_path / "one", micro_batch_size=4, dropout=0.0)
    two = settings(world, tmp_path / "two", micro_batch_size=2, dropout=0.0)
    train(one)
    train(two, processes=2)
    assert losses(two) == pytest.approx(losses(one), rel=1e-5, abs=1e-5)


def test_the_threads_that_torch_uses_are_shown(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    run(fill(PretrainingConfig, settings(world, tmp_path / "run", steps=1)))
    assert "; fp32, 3 threads\n" in "".join(capsys.readouterr())


def test_accumulation_changes_nothing(world: Path, tmp_path: Path) -> None:
    """Losses are divided by the targets of all micro-steps, so four steps of one window equal one of four."""
    results = []
    for micro in (4, 1):
        config = settings(world, tmp_path / f"micro{micro}", micro_batch_size=micro, dropout=0.0)
        run(fill(PretrainingConfig, config))
        results.append(losses(config))
    assert results[1] == pytest.approx(results[0], rel=1e-5)


def test_stage_one_trains_entities_and_the_missing_word_head_only(world: Path, tmp_path: Path) -> None:
    """Stage 1 leaves the encoder as it was; stage 2, from its model, changes it; both objectives are logged by name."""
    from safetensors.torch import load_file

    stage1 = settings(world, tmp_path / "stage1", trainable="entities")
    result = run(fill(PretrainingConfig, stage1))
    assert {"loss", "masked_words_loss", "masked_entities_loss", "masked_words_accuracy"} <= set(result.results)
    before = load_file(world / "encoder" / "model.safetensors")
    after = load_file(result.record.model_path / "model.safetensors")
    name = "encoder.layer.0.attention.self.query.weight"
    assert (after[f"luke.{name}"] == before[name]).all()
    assert (after["luke.embeddings.word_embeddings.weight"][:30522] == before["embeddings.word_embeddings.weight"]).all()
    stage2 = settings(world, tmp_path / "stage2", model=str(result.record.model_path))
    second = run(fill(PretrainingConfig, stage2))
    changed = load_file(second.record.model_path / "model.safetensors")
    for part in (f"luke.{name}", "lm_head.dense.weight", "luke.entity_embeddings.entity_embeddings.weight"):
        assert not (changed[part] == after[part]).all(), part


def test_pre_training_has_ordinary_attention_unless_asked(world: Path, tmp_path: Path) -> None:
    """A published LUKE says that it has entity-aware queries; LUKE got them in fine-tuning."""
    luke = run(fill(PretrainingConfig, settings(world, tmp_path / "luke", steps=1))).record.model_path
    changed = json.loads((luke / "config.json").read_text()) | {"use_entity_aware_attention": True}
    (luke / "config.json").write_text(json.dumps(changed))
    for asked in (False, True):
        config = settings(world, tmp_path / f"run-{asked}", model=str(luke), steps=1, entity_aware_attention=asked)
        kept = load_luke(run(fill(PretrainingConfig, config)).record.model_path).model
        assert kept.config.use_entity_aware_attention is asked
        assert any("w2e_query" in name for name, _ in kept.named_parameters()) is asked


def test_padding_may_be_left_out(world: Path, tmp_path: Path) -> None:
    found = []
    for name, changes in (("whole", {}), ("without", {"skip_padding": True})):
        config = settings(world, tmp_path / name, dropout=0.0, steps=3, **changes)
        run(fill(PretrainingConfig, config))
        found.append(losses(config))
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_word_only_run_of_a_plain_encoder(world: Path, tmp_path: Path) -> None:
    """The baseline: the same text and steps, masked words alone, and a plain encoder comes out."""
    from transformers import AutoModel

    config = settings(
        world, tmp_path / "plain", word_only=True, objectives={"masked_words": {}}, trainable="entities", epochs=1
    )
    result = run(fill(PretrainingConfig, config))
    assert AutoModel.from_pretrained(result.record.model_path).config.model_type == "bert"
    assert "masked_entities_loss" not in result.results


def test_bf16(world: Path, tmp_path: Path) -> None:
    """bf16 autocast trains, and stays close to float32 at the first update."""
    config = settings(world, tmp_path / "bf16", precision="bf16", dropout=0.0, epochs=1)
    run(fill(PretrainingConfig, config))
    exact = settings(world, tmp_path / "fp32", dropout=0.0, epochs=1)
    run(fill(PretrainingConfig, exact))
    assert losses(config)[0] == pytest.approx(losses(exact)[0], rel=2e-2)
    assert losses(config) != losses(exact)


def test_auto_precision_is_said_and_recorded(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "best_precision", lambda device: precision.Choice("bf16", "it was fast"))
    config = settings(world, tmp_path / "run", precision="auto", epochs=1)
    run(fill(PretrainingConfig, config))
    assert "precision: bf16 (auto: it was fast)" in capsys.readouterr().err
    assert json.loads((tmp_path / "run" / "config.json").read_text())["precision"] == "bf16"


def test_another_run_in_the_folder_is_refused(world: Path, tmp_path: Path) -> None:
    """Neither overwritten nor resumed by accident."""
    config = settings(world, tmp_path / "run", epochs=1)
    run(fill(PretrainingConfig, config))
    with pytest.raises(ConfigurationError, match="contains the same run, which is done; --overwrite repeats it"):
        run(fill(PretrainingConfig, config))
    run(fill(PretrainingConfig, config), overwrite=True)


def test_fp16_needs_a_gpu(world: Path, tmp_path: Path) -> None:
    """fp16 with loss scaling is refused on a CPU."""
    with pytest.raises(ConfigurationError, match="fp16"):
        run(fill(PretrainingConfig, settings(world, tmp_path / "fp16", precision="fp16")))


def test_batch_that_does_not_divide(world: Path, tmp_path: Path) -> None:
    """The message names the three numbers."""
    with pytest.raises(ConfigurationError, match="batch_size 4 is not a multiple of micro_batch_size 3"):
        run(fill(PretrainingConfig, settings(world, tmp_path / "odd", micro_batch_size=3)))


def test_what_is_frozen_stays(world: Path, tmp_path: Path) -> None:
    """`freeze_entity_embeddings` keeps the table, and without `entity_prediction_bias` the bias stays zero."""
    from safetensors.torch import load_file

    config = settings(world, tmp_path / "frozen", freeze_entity_embeddings=True, entity_prediction_bias=False, epochs=1)
    result = run(fill(PretrainingConfig, config))
    moving = run(fill(PretrainingConfig, settings(world, tmp_path / "moving", epochs=1)))
    frozen, moved = (load_file(r.record.model_path / "model.safetensors") for r in (result, moving))
    assert not frozen["entity_predictions.bias"].any()
    assert moved["entity_predictions.bias"].any()
    table = "luke.entity_embeddings.entity_embeddings.weight"
    assert not (frozen[table] == moved[table]).all()


def test_a_run_shorter_than_a_log_line_has_results(world: Path, tmp_path: Path) -> None:
    """The last update is logged, so that its loss is checked and kept."""
    result = run(fill(PretrainingConfig, settings(world, tmp_path / "short", steps=3, log_steps=50)))
    assert [row["step"] for row in result.record.metrics()] == [3]
    assert result.results["masked_words_loss"] == pytest.approx(result.record.metrics()[0]["masked_words_loss"])


def test_resuming_without_a_checkpoint_starts_over(world: Path, tmp_path: Path) -> None:
    """The lines of the first attempt do not stay beside those of the second."""
    config = fill(PretrainingConfig, settings(world, tmp_path / "run", steps=2))
    record = RunRecord.create(config.output, "pretraining", to_dict(config))
    record.log(step=1, split="train", loss=9.0)
    run(config, resume=True)
    assert [row["step"] for row in record.metrics()] == [1, 2]


def test_word_only_run_of_a_luke_keeps_its_entities(world: Path, tmp_path: Path) -> None:
    """No entity is read or changed, and the saved model is a LUKE with its vocabulary."""
    luke = run(fill(PretrainingConfig, settings(world, tmp_path / "luke", steps=1))).record.model_path
    config = settings(world, tmp_path / "words", model=str(luke), word_only=True, objectives={"masked_words": {}}, steps=2)
    kept = run(fill(PretrainingConfig, config)).record.model_path
    before, after = load_luke(luke), load_luke(kept)
    assert after.vocabulary is not None and before.vocabulary is not None
    assert after.vocabulary.to_hugging_face() == before.vocabulary.to_hugging_face()
    table = "luke.entity_embeddings.entity_embeddings.weight"
    assert after.model.get_parameter(table).equal(before.model.get_parameter(table))
    words = "luke.encoder.layer.0.output.dense.weight"
    assert not after.model.get_parameter(words).equal(before.model.get_parameter(words))


def test_a_set_that_came_without_a_tokenizer_is_taken(world: Path, tmp_path: Path) -> None:
    """Converted original sets name their tokenizer's class only."""
    shutil.copytree(world / "data", tmp_path / "data")
    shutil.rmtree(tmp_path / "data" / "tokenizer")
    manifest = json.loads((tmp_path / "data" / "manifest.json").read_text())
    manifest["tokenizer"] = {"class": "BertTokenizer", "sha256": None}
    (tmp_path / "data" / "manifest.json").write_text(json.dumps(manifest))
    run(fill(PretrainingConfig, settings(world, tmp_path / "run", data=[str(tmp_path / "data")], steps=1)))


def test_models_on_the_hub_are_taken_by_name(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the published recipes name them (`FacebookAI/roberta-base`)."""
    monkeypatch.setattr("loreweave.encoding.hub.snapshot_download", lambda name, **_: str(world / "encoder"))
    run(fill(PretrainingConfig, settings(world, tmp_path / "run", model="owner/encoder", steps=1)))


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"micro_batch_size": 0}, {"log_steps": 0}, {"max_words": 2}])
def test_impossible_settings_are_refused(wrong: dict[str, object]) -> None:
    """Before anything is read."""
    expected = {"max_words": "3 or more"}.get(next(iter(wrong)), "more than 0")
    with pytest.raises(ConfigurationError, match=f"setting '{next(iter(wrong))}': found [0-9], expected {expected}"):
        fill(PretrainingConfig, {"model": "m", "data": ["d"], "output": "o", **wrong})


def test_a_word_only_run_has_no_entities_to_mask(world: Path, tmp_path: Path) -> None:
    """The message names the setting to change."""
    with pytest.raises(ConfigurationError, match=r"set objectives\.masked_entities to null"):
        run(fill(PretrainingConfig, settings(world, tmp_path / "words", word_only=True)))


def test_all_objectives_off(world: Path, tmp_path: Path) -> None:
    """Nothing to train on is an error."""
    off = {"masked_words": {"probability": 0.0}}
    with pytest.raises(ConfigurationError, match="all are off"):
        run(fill(PretrainingConfig, settings(world, tmp_path / "off", objectives=off)))


def test_the_entity_of_the_page(world: Path, tmp_path: Path) -> None:
    """`cls_entity` trains its own head next to the others."""
    objectives = {"masked_words": {}, "cls_entity": {}}
    result = run(fill(PretrainingConfig, settings(world, tmp_path / "cls", objectives=objectives, epochs=1)))
    assert "cls_entity_loss" in result.results
    assert "cls_entity_accuracy" not in result.results  # it predicts a vector


def test_objectives_without_a_target_are_named(world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once, also in a resumed run."""
    vocabulary = open_pretraining_set(world / "data").vocabulary
    assert vocabulary is not None
    data = str(windows_without_mentions(world, tmp_path / "data", vocabulary))
    config = settings(world, tmp_path / "run", data=[data], objectives={"masked_words": {}, "masked_entities": {}}, epochs=4)
    train(config, interrupt_at=3)
    train(config, resume=True)
    assert capsys.readouterr().err.count("up to step 1, masked_entities has had no target, so that it has learned nothing") == 1
    assert not any("masked_entities_loss" in row for row in RunRecord(str(config["output"])).metrics())


def test_objectives_without_weight(world: Path, tmp_path: Path) -> None:
    weightless = {"masked_words": {"weight": 0.0}, "masked_entities": {"weight": 0.0}}
    with pytest.raises(ConfigurationError, match=r"objectives\.masked_words\.weight: found 0, with which nothing is trained"):
        run(fill(PretrainingConfig, settings(world, tmp_path / "off", objectives=weightless)))


def test_an_epoch_is_one_pass_over_the_windows(world: Path, tmp_path: Path) -> None:
    """Six updates, whether the run has fewer or more."""
    for steps in (3, 9):
        config = settings(world, tmp_path / str(steps), steps=steps)
        rows = run(fill(PretrainingConfig, config)).record.metrics()
        assert [row["epoch"] for row in rows] == pytest.approx([(number + 1) / 6 for number in range(steps)])


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (
            {"warmup_steps": 8},
            "the warm-up has 8 updates, the run 2: the learning rate only reaches 0.00013 of 0.001; set schedule",
        ),
        ({"warmup_steps": 1}, None),
    ],
)
def test_a_run_that_ends_in_its_warm_up_says_so(
    world: Path, tmp_path: Path, schedule: dict[str, int], message: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    run(fill(PretrainingConfig, settings(world, tmp_path / "run", steps=2, schedule=schedule)))
    shown = capsys.readouterr().err
    assert "warm-up" not in shown if message is None else f"warning: {message}" in shown

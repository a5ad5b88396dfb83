"""Runs whose entity rows are read from texts, and runs with sampled negatives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pretraining_runs import losses, script, settings, train
from tiny_worlds import write_city_types

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.checkpoints.conversion import load_luke
from loreweave.checkpoints.formats import hugging_face
from loreweave.corpus.annotated_text import AnnotatedText, write_annotated_texts
from loreweave.errors import ConfigurationError
from loreweave.models import LukeForMaskedLM
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.evaluation import evaluate_objectives
from loreweave.pretraining.run import run
from loreweave.pretraining.start import start
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import fill


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_city_types(tmp_path_factory.mktemp("types") / "types.jsonl")


def entities(world: Path, output: Path, types: Path, **changes: object) -> dict[str, object]:
    """Masked entities alone, over a LUKE with rows of occurrences, with four negatives per micro-batch."""
    sampled = {"probability": 0.5, "negatives": 4, "same_type_negatives": 0.5, "types": str(types)}
    begin = {"entities_start": "occurrences", "entity_occurrences": 2, "objectives": {"masked_entities": sampled}}
    return settings(world, output, **{**begin, **changes})


def test_rows_stay_while_the_projection_learns(
    world: Path, types: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stage 1 with frozen rows: words and rows stay as they were; what maps them learns."""
    config = entities(
        world, tmp_path / "run", types, trainable="entities", freeze_entity_embeddings=True, epochs=1, entity_embedding_size=8
    )
    filled = fill(PretrainingConfig, config)
    result = run(filled)
    shown = capsys.readouterr()
    assert "rows of 8 entities: 8 from " in shown.out + shown.err
    assert "4 negatives of 11 entities per micro-batch, 50% of them of the same type" in shown.out + shown.err
    before = start(filled, [open_pretraining_set(world / "data")]).model
    assert before is not None
    after = load_luke(result.record.model_path, LukeForMaskedLM).model
    same = {name for name, tensor in after.state_dict().items() if tensor.equal(before.state_dict()[name])}
    assert "luke.entity_embeddings.entity_embeddings.weight" in same
    assert all(name in same for name in before.state_dict() if name.startswith(("luke.embeddings.", "luke.encoder.")))
    learned = ("luke.entity_embeddings.entity_embedding_dense.weight", "entity_predictions.transform.dense.weight")
    assert not same & set(learned)


def test_a_model_that_is_trained_with_a_sample_is_evaluated_over_all(world: Path, types: Path, tmp_path: Path) -> None:
    config = entities(world, tmp_path / "run", types, epochs=1)
    result = run(fill(PretrainingConfig, config))
    trained = config | {"model": str(result.record.model_path)}
    full = trained | {"objectives": {"masked_entities": {"probability": 0.5}}}
    assert evaluate_objectives(fill(PretrainingConfig, trained)) == evaluate_objectives(fill(PretrainingConfig, full))


def test_a_run_resumes_bit_by_bit(world: Path, types: Path, tmp_path: Path) -> None:
    whole, parts = (entities(world, tmp_path / name, types) for name in ("whole", "parts"))
    train(whole)
    train(parts, interrupt_at=5)
    train(parts, resume=True)
    assert losses(parts) == losses(whole) and len(losses(whole)) == 12
    one, other = (load_luke(RunRecord(str(c["output"])).model_path, LukeForMaskedLM).model for c in (whole, parts))
    assert all(tensor.equal(other.state_dict()[name]) for name, tensor in one.state_dict().items())


def test_two_processes_equal_one(world: Path, types: Path, tmp_path: Path) -> None:
    """Micro-batches, and with them the negatives, are the same; their number per process differs."""
    one, two = (entities(world, tmp_path / name, types, dropout=0.0) for name in ("one", "two"))
    run(fill(PretrainingConfig, one))
    script(two, processes=2)
    assert losses(two) == pytest.approx(losses(one), rel=1e-5)


def test_texts_of_entities_are_an_input_of_the_run(world: Path, types: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl"
    write_annotated_texts(texts, [AnnotatedText("Paris", "Paris is a city.", language="en")])
    objectives = {"masked_entities": {}}
    config = entities(
        world, tmp_path / "run", types, entities_start="descriptions", entity_texts=str(texts), objectives=objectives, steps=1
    )
    result = run(fill(PretrainingConfig, config))
    assert "entity_texts" in (Path(result.record.path) / "inputs.json").read_text()
    begun = start(fill(PretrainingConfig, config), [open_pretraining_set(world / "data")])
    assert begun.notes == ["rows of 8 entities: 1 from the first sentence about them, 7 from their titles alone"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"entities_start": "descriptions"}, "entity_texts.: found null, expected texts or a graph"),
        ({"entities_start": "titles", "entity_texts": "texts.jsonl"}, "entity_texts.: entities_start=titles reads no texts"),
        ({"entity_occurrences": 0}, "entity_occurrences.: found 0, expected more than 0"),
    ],
)
def test_settings_that_do_not_fit(world: Path, types: Path, tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        fill(PretrainingConfig, entities(world, tmp_path / "run", types, **changes))


def test_words_of_another_tokenizer_are_refused_before_they_are_read(world: Path, types: Path, tmp_path: Path) -> None:
    tokens = (world / "encoder" / "tokenizer.json").read_text()
    other = tmp_path / "encoder"
    other.mkdir()
    for file in (world / "encoder").iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    (other / "tokenizer.json").write_text(tokens.replace('"paris":', '"parisian-":'))
    config = fill(PretrainingConfig, entities(world, tmp_path / "run", types, model=str(other)))
    with pytest.raises(ConfigurationError, match="was made with another word tokenizer"):
        start(config, [open_pretraining_set(world / "data")])


def test_rows_of_occurrences_find_hidden_entities_without_training(world: Path, types: Path, tmp_path: Path) -> None:
    """More often than rows of titles under a head that starts at random."""
    found = {}
    for name in ("occurrences", "words"):
        config = entities(world, tmp_path / name, types, entities_start=name, entity_occurrences=10)
        begun = start(fill(PretrainingConfig, config), [open_pretraining_set(world / "data")])
        assert isinstance(begun.model, LukeForMaskedLM)
        hugging_face.save(begun.model, begun.tokenizer, tmp_path / f"{name}-model")
        again = config | {"model": str(tmp_path / f"{name}-model")}
        found[name] = evaluate_objectives(fill(PretrainingConfig, again))["masked_entities_accuracy"]
    assert found["occurrences"] > 2 * found["words"]

"""Recipes are found by name or path, checked key by key, and packaged with what a reader needs to judge them."""

from __future__ import annotations

from dataclasses import is_dataclass
from pathlib import Path

import pytest
import yaml

import loreweave
from loreweave.errors import ConfigurationError
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.tasks.registry import load_task, load_training
from loreweave.training.settings.conditions import is_read
from loreweave.training.settings.configuration import fill, load_yaml, to_dict
from loreweave.training.settings.recipes import Recipe, list_recipes, load_recipe, recipe_names, recipes_for

WHOLE = """
kind: finetuning
task: entity-typing
summary: a test
paper: none
published: {micro_f1: 0.5}
config: {seed: 1}
"""


def test_a_recipe_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(WHOLE, encoding="utf-8")
    assert load_recipe(path) == Recipe(
        name=str(path),
        kind="finetuning",
        task="entity-typing",
        summary="a test",
        paper="none",
        published={"micro_f1": 0.5},
        config={"seed": 1},
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("kind: finetuning", "kind: tuning"), "'kind': found 'tuning'"),
        (("task: entity-typing", ""), "a finetuning recipe names its task"),
        (("summary: a test", "sumary: a test"), "unknown setting 'sumary'; did you mean 'summary'"),
        (("paper: none", "name: x"), "'name' comes from the file's place"),
        (("paper: none", ""), "setting 'paper' of Recipe is missing"),
    ],
)
def test_a_wrong_recipe_file_is_refused_by_name(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(WHOLE.replace(*change), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"mine.yaml: .*{message}"):
        load_recipe(path)


def test_an_unknown_name_gets_the_closest_recipe() -> None:
    with pytest.raises(ConfigurationError, match="'luke-large/openentity'; did you mean 'luke-large/open-entity'"):
        load_recipe("luke-large/openentity")


def test_the_list_is_sorted_and_every_recipe_says_where_it_comes_from() -> None:
    recipes = list_recipes()
    assert [recipe.name for recipe in recipes] == recipe_names() == sorted(recipe_names())
    for recipe in recipes:
        assert recipe.summary and recipe.paper and recipe.config, recipe.name


@pytest.mark.parametrize("name", recipe_names())
def test_every_packaged_recipe_fills_its_configuration(name: str) -> None:
    recipe = load_recipe(name)
    if recipe.kind == "pretraining":
        fill(PretrainingConfig, recipe.config)
    else:
        assert recipe.task is not None
        fill(load_training(recipe.task).config, recipe.config)
    if recipe.evaluation:
        assert recipe.task is not None
        fill(load_task(recipe.task).evaluation, recipe.evaluation)


@pytest.mark.parametrize("name", [name for name in recipe_names() if load_recipe(name).kind == "finetuning"])
def test_every_setting_of_a_recipe_is_read(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.task is not None
    parts = [(load_training(recipe.task).config, recipe.config)]
    if recipe.evaluation:
        parts.append((load_task(recipe.task).evaluation, recipe.evaluation))
    for cls, values in parts:
        config = fill(cls, values)
        groups = [(getattr(config, key), value) for key, value in values.items() if isinstance(value, dict)]
        for group, given in [(config, values), *groups]:
            unread = [key for key in given if is_dataclass(group) and is_read(group, key) is False]
            assert not unread, "not even a default: a reader takes what stands in a recipe for something that matters"


def pretraining(name: str) -> PretrainingConfig:
    return fill(PretrainingConfig, load_recipe(name).config)


@pytest.mark.parametrize(
    ("model", "rates", "steps", "unit"),
    [
        ("luke-base", (5e-4, 1e-5), 98_168, "whole_word"),
        ("luke-large", (5e-4, 1e-5), 98_168, "whole_word"),
        ("luke-large-paper", (5e-4, 1e-5), 100_000, "whole_word"),
        ("mluke-base", (5e-4, 1e-4), 540_326, "subword"),
        ("mluke-large", (5e-4, 5e-5), 540_326, "subword"),
    ],
)
def test_the_two_stages_have_the_published_values(model: str, rates: tuple[float, float], steps: int, unit: str) -> None:
    first, second = pretraining(f"{model}/pretraining-1"), pretraining(f"{model}/pretraining-2")
    assert (first.optimizer.learning_rate, second.optimizer.learning_rate) == rates
    assert (first.trainable, second.trainable) == ("entities", "all")
    assert second.model == f"{first.output}/model"
    for stage in (first, second):
        assert stage.steps == steps
        assert (stage.batch_size, stage.micro_batch_size, stage.schedule.warmup_steps) == (2048, 4, 2500)
        assert stage.objectives.masked_words is not None and stage.objectives.masked_words.unit == unit
        assert stage.optimizer.betas == (0.9, 0.98 if model.endswith("-paper") else 0.999)
        assert (stage.optimizer.epsilon, stage.optimizer.weight_decay) == (1e-6, 0.01)
        assert not stage.optimizer.bias_correction


def test_open_entity_has_the_published_values() -> None:
    recipe = load_recipe("luke-large/open-entity")
    config = fill(load_training("entity-typing").config, recipe.config)
    assert recipe.published["micro_f1"] == 0.782
    assert (config.batch_size, config.gradient_accumulation_steps, config.epochs, config.seed) == (2, 2, 3, 12)
    assert (config.optimizer.learning_rate, config.optimizer.betas, config.schedule.warmup_ratio) == (
        1e-5,
        (0.9, 0.98),
        0.06,
    )
    kepler = fill(load_training("entity-typing").config, load_recipe("kepler-wiki/open-entity").config)
    assert (kepler.optimizer.learning_rate, kepler.batch_size, kepler.epochs, kepler.head) == (3e-5, 32, 40, "kepler")
    assert kepler.kepler_second_end


def test_the_resolved_configuration_of_a_recipe_is_yaml_again() -> None:
    config = pretraining("luke-large/pretraining-1")
    assert fill(PretrainingConfig, load_yaml(yaml.safe_dump(to_dict(config)))) == config


def test_tacred_has_the_published_values() -> None:
    recipe = load_recipe("luke-large/tacred")
    config = fill(load_training("relation-classification").config, recipe.config)
    assert recipe.published == {"micro_f1": 0.727, "micro_precision": 0.704, "micro_recall": 0.751}
    assert (config.batch_size, config.gradient_accumulation_steps, config.epochs, config.seed) == (4, 8, 5, 42)
    assert (config.optimizer.learning_rate, config.optimizer.betas, config.classifier_bias) == (1e-5, (0.9, 0.98), False)


def test_typed_markers_on_tacred_have_the_values_of_the_released_code() -> None:
    recipe = load_recipe("typed-markers/tacred")
    config = fill(load_training("relation-classification").config, recipe.config)
    assert recipe.published == {"micro_f1": 0.746}
    assert (config.head, config.hidden_layer, config.typed_markers) == ("markers", True, "punctuation")
    assert (config.batch_size * config.gradient_accumulation_steps, config.epochs, config.max_length) == (64, 5, 512)
    assert (config.optimizer.learning_rate, config.optimizer.weight_decay, config.schedule.warmup_ratio) == (3e-5, 0, 0.1)


@pytest.mark.parametrize(
    ("model", "f1"),
    [("wiki", 0.72), ("wordnet", 0.713), ("w+w", 0.715), ("rel", 0.711), ("cond", 0.714), ("onlydesc", 0.707), ("ke", 0.62)],
)
def test_keplers_tacred_has_the_published_values(model: str, f1: float) -> None:
    recipe = load_recipe(f"kepler-{model}/tacred")
    config = fill(load_training("relation-classification").config, recipe.config)
    assert recipe.published["micro_f1"] == f1
    assert (config.batch_size, config.seed, config.precision, config.head) == (16, 2333, "fp16", "kepler")
    assert (config.schedule.total_steps, config.schedule.warmup_steps, config.optimizer.learning_rate) == (7000, 700, 3e-5)
    assert config.kepler_character_markers
    per_epoch = 68_124 / (config.batch_size * 2)
    assert config.epochs - 1 < 7000 / per_epoch < config.epochs


def test_fewrel_has_the_published_values() -> None:
    for method, batch, first, last in (("proto", 20, 0.883, 0.736), ("pair", 4, 0.9031, 0.7101)):
        recipe = load_recipe(f"kepler-wiki/fewrel-{method}")
        config = fill(load_training("few-shot-relation").config, recipe.config)
        assert (config.method, config.batch_size, config.optimizer.learning_rate) == (method, batch, 2e-5)
        assert config.episodes == 30_000 * batch and config.schedule.warmup_steps == 300 and config.max_length == 128
        assert len(recipe.published) == 8
        assert recipe.published["accuracy_1.0_5_way_1_shot"] == first
        assert recipe.published["accuracy_2.0_10_way_5_shot"] == last


@pytest.mark.parametrize(
    ("recipe", "setting", "overrides", "kept"),
    [
        ("minilm/ner", "min_updates", ["seed=1"], 300),
        ("minilm/ner", "min_updates", ["epochs=1"], None),
        ("minilm/ner", "min_updates", ["epochs=1", "min_updates=40"], 40),
        ("minilm/ner", "min_updates", ["min_updates=40"], 40),
        ("minilm/ner", "min_updates", ["schedule.warmup_ratio=0.1"], 300),
        ("minilm/pretraining-2", "steps", ["epochs=1"], None),
        ("minilm/pretraining-2", "steps", ["epochs=1", "steps=7"], 7),
    ],
)
def test_epochs_that_are_given_win_over_what_a_recipe_says_of_updates(
    recipe: str, setting: str, overrides: list[str], kept: int | None
) -> None:
    found = load_recipe(recipe)
    kind = PretrainingConfig if found.task is None else load_training(found.task).config
    data = ["data=x", "output=y"] if found.task is None else []
    config = fill(kind, found.config_for(overrides), [*overrides, *data])
    assert getattr(config, setting) == kept
    if "epochs=1" in overrides:
        assert config.epochs == 1
    assert found.config[setting] is not None  # the recipe itself stays as published


def test_recipes_of_a_model_for_a_task() -> None:
    assert recipes_for("minilm", "ner") == ["minilm/ner", "minilm/ner-shared"]
    assert recipes_for("studio-ousia/luke-base", "entity-typing") == ["luke-base/open-entity"]
    assert recipes_for("bert-base-cased", "ner") == []


def test_the_windows_that_a_note_builds_are_read_as_a_whole() -> None:
    found = 0
    for recipe in list_recipes():
        for note in recipe.notes:
            if "build pretraining" in note and "--tokenizer" in note:
                assert f"--max-length {recipe.config['max_words']} " in note, recipe.name
                found += 1
    assert found == 2


def test_no_note_is_cut_by_a_comment() -> None:
    """` #` begins a comment of YAML, so a note with this sign must be in quotes."""
    folder = Path(loreweave.__file__).parent / "recipes"
    for recipe in list_recipes():
        text = (folder / f"{recipe.name}.yaml").read_text(encoding="utf-8")
        notes = text.partition("\nnotes:\n")[2].partition("\nconfig:")[0].splitlines()
        plain = {line.removeprefix("  - ") for line in notes if line[4] not in "\"'"}
        assert plain <= set(recipe.notes), recipe.name

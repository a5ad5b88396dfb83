"""Settings follow the training file, and what does not go with it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from loreweave.errors import ConfigurationError
from loreweave.metrics.classification import classification_scores
from loreweave.metrics.regression import regression_scores
from loreweave.tasks.text_classification.record import TextRecord
from loreweave.tasks.text_classification.settings import METRICS, TextClassificationConfig, settings_for, unfit

TEXTS = [TextRecord("0", "a", label="good"), TextRecord("1", "b", label="bad")]
PAIRS = [TextRecord("0", "a", "b", 1.5), TextRecord("1", "b", "c", 2.0)]
NUMBERED = [TextRecord("0", "a", label="0"), TextRecord("1", "b", label="1")]


def test_every_metric_is_named() -> None:
    assert set(METRICS) == {*classification_scores(["1"], ["1"], "1"), *regression_scores([1], [1])}


def test_pairs_are_as_in_the_training_file() -> None:
    found = settings_for(TextClassificationConfig(), PAIRS)
    assert found.pairs is True
    found = settings_for(TextClassificationConfig(), TEXTS)
    assert found.pairs is False
    assert settings_for(TextClassificationConfig(), [*TEXTS, *PAIRS]).pairs is None
    assert settings_for(TextClassificationConfig(metric="f1"), NUMBERED).metric == "f1"
    assert settings_for(TextClassificationConfig(metric="f1", positive_label="bad"), TEXTS).metric == "f1"


@pytest.mark.parametrize(
    ("settings", "records", "message"),
    [
        ({"pairs": True}, TEXTS, "setting 'pairs': found true, but the training file has single texts"),
        ({"pairs": False}, PAIRS, "setting 'pairs': found false, but the training file has pairs of texts"),
        ({"metric": "accuracy"}, PAIRS, "setting 'metric': found accuracy, but the labels are numbers; expected pearson"),
        ({"metric": "mean_squared_error"}, PAIRS, "setting 'metric': found mean_squared_error, but a smaller error is better"),
        ({"metric": "pearson"}, TEXTS, "setting 'metric': found pearson, but the labels are the classes bad, good"),
        ({"metric": "f1"}, TEXTS, "positive_label=NAME names the class that it is about"),
        ({"positive_label": "ugly"}, TEXTS, "setting 'positive_label': found 'ugly', expected one of two classes"),
        ({"positive_label": "1"}, PAIRS, "setting 'positive_label': the labels are numbers"),
    ],
)
def test_what_does_not_go_with_the_training_file(settings: dict[str, Any], records: list[TextRecord], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        settings_for(TextClassificationConfig(**settings), records)


def test_records_that_nothing_is_learned_from() -> None:
    config = TextClassificationConfig()
    assert unfit(config, TEXTS[0]) is None and unfit(config, PAIRS[0]) is None
    assert "found no label" in str(unfit(config, TextRecord("0", "a")))
    assert "found the number -100" in str(unfit(config, TextRecord("0", "a", label=-100.0)))
    assert unfit(config, TextRecord("0", "a", label="-100")) is None, "a class may have any name"


def test_the_defaults_are_those_of_roberta_on_glue() -> None:
    """Liu et al. 2019, table 10."""
    config = TextClassificationConfig()
    assert (config.epochs, config.batch_size, config.optimizer.weight_decay, config.schedule.warmup_ratio) == (
        10,
        32,
        0.1,
        0.06,
    )
    assert (config.optimizer.betas, config.optimizer.epsilon, config.schedule.name) == ((0.9, 0.98), 1e-6, "linear")

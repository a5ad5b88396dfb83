"""Settings that exclude each other, and those that a method chooses."""

from __future__ import annotations

import pytest

from loreweave.errors import ConfigurationError
from loreweave.tasks.few_shot_ner.settings import EvaluationSettings
from loreweave.training.settings.configuration import fill


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["method=nnshot", "fine_tune=true"], "fine_tune is read only with method=container, found method=nnshot"),
        (["space=means", "layers=4"], "setting 'layers': found 4, but the heads read the last layer only"),
        (["layers=0"], "setting 'layers': found 0, expected 1 or more"),
        (["fine_tune=true", "fine_tuning.part=heads"], "has no effect with space=states"),
        (["fine_tuning.max_steps=0"], "setting 'fine_tuning.max_steps': found 0"),
        (["episodes=0"], "setting 'episodes': found 0, expected 1 or more"),
        (["method=bert"], "method"),
    ],
)
def test_wrong_settings(given: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        fill(EvaluationSettings, {}, given)


def test_each_method_has_its_published_numbers() -> None:
    container, struct, proto = (fill(EvaluationSettings, {}, [f"method={m}"]) for m in ("container", "structshot", "protobert"))
    assert (container.summed_layers, container.decodes, container.power) == (1, False, 0.01)
    assert (struct.summed_layers, struct.decodes, struct.power) == (4, True, 0.32)
    assert (proto.summed_layers, proto.decodes) == (4, False)
    assert fill(EvaluationSettings, {}, ["viterbi=true", "temperature=0.5", "layers=2"]).power == 0.5

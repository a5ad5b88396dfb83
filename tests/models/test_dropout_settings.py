"""Every family's own names for dropout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from family_cases import CASES, make_encoder
from torch import nn
from transformers import CONFIG_MAPPING, AutoConfig, AutoModel, AutoModelForTokenClassification, BertConfig

from loreweave.encoding.families import FAMILIES
from loreweave.errors import ConfigurationError
from loreweave.models.dropout_settings import hidden_dropout, set_all_dropout, set_hidden_dropout


def _rates(model: nn.Module) -> tuple[set[float], set[float]]:
    """The rates of dropout layers outside and inside the attention of words to words."""
    inside = ("attention.self.dropout", "attn.dropout", "attention.attention_dropout", "distil.attention.dropout")
    outside, attention = set(), set()
    for name, module in model.named_modules():
        if isinstance(module, nn.Dropout):
            is_distil = "transformer.layer" in name and name.endswith("attention.dropout")
            (attention if name.endswith(inside) or is_distil else outside).add(module.p)
    return outside, attention


@pytest.mark.parametrize("kind", [kind for kind in CASES if kind != "luke"])
def test_states_alone(kind: str, tmp_path: Path) -> None:
    config = AutoConfig.from_pretrained(make_encoder(kind, tmp_path))
    set_all_dropout(config, 0.375)
    set_hidden_dropout(config, 0.25)
    assert hidden_dropout(config) == 0.25
    for cls in (AutoModel, AutoModelForTokenClassification):
        outside, attention = _rates(cls.from_config(config))
        if kind == "modernbert":  # behind its attention, before the states are added
            outside -= {0.375}
        assert outside == {0.25}, cls
        assert attention <= {0.375}
    assert getattr(config, FAMILIES[kind].attention_dropout[0]) == 0.375


def test_a_head_with_its_own_dropout_follows() -> None:
    config = BertConfig(classifier_dropout=0.5)
    set_hidden_dropout(config, 0.2)
    assert (config.hidden_dropout_prob, config.classifier_dropout, config.attention_probs_dropout_prob) == (0.2, 0.2, 0.1)
    config = BertConfig()
    set_hidden_dropout(config, 0.2)
    assert config.classifier_dropout is None, "a head without one follows the states"
    set_hidden_dropout(config, None)
    assert config.hidden_dropout_prob == 0.2


def test_a_family_that_is_not_in_the_table() -> None:
    config: Any = CONFIG_MAPPING["xlnet"](dropout=0.3)
    assert "xlnet" not in FAMILIES and hidden_dropout(config) == 0.3
    set_hidden_dropout(config, 0.1)
    assert config.dropout == 0.1
    set_all_dropout(config, 0.2)
    assert config.dropout == 0.2, "one setting for both"


def test_a_configuration_without_dropout() -> None:
    config = CONFIG_MAPPING["t5"](dropout_rate=0.1)
    assert hidden_dropout(config) == 0.1, "of a head, where the configuration says nothing"
    with pytest.raises(ConfigurationError, match=r"dropout: found 0.2 for a model of the type t5, .*; leave dropout out"):
        set_hidden_dropout(config, 0.2)

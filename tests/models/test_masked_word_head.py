"""The head that scores words, of every family in the table and of others."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from family_cases import CASES, make_encoder
from torch import nn
from transformers import CONFIG_MAPPING, AutoModelForMaskedLM

from loreweave.encoding.families import FAMILIES
from loreweave.errors import ConfigurationError
from loreweave.models.masked_word_head import masked_word_head

SIZES = {
    "vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
    "max_position_embeddings": 20, "pad_token_id": 1,
}  # fmt: skip


def _model(kind: str, **changes: Any) -> Any:
    torch.manual_seed(0)
    return AutoModelForMaskedLM.from_config(CONFIG_MAPPING[kind](**(SIZES | changes))).eval()


def _gives_the_models_scores(model: Any) -> bool:
    words = {"input_ids": torch.tensor([[3, 7, 9, 4, 8, 2]])}
    with torch.no_grad():
        wanted = model(**words).logits
        states = model.base_model(**words).last_hidden_state
        return torch.allclose(masked_word_head(model)(states), wanted, atol=1e-5)


@pytest.mark.parametrize("kind", [kind for kind in FAMILIES if kind != "luke"])
def test_each_family_of_the_table(kind: str, tmp_path) -> None:
    folder = make_encoder(kind, tmp_path, AutoModelForMaskedLM)
    model = AutoModelForMaskedLM.from_pretrained(folder).eval()
    assert _gives_the_models_scores(model)
    before = {id(parameter) for parameter in model.parameters()}
    assert {id(parameter) for parameter in masked_word_head(model).parameters()} <= before, "they are the model's own"


@pytest.mark.parametrize("kind", ["convbert", "esm", "longformer", "ibert", "fnet", "nystromformer", "roformer"])
def test_other_families_are_found_out_on_the_model(kind: str) -> None:
    assert kind not in CASES
    more: dict[str, Any] = {"longformer": {"attention_window": [4]}, "esm": {"mask_token_id": 4}}.get(kind, {})
    model = _model(kind, **more).train()
    state = torch.get_rng_state()
    head = masked_word_head(model)
    assert model.training and torch.get_rng_state().equal(state), "looking leaves no trace"
    assert isinstance(head, nn.Module) and _gives_the_models_scores(model.eval())


def test_a_head_that_needs_more_than_the_states_is_refused() -> None:
    """DeBERTa's newer head reads the word table beside the states; XLM's has another name."""
    with pytest.raises(ConfigurationError, match=r"DebertaV2ForMaskedLM has no masked-word head \(looked for cls\)"):
        masked_word_head(_model("deberta-v2", legacy=False))
    xlm = CONFIG_MAPPING["xlm"](vocab_size=50, emb_dim=16, n_layers=1, n_heads=2)
    with pytest.raises(ConfigurationError, match="no masked-word head that reads the states alone .looked for cls, lm_head"):
        masked_word_head(AutoModelForMaskedLM.from_config(xlm))


def test_a_head_whose_scores_are_not_the_models_is_refused() -> None:
    model = _model("longformer", attention_window=[4])
    model.lm_head = nn.Linear(16, 50)
    model.forward = lambda input_ids: type("Output", (), {"logits": torch.zeros(1, 4, 50)})
    with pytest.raises(ConfigurationError, match="what was found does not give the model's scores"):
        masked_word_head(model)

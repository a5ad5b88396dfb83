"""Shared words: what is read by whom, that kernels agree, and that an entity's state does not depend on the others."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import LukeConfig

from loreweave.models import LukeForEntitySpanClassification, LukeModel
from loreweave.models.luke.shared_attention import attention_to_words_and_self, explicit_attention_to_words_and_self

WORDS, ENTITIES = 9, 6
STATES = ("last_hidden_state", "entity_last_hidden_state")


def config(**changes: Any) -> LukeConfig:
    settings = {
        "vocab_size": 50,
        "entity_vocab_size": 20,
        "hidden_size": 32,
        "entity_emb_size": 16,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": 20,
        "type_vocab_size": 1,
        "layer_norm_eps": 1e-5,
        "num_labels": 4,
        "shared_words": True,
        "attention_probs_dropout_prob": 0.0,
        "hidden_dropout_prob": 0.0,
    }
    return LukeConfig(**(settings | changes))


def inputs(masked: bool = True) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(1)
    starts = torch.randint(0, 4, (3, ENTITIES), generator=random)
    made = {
        "input_ids": torch.randint(2, 50, (3, WORDS), generator=random),
        "entity_ids": torch.randint(1, 20, (3, ENTITIES), generator=random),
        "entity_position_ids": starts[..., None] + torch.tensor([0, 1, -1]).clamp(min=-1),
    }
    made["entity_position_ids"][..., 2] = -1
    if masked:
        made["attention_mask"] = (torch.arange(WORDS) < torch.tensor([[9], [5], [7]])).long()
        made["entity_attention_mask"] = (torch.arange(ENTITIES) < torch.tensor([[6], [2], [0]])).long()
    return made


def model(cls: type[Any] = LukeModel, **changes: Any) -> Any:
    torch.manual_seed(0)
    made = cls(config(**changes)).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(std=0.3)
    return made


def states(output: Any, given: dict[str, Tensor]) -> list[Tensor]:
    """States of everything that the masks leave visible."""
    masks = [given.get(name) for name in ("attention_mask", "entity_attention_mask")]
    found = [output[name] for name in STATES]
    return [state if mask is None else state[mask.bool()] for state, mask in zip(found, masks, strict=True)]


def gradients(of: torch.nn.Module, found: list[Tensor]) -> dict[str, Tensor]:
    of.zero_grad()
    random = torch.Generator().manual_seed(2)
    torch.stack([(state * torch.randn(state.shape, generator=random)).sum() for state in found]).sum().backward()
    return {name: parameter.grad for name, parameter in of.named_parameters() if parameter.grad is not None}


def near(found: Tensor, expected: Tensor, what: str = "") -> None:
    tolerance = 1e-5 * (1 + expected.detach().abs().max().item())
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance, msg=lambda text: f"{what}: {text}")


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("entity_aware", [True, False])
@pytest.mark.parametrize("other", ["eager", "skip_padding", "checkpointing"])
def test_every_way_of_computing_it_agrees(other: str, entity_aware: bool, masked: bool) -> None:
    """Outputs and gradients, of the fused kernel and of others."""
    fused, given = model(use_entity_aware_attention=entity_aware), inputs(masked)
    twin = copy.deepcopy(fused)
    if other == "eager":
        twin.set_attn_implementation("eager")
    elif other == "skip_padding":
        twin.skip_padding = True
    else:
        twin.train().gradient_checkpointing_enable()
    outputs = [states(each(**given), given) for each in (fused, twin)]
    for found, expected in zip(*outputs, strict=True):
        near(found, expected)
    one, two = (gradients(each, output) for each, output in zip((fused, twin), outputs, strict=True))
    assert one.keys() == two.keys() and any("e2e_query" in name for name in one) == entity_aware
    for name, gradient in one.items():
        near(two[name], gradient, name)


def test_dropout_of_weights_changes_from_call_to_call() -> None:
    training = model(attention_probs_dropout_prob=0.4).train()
    first, second = (training(**inputs()).entity_last_hidden_state for _ in range(2))
    assert not torch.allclose(first[0], second[0]) and torch.isfinite(first).all()


def test_weights_say_who_reads_whom() -> None:
    output = model()(**inputs(), output_attentions=True)
    for weights in output.attentions:
        near(weights.sum(dim=-1), torch.ones(3, 2, WORDS + ENTITIES))
        assert not weights[:, :, :WORDS, WORDS:].any()
        among = weights[:, :, WORDS:, WORDS:]
        assert (among.diagonal(dim1=-2, dim2=-1) > 0).all()
        assert torch.equal(among, torch.diag_embed(among.diagonal(dim1=-2, dim2=-1)))
        assert not weights[1, :, :, 5:WORDS].any()  # words that are padding


def test_words_are_those_of_a_text_without_entities() -> None:
    shared, given = model(), inputs()
    alone = {name: given[name] for name in ("input_ids", "attention_mask")}
    found, expected = shared(**given), shared(**alone)
    near(found.last_hidden_state[0], expected.last_hidden_state[0])
    ordinary = model(shared_words=False)
    assert not torch.allclose(ordinary(**given).last_hidden_state[0], expected.last_hidden_state[0], atol=1e-3)


def test_logits_do_not_depend_on_how_spans_are_asked() -> None:
    """All together, one by one, backwards, and with padding between."""
    head, given = model(LukeForEntitySpanClassification), inputs(masked=False)
    places = given["entity_position_ids"]
    given |= {"entity_start_positions": places[..., 0], "entity_end_positions": places[..., 1]}
    whole = head(**given).logits

    def ask(*chosen: int) -> Tensor:
        part = {name: value[:, list(chosen)] if name != "input_ids" else value for name, value in given.items()}
        return head(**part).logits

    near(torch.cat([ask(number) for number in range(ENTITIES)], dim=1), whole)
    near(torch.cat([ask(0, 1), ask(2, 3, 4, 5)], dim=1), whole)
    near(ask(*reversed(range(ENTITIES))).flip(1), whole)
    holes = given | {"entity_attention_mask": torch.tensor([[1, 0, 1, 1, 0, 1]]).expand(3, -1)}
    near(head(**holes).logits[:, [0, 2, 3, 5]], whole[:, [0, 2, 3, 5]])


def test_the_kernel_in_bf16_stays_near_float32() -> None:
    random = torch.Generator().manual_seed(4)
    to_words, key, value = (torch.randn(2, 3, WORDS + ENTITIES, 8, generator=random) for _ in range(3))
    to_self = torch.randn(2, 3, ENTITIES, 8, generator=random)
    expected, _ = explicit_attention_to_words_and_self(to_words, to_self, key, value, None, 0.0, False)
    found = attention_to_words_and_self(*(each.bfloat16() for each in (to_words, to_self, key, value)), None)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), expected, atol=5e-2, rtol=5e-2)


def test_a_text_that_is_masked_whole_stays_finite() -> None:
    given = inputs()
    given["attention_mask"][1] = 0
    given["entity_attention_mask"][1] = 0
    shared = model()
    output = shared(**given)
    (output.last_hidden_state.sum() + output.entity_last_hidden_state.sum()).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in shared.parameters() if parameter.grad is not None)


def test_saving_keeps_it(tmp_path: Any) -> None:
    shared = model()
    shared.save_pretrained(tmp_path)
    again = LukeModel.from_pretrained(tmp_path)
    assert again.config.shared_words
    near(again.eval()(**inputs()).entity_last_hidden_state[0], shared(**inputs()).entity_last_hidden_state[0])

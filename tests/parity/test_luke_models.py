"""Our LUKE against transformers': outputs, losses and the gradient of every parameter."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from luke_batches import MASKS, SIZES, assert_close, luke_batch, luke_config
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.luke.modeling_luke import LukeEntityEmbeddings

from loreweave import models
from loreweave.models.luke.embeddings import mean_of_rows

BATCH, WORDS, ENTITIES, LABELS = 4, 17, 6, 5
HEADS_WITH_ENTITIES = (
    "LukeForEntityClassification",
    "LukeForEntityPairClassification",
    "LukeForEntitySpanClassification",
)
HEADS = (
    *HEADS_WITH_ENTITIES,
    "LukeForSequenceClassification",
    "LukeForTokenClassification",
    "LukeForQuestionAnswering",
    "LukeForMultipleChoice",
    "LukeForMaskedLM",
    "LukeModel",
)


def pair(name: str, config: transformers.LukeConfig) -> tuple[nn.Module, nn.Module]:
    """Ours and transformers' model of that name, with the same parameters."""
    torch.manual_seed(0)
    if name == "LukeForQuestionAnswering":
        config.num_labels = 2
    theirs = getattr(transformers, name)(copy.deepcopy(config))
    if name == "LukeForMaskedLM":  # transformers 5 forgot to tie it
        theirs.lm_head.decoder.weight = theirs.luke.embeddings.word_embeddings.weight
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    ours = getattr(models, name)(copy.deepcopy(config))
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return ours, theirs


def labels_for(name: str, with_entities: bool, several: bool) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(3)

    def integers(high: int, *shape: int) -> Tensor:
        return torch.randint(0, high, shape, generator=random)

    def sparse(high: int, *shape: int) -> Tensor:
        return integers(high, *shape).masked_fill(torch.rand(shape, generator=random) < 0.6, -100)

    if name == "LukeForMaskedLM":
        labels = {"labels": sparse(97, BATCH, WORDS)}
        return labels | ({"entity_labels": sparse(41, BATCH, ENTITIES)} if with_entities else {})
    if name == "LukeForQuestionAnswering":
        return {"start_positions": integers(WORDS, BATCH), "end_positions": torch.tensor([2, 5, 99, 0])}
    if name == "LukeForTokenClassification":
        return {"labels": sparse(LABELS, BATCH, WORDS)}
    if name == "LukeForMultipleChoice":
        return {"labels": integers(2, BATCH // 2)}
    shape = (BATCH, ENTITIES) if name == "LukeForEntitySpanClassification" else (BATCH,)
    return {"labels": integers(2, *shape, LABELS).float() if several else integers(LABELS, *shape)}


def inputs_for(name: str, masks: str) -> dict[str, Tensor]:
    inputs = luke_batch(masks, entities=ENTITIES, words=WORDS, batch=BATCH)
    if name == "LukeForEntitySpanClassification":
        inputs["entity_start_positions"] = inputs["entity_position_ids"][..., 0].clamp(min=0)
        inputs["entity_end_positions"] = inputs["entity_position_ids"][..., 1].clamp(min=0)
    if name == "LukeForMultipleChoice":
        inputs = {key: value.unflatten(0, (BATCH // 2, 2)) for key, value in inputs.items()}
    return inputs


def compare(ours: nn.Module, theirs: nn.Module, inputs: dict[str, Any], **ours_only: Any) -> None:
    """Every tensor of the outputs, then every gradient of the loss (or of a random sum over the outputs)."""
    found, expected = ours(**inputs, **ours_only), theirs(**inputs)
    for key, value in expected.items():
        if isinstance(value, Tensor) and key in found:
            assert_close(found[key], value, key)
    if "loss" in expected:
        found.loss.backward()
        expected.loss.backward()
    else:
        keys = [key for key, value in expected.items() if isinstance(value, Tensor)]
        weights = {key: torch.randn(expected[key].shape, generator=torch.Generator().manual_seed(1)) for key in keys}
        sum((found[key] * weights[key]).sum() for key in keys).backward()
        sum((expected[key] * weights[key]).sum() for key in keys).backward()
    reference = dict(theirs.named_parameters())
    assert {name for name, _ in ours.named_parameters()} == set(reference)
    for parameter_name, parameter in ours.named_parameters():
        theirs_gradient = reference[parameter_name].grad
        if theirs_gradient is None or parameter.grad is None:
            for gradient in (theirs_gradient, parameter.grad):
                assert gradient is None or not gradient.any(), f"only one model has a gradient of {parameter_name}"
        else:
            assert_close(parameter.grad, theirs_gradient, f"gradient of {parameter_name}")


@pytest.mark.parametrize("entity_aware", [False, True], ids=["ordinary", "entity-aware"])
@pytest.mark.parametrize(
    ("name", "masks"),
    [(name, masks) for name in HEADS for masks in MASKS if masks != "words only" or name not in HEADS_WITH_ENTITIES],
)
def test_outputs_and_gradients(name: str, masks: str, entity_aware: bool) -> None:
    ours, theirs = pair(name, luke_config(use_entity_aware_attention=entity_aware))
    inputs = inputs_for(name, masks)
    if name != "LukeModel":
        inputs |= labels_for(name, "entity_ids" in inputs, several=False)
    compare(ours, theirs, inputs)


@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
@pytest.mark.parametrize("size", SIZES)
def test_sizes_and_implementations(size: str, implementation: str) -> None:
    ours, theirs = pair("LukeModel", luke_config(size))
    ours.set_attn_implementation(implementation)
    for masks in ("holes", "no masks"):
        compare(ours, theirs, luke_batch(masks, entities=9, words=23, seed=5))
        ours.zero_grad()
        theirs.zero_grad()


@pytest.mark.parametrize("name", [*HEADS_WITH_ENTITIES, "LukeForSequenceClassification"])
def test_several_labels_at_once(name: str) -> None:
    ours, theirs = pair(name, luke_config())
    compare(ours, theirs, inputs_for(name, "tail") | labels_for(name, True, several=True))


def test_regression() -> None:
    ours, theirs = pair("LukeForSequenceClassification", luke_config(num_labels=1))
    compare(ours, theirs, inputs_for("LukeForSequenceClassification", "tail") | {"labels": torch.randn(BATCH)})


@pytest.mark.parametrize("entity_aware", [False, True])
def test_attentions_and_states_of_every_layer(entity_aware: bool) -> None:
    ours, theirs = pair("LukeModel", luke_config(use_entity_aware_attention=entity_aware))
    inputs = luke_batch("holes")
    found = ours(**inputs, output_attentions=True, output_hidden_states=True)
    expected = theirs(**inputs, output_attentions=True, output_hidden_states=True)
    for key in ("attentions", "hidden_states", "entity_hidden_states"):
        for layer, (one, other) in enumerate(zip(found[key], expected[key], strict=True)):
            assert_close(one, other, f"{key}[{layer}]")
    assert [x.shape for x in found.to_tuple() if isinstance(x, Tensor)] == [
        x.shape for x in expected.to_tuple() if isinstance(x, Tensor)
    ]


def test_embeddings_in_place_of_ids() -> None:
    ours, theirs = pair("LukeModel", luke_config())
    inputs = luke_batch("holes")
    inputs["inputs_embeds"] = torch.randn(*inputs.pop("input_ids").shape, 32)
    compare(ours, theirs, inputs)


def test_all_logits_of_the_pretraining_model() -> None:
    ours, theirs = pair("LukeForMaskedLM", luke_config())
    inputs = inputs_for("LukeForMaskedLM", "holes")
    for labels in ({}, labels_for("LukeForMaskedLM", True, several=False)):
        found, expected = ours(**inputs, **labels, return_all_logits=True), theirs(**inputs, **labels)
        assert_close(found.logits, expected.logits, "logits")
        assert_close(found.entity_logits, expected.entity_logits, "entity_logits")
    compare(ours, theirs, inputs | labels, return_all_logits=True)
    assert ours(**inputs, **labels).logits is None


@pytest.mark.parametrize(
    "rows",
    [
        [[0, 1, 2, -1]],
        [[3, -1, 5, -1]],
        [[-1, -1, 4, 4]],
        [[2, 2, 2, 2]],
        [[-1, -1, -1, -1]],
        [[-1, -1, -1, -1], [1, -1, 0, 0], [-1, -1, -1, -1]],
    ],
    ids=["run", "gaps", "repeats after padding", "one word", "nothing", "nothing around a mention"],
)
def test_mean_position_is_theirs(rows: list[list[int]]) -> None:
    config = luke_config()
    theirs = LukeEntityEmbeddings(config)
    theirs.LayerNorm = nn.Identity()
    ids, positions = torch.zeros(1, len(rows), dtype=torch.long), torch.tensor([rows])
    with torch.no_grad():
        theirs.entity_embeddings.weight.zero_()
        theirs.token_type_embeddings.weight.zero_()
    expected = theirs(ids, positions)
    table = theirs.position_embeddings.weight.detach().clone().requires_grad_()
    found = mean_of_rows(table, positions)
    assert_close(found, expected, "mean")
    weights = torch.randn_like(expected)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    assert_close(table.grad, theirs.position_embeddings.weight.grad, "gradient")


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("entity_aware", [False, True])
def test_saved_here_loads_there_and_back(name: str, entity_aware: bool, tmp_path: Path) -> None:
    ours, _ = pair(name, luke_config(use_entity_aware_attention=entity_aware))
    inputs = inputs_for(name, "holes")
    ours.save_pretrained(tmp_path / "ours")
    theirs, report = getattr(transformers, name).from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    theirs.save_pretrained(tmp_path / "theirs")
    again, report = getattr(models, name).from_pretrained(tmp_path / "theirs", output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    with torch.no_grad():
        outputs = [model.eval()(**inputs) for model in (ours, theirs, again)]
    for key, value in outputs[1].items():
        if isinstance(value, Tensor):
            assert_close(outputs[0][key], value, f"{key} here")
            assert_close(outputs[2][key], value, f"{key} back again")


@pytest.mark.parametrize("name", ["LukeForMaskedLM", "LukeForEntityClassification"])
def test_bf16_autocast_stays_near_float32(name: str) -> None:
    ours, theirs = pair(name, luke_config())
    for masks in ("full", "holes"):
        inputs = inputs_for(name, masks) | labels_for(name, True, several=False)
        with torch.autocast("cpu", torch.bfloat16):
            found = ours(**inputs).loss
        found.backward()
        assert found.item() == pytest.approx(theirs(**inputs).loss.item(), rel=2e-2)
        assert all(torch.isfinite(p.grad).all() for p in ours.parameters() if p.grad is not None)


def test_cloze_scores_candidates_against_the_placeholder() -> None:
    """transformers has no such head: the formula of its head over its encoder."""
    torch.manual_seed(0)
    ours = models.LukeForEntityCloze(luke_config())
    theirs = transformers.LukeModel(luke_config())
    theirs.load_state_dict(ours.luke.state_dict())
    inputs = luke_batch("tail")
    inputs["entity_attention_mask"][:, :3] = 1
    labels = torch.randint(0, 2, (BATCH, ENTITIES - 1), generator=torch.Generator().manual_seed(1))
    found = ours(**inputs, labels=labels)
    states = theirs(**inputs).entity_last_hidden_state
    valid = inputs["entity_attention_mask"][:, 1:].bool()
    both = torch.cat([states[:, :1].expand(-1, ENTITIES - 1, -1), states[:, 1:]], dim=-1)
    scores = both @ ours.scorer.weight[0] + ours.scorer.bias
    assert_close(found.logits[valid], scores[valid], "logits")
    assert (found.logits[~valid] < -1e30).all() and not valid.all()
    expected = functional.binary_cross_entropy_with_logits(scores[valid], labels[valid].float())
    assert_close(found.loss, expected, "loss")


@pytest.mark.parametrize("entity_aware", [False, True])
@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
def test_shared_words_are_transformers_luke_under_a_mask(implementation: str, entity_aware: bool) -> None:
    """A hand-built mask [query, key]: words see words, an entity sees the words and itself."""
    ours, theirs = pair("LukeForEntitySpanClassification", luke_config(use_entity_aware_attention=entity_aware))
    ours.config.shared_words = True
    ours.set_attn_implementation(implementation)
    inputs = inputs_for(ours.__class__.__name__, "no masks") | labels_for(ours.__class__.__name__, True, False)
    seen = torch.zeros(WORDS + ENTITIES, WORDS + ENTITIES, dtype=torch.bool)
    seen[:, :WORDS] = True
    seen[range(WORDS, WORDS + ENTITIES), range(WORDS, WORDS + ENTITIES)] = True
    bias = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)
    theirs.luke.encoder.register_forward_pre_hook(
        lambda _, args, given: (args, given | {"attention_mask": bias[None, None]}), with_kwargs=True
    )
    compare(ours, theirs, inputs)


@pytest.mark.parametrize("features", ["words", "entity"])
def test_span_features_are_transformers_luke_with_columns_of_zeros(features: str) -> None:
    """The original's ablations: `--no-entity-feature` hides all entities, `--no-word-feature` reads them alone."""
    theirs = transformers.LukeForEntitySpanClassification(luke_config()).eval()
    ours = models.LukeForEntitySpanClassification(luke_config(span_features=features)).eval()
    ours.luke.load_state_dict(theirs.luke.state_dict())
    words = 2 * ours.config.hidden_size
    with torch.no_grad():
        kept, gone = (slice(words), slice(words, None)) if features == "words" else (slice(words, None), slice(words))
        theirs.classifier.weight[:, gone] = 0
        ours.classifier.weight.copy_(theirs.classifier.weight[:, kept])
        ours.classifier.bias.copy_(theirs.classifier.bias)
    inputs = inputs_for(ours.__class__.__name__, "holes")
    hidden = {"entity_attention_mask": torch.zeros(BATCH, ENTITIES, dtype=torch.long)} if features == "words" else {}
    assert_close(ours(**inputs).logits, theirs(**inputs | hidden).logits, "logits")
    assert ours.classifier.in_features == {"words": 2, "entity": 1}[features] * ours.config.hidden_size

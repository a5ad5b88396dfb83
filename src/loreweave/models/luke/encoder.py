"""LUKE's encoder: words and entities in one transformer (Yamada et al. 2020; parameter names of transformers)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import LukeConfig, PreTrainedModel
from transformers.activations import ACT2FN
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.utils import ModelOutput

from loreweave.models.dropout import Dropout
from loreweave.models.luke.attention import Layout, LukeSelfAttention
from loreweave.models.luke.embeddings import LukeEmbeddings, LukeEntityEmbeddings
from loreweave.models.outputs import LukeModelOutput


class LukeResidual(nn.Module):
    """Projection to the hidden size, residual, and layer norm."""

    def __init__(self, config: LukeConfig, input_size: int) -> None:
        super().__init__()
        self.dense = nn.Linear(input_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(self, states: Tensor, residual: Tensor) -> Tensor:
        """`states` [..., input size], `residual` [..., hidden]."""
        return self.LayerNorm(self.dropout(self.dense(states)) + residual)


class LukeAttention(nn.Module):
    """Self-attention with its output layer."""

    def __init__(self, config: LukeConfig) -> None:
        super().__init__()
        self.self = LukeSelfAttention(config)
        self.output = LukeResidual(config, config.hidden_size)


class LukeIntermediate(nn.Module):
    """First layer of the feed-forward network."""

    def __init__(self, config: LukeConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.intermediate_size)
        self.activation = ACT2FN[config.hidden_act]

    def forward(self, states: Tensor) -> Tensor:
        """[..., hidden] -> [..., intermediate]."""
        return self.activation(self.dense(states))


class LukeLayer(GradientCheckpointingLayer):
    """One post-norm transformer layer over words and entities."""

    def __init__(self, config: LukeConfig) -> None:
        super().__init__()
        self.attention = LukeAttention(config)
        self.intermediate = LukeIntermediate(config)
        self.output = LukeResidual(config, config.intermediate_size)

    def forward(self, hidden: Tensor, layout: Layout, return_weights: bool, eager: bool) -> tuple[Tensor, Tensor | None]:
        """States, and attention weights or None; arguments and shapes as for the attention."""
        context, weights = self.attention.self(hidden, layout, return_weights, eager)
        hidden = self.attention.output(context, hidden)
        return self.output(self.intermediate(hidden), hidden), weights


class LukeEncoder(nn.Module):
    """Stack of layers."""

    def __init__(self, config: LukeConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList([LukeLayer(config) for _ in range(config.num_hidden_layers)])

    def forward(
        self, hidden: Tensor, layout: Layout, return_weights: bool, return_states: bool, eager: bool
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Last states; on request also the states around every layer, and the attention weights of every layer."""
        states = [hidden] if return_states else []
        attentions = []
        hidden = layout.gather(hidden)
        for layer in self.layer:
            hidden, weights = layer(hidden, layout, return_weights, eager)
            states += [layout.spread(hidden)] if return_states else []
            attentions += [] if weights is None else [weights]
        return layout.spread(hidden), states, attentions


class LukePooler(nn.Module):
    """Dense layer over the first word's state; LUKE's pre-training does not train it."""

    def __init__(self, config: LukeConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, words: Tensor) -> Tensor:
        """[batch, words, hidden] -> [batch, hidden]."""
        return torch.tanh(self.dense(words[:, 0]))


class LukePreTrainedModel(PreTrainedModel):
    """Loading, saving and initialisation of every LUKE model.

    If a checkpoint lacks `w2e_query`, `e2w_query` and `e2e_query` (as pre-trained ones do), they are copies of `query`, so
    that outputs do not depend on `config.use_entity_aware_attention`; without that switch, such keys are ignored.
    """

    config_class = LukeConfig
    config: LukeConfig
    base_model_prefix = "luke"
    supports_gradient_checkpointing = True
    accepts_loss_kwargs = False
    _supports_sdpa = True
    _no_split_modules = ["LukeLayer", "LukeEntityEmbeddings"]
    _keys_to_ignore_on_load_missing = [r"\.(w2e|e2w|e2e)_query\."]
    _keys_to_ignore_on_load_unexpected = [r"\.(w2e|e2w|e2e)_query\.", r"embeddings\.position_ids$"]

    @torch.no_grad()
    def initialize_weights(self) -> None:
        """Initialise parameters that are not in the checkpoint: normal, zero, one, or copies of `query`."""
        super().initialize_weights()
        for module in self.modules():
            if isinstance(module, LukeSelfAttention):
                module.copy_query_where_missing()

    def _answer(self, output: ModelOutput, return_dict: bool | None) -> Any:
        """The output, or its values as a tuple if the call or the configuration asks for one."""
        wanted = self.config.return_dict if return_dict is None else return_dict
        return output if wanted else output.to_tuple()

    def get_entity_embeddings(self) -> nn.Embedding:
        """Entity table."""
        table = self.base_model.get_submodule("entity_embeddings.entity_embeddings")
        assert isinstance(table, nn.Embedding)
        return table

    @torch.no_grad()
    def resize_entity_embeddings(self, size: int) -> nn.Embedding:
        """Shrink or extend the entity table to `size` rows; new rows are drawn from normal(0, `initializer_range`).

        The entity prediction head, if any, is resized too. Returns the new table.

        Raises:
            ValueError: `size` is not positive.
        """
        if size < 1:
            raise ValueError(f"found an entity table of {size} rows, expected at least one row")
        old = self.get_entity_embeddings()
        new = nn.Embedding(
            size, old.embedding_dim, padding_idx=old.padding_idx, device=old.weight.device, dtype=old.weight.dtype
        )
        new.weight.normal_(std=self.config.initializer_range)
        kept = min(size, old.num_embeddings)
        new.weight[:kept] = old.weight[:kept]
        new.weight.requires_grad_(old.weight.requires_grad)
        self.base_model.set_submodule("entity_embeddings.entity_embeddings", new)
        self.config.entity_vocab_size = size
        self._resize_entity_head(kept)
        return new

    def _resize_entity_head(self, kept: int) -> None:
        """Resize a head over the entity vocabulary with the table, keeping its first `kept` biases."""


class LukeModel(LukePreTrainedModel):
    """The bare encoder: states of words and entities.

    `config._attn_implementation` is `sdpa` (fused, the default) or `eager`. A call that returns attention weights uses
    the eager kernel in both cases.

    With `model.skip_padding = True`, only attention scores are computed for masked positions. The speed gain is the share
    of padding. Outputs are equal elsewhere, and zero at masked positions, where transformers returns meaningless states.

    With `config.shared_words` (which transformers does not know), words see only words, and an entity sees the words and
    itself. States then do not depend on the other entities of a text, and one pass over
    its words serves any number of them. A model must be trained that way.
    """

    def __init__(self, config: LukeConfig, add_pooling_layer: bool = True) -> None:
        super().__init__(config)
        self.embeddings = LukeEmbeddings(config)
        self.entity_embeddings = LukeEntityEmbeddings(config)
        self.encoder = LukeEncoder(config)
        self.pooler = LukePooler(config) if add_pooling_layer else None
        self.skip_padding = False
        self.post_init()

    def get_input_embeddings(self) -> nn.Embedding:
        """Word table."""
        return self.embeddings.word_embeddings

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the word table."""
        assert isinstance(value, nn.Embedding)
        self.embeddings.word_embeddings = value

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        entity_ids: Tensor | None = None,
        entity_attention_mask: Tensor | None = None,
        entity_token_type_ids: Tensor | None = None,
        entity_position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> LukeModelOutput | tuple[Any, ...]:
        """Encode a batch of texts with or without entities.

        Args:
            input_ids, attention_mask, token_type_ids, position_ids: [batch, words]; masks are 1 at visible positions.
            entity_ids, entity_attention_mask, entity_token_type_ids: [batch, entities].
            entity_position_ids: indices of the mention's words (0 = `<s>`), -1 if unused [batch, entities, mention].
            inputs_embeds: [batch, words, hidden], instead of `input_ids`.

        Raises:
            ValueError: not exactly one of `input_ids` and `inputs_embeds` is given, entities lack positions, or a mask has
                the wrong shape.
        """
        given = input_ids if input_ids is not None else inputs_embeds
        if given is None or (input_ids is not None and inputs_embeds is not None):
            raise ValueError("give exactly one of input_ids and inputs_embeds")
        if entity_ids is not None and entity_position_ids is None:
            raise ValueError("entity_ids need entity_position_ids: the words that each entity covers")
        words = given.shape[1]
        hidden = self.embeddings(input_ids, token_type_ids, position_ids, inputs_embeds)
        if entity_ids is not None:
            entities = self.entity_embeddings(entity_ids, entity_position_ids, entity_token_type_ids)
            hidden = torch.cat([hidden, entities], dim=1)  # [batch, words + entities, hidden]
        shared = bool(getattr(self.config, "shared_words", False))
        layout = make_layout(hidden, words, attention_mask, entity_attention_mask, self.skip_padding, shared)
        wants_weights = self.config.output_attentions if output_attentions is None else output_attentions
        wants_states = self.config.output_hidden_states if output_hidden_states is None else output_hidden_states
        eager = self.config._attn_implementation == "eager"
        last, states, attentions = self.encoder(hidden, layout, wants_weights, wants_states, eager)
        with_entities = entity_ids is not None
        output = LukeModelOutput(
            last_hidden_state=last[:, :words],
            pooler_output=None if self.pooler is None else self.pooler(last),
            hidden_states=tuple(state[:, :words] for state in states) if wants_states else None,
            attentions=tuple(attentions) if wants_weights else None,
            entity_last_hidden_state=last[:, words:] if with_entities else None,
            entity_hidden_states=tuple(state[:, words:] for state in states) if wants_states and with_entities else None,
        )
        return self._answer(output, return_dict)


def make_layout(
    states: Tensor,
    words: int,
    attention_mask: Tensor | None,
    entity_attention_mask: Tensor | None,
    skip_padding: bool = False,
    shared: bool = False,
) -> Layout:
    """Layout of a batch of states [batch, words + entities, hidden] under its masks; arguments as for `Layout`.

    If the masks hide a whole text, all of it is visible: its states have no meaning but stay finite.

    Raises:
        ValueError: a mask has another shape than its positions.
    """
    batch, total, _ = states.shape
    keep = torch.ones(batch, total, dtype=torch.bool, device=states.device)
    for mask, part in ((attention_mask, keep[:, :words]), (entity_attention_mask, keep[:, words:])):
        if mask is not None:
            if mask.shape != part.shape:
                raise ValueError(f"found a mask of shape {tuple(mask.shape)}, expected {tuple(part.shape)}")
            part.copy_(mask)
    if (attention_mask is None and entity_attention_mask is None) or (not torch.compiler.is_compiling() and keep.all()):
        return Layout(batch, words, total, shared=shared)
    keep = keep | ~keep.any(dim=1, keepdim=True)
    device = states.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else states.dtype
    bias = torch.zeros(batch, total, dtype=dtype, device=states.device)
    bias = bias.masked_fill_(~keep, torch.finfo(dtype).min)[:, None, None]
    if not skip_padding:
        return Layout(batch, words, total, bias, shared=shared)
    kept = keep.flatten().nonzero().squeeze(1)
    is_word = kept % total < words
    kept = torch.cat([kept[is_word], kept[~is_word]])
    return Layout(batch, words, total, bias, kept, int(is_word.sum()), shared)

"""Base of models that put one of our heads over an encoder of transformers."""

from __future__ import annotations

import inspect
from typing import Any

from torch import Tensor, nn
from transformers import MODEL_MAPPING, AutoModel, PreTrainedConfig, PreTrainedModel

from loreweave.models import LukeModel
from loreweave.models.segments import reads_segments


class EncoderModel(PreTrainedModel):
    """An encoder of transformers without its pooler; subclasses add a head and call `post_init`.

    The encoder's parameters have the names of its own head models, so that `AutoModel.from_pretrained` loads the encoder
    from the folder. Load and create it with `config=`, because the class of the configuration depends on the encoder.
    """

    config_class = PreTrainedConfig
    _supports_sdpa = True
    _supports_flash_attn = True
    supports_gradient_checkpointing = True

    def __init__(self, config: PreTrainedConfig) -> None:
        super().__init__(config)
        encoder = plain_encoder(config)
        self.base_model_prefix = encoder.base_model_prefix
        self.add_module(self.base_model_prefix, encoder)
        self.reads_segments = reads_segments(encoder)

    @property
    def encoder(self) -> PreTrainedModel:
        """The plain encoder."""
        encoder: PreTrainedModel = getattr(self, self.base_model_prefix)
        return encoder

    def encoder_output(
        self, input_ids: Tensor, attention_mask: Tensor | None, token_type_ids: Tensor | None, **others: Any
    ) -> Any:
        """The encoder's own output, computed without `token_type_ids` if it does not read them.

        Args:
            input_ids: [batch, words].
            attention_mask: [batch, words].
            token_type_ids: [batch, words].
            others: further input of the encoder.
        """
        segments = {"token_type_ids": token_type_ids} if self.reads_segments else {}
        return self.encoder(input_ids=input_ids, attention_mask=attention_mask, **segments, **others)

    def get_input_embeddings(self) -> nn.Module:
        """The encoder's word embeddings."""
        return self.encoder.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the encoder's word embeddings."""
        self.encoder.set_input_embeddings(value)


def plain_encoder(config: PreTrainedConfig) -> PreTrainedModel:
    """The encoder class of AutoModel (ours for a LUKE), without a pooler if that is possible."""
    if config.model_type == "luke":
        return LukeModel(config, add_pooling_layer=False)
    cls: Any = MODEL_MAPPING[type(config)]
    if config._attn_implementation == "sdpa" and not cls._supports_sdpa:  # chosen for the outer class, which has no attention
        config._attn_implementation = "eager"
    options = {"add_pooling_layer": False} if "add_pooling_layer" in inspect.signature(cls).parameters else {}
    encoder: PreTrainedModel = AutoModel.from_config(config, **options)
    return encoder

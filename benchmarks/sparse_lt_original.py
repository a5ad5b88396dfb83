"""Sparse Latent Typing as its released code computes it, from its description.

Two passes of the encoder, logits of masked words at every position and of rebuilt words at every position but the last, labels
of -100 where none is asked; a typer of all 64 rows, its first logit and first vector times zero; BART's decoder layer. All
dropout and LayerDrop are off where it is compared, so they are left out.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from loreweave.models.reconstruction_decoder import DecoderAttention, DecoderLayer
from loreweave.models.sparse_typing import SparseTypingHead
from loreweave.objectives import Batch

IGNORED = -100
RECONSTRUCTION, SPARSITY, DIVERSITY = 0.05, 0.05, 0.1  # weights of the losses


class OriginalBatch(NamedTuple):
    """One batch, padded to its longest sentence."""

    input_ids: Tensor  # [batch, words]
    mask: Tensor  # [batch, words]
    masked_ids: Tensor  # [batch, words]
    masked_labels: Tensor  # [batch, words], IGNORED where no word was hidden
    labels: Tensor  # [batch, words - 1], IGNORED at padding

    @classmethod
    def of(cls, batch: Batch) -> OriginalBatch:
        """The same sentences and masks as in a micro-batch of ours."""
        whole, mask = batch["latent_typing"]["input_ids"], batch["latent_typing"]["attention_mask"]
        masked_labels = torch.full_like(whole, IGNORED)
        masked_labels.view(-1)[batch["masked_words"]["positions"]] = batch["masked_words"]["labels"]
        labels = whole[:, 1:].masked_fill(mask[:, 1:] == 0, IGNORED)
        return cls(whole, mask, batch["windows"]["input_ids"], masked_labels, labels)


class OriginalTyper(nn.Module):
    """The Gumbel typer with the rows of type 0."""

    def __init__(self, hidden_size: int, types: int) -> None:
        super().__init__()
        self.weight_proj = nn.Linear(hidden_size, types, bias=False)
        self.vars = nn.Parameter(torch.zeros(types, hidden_size))
        self.register_buffer("not_first", (torch.arange(types) > 0).float(), persistent=False)

    def forward(self, states: Tensor, mask: Tensor | None, temperature: float, noise: Tensor | None) -> tuple[Tensor, Tensor]:
        """Vectors [batch, words, hidden] and soft probabilities [batch, words, types] of `states` [batch, words, hidden]."""
        logits = self.weight_proj(states).flatten(0, 1) * self.not_first  # [batch * words, types]
        if mask is not None:
            logits = logits * mask.flatten()[:, None]
        soft = logits.float().softmax(-1)
        hard = torch.zeros_like(logits).scatter_(-1, logits.argmax(-1, keepdim=True), 1.0)
        if not self.training:
            weights = hard
        elif noise is None:
            weights = functional.gumbel_softmax(logits.float(), tau=temperature)
        else:
            weights = ((logits + noise.flatten(0, 1)) / temperature).softmax(-1)
        vectors = weights @ (self.vars * self.not_first[:, None])
        return vectors.view_as(states), soft.view(*states.shape[:2], -1)


class OriginalSparseTyping(nn.Module):
    """A BERT with its masked-word head, typer, decoder and the bias of rebuilt words; weights are copies of ours.

    Args:
        model: BERT for masked words.
        head: our typer and decoder.
        attention: `fused` kernels in encoder and decoder, as transformers gives them now, or `explicit` scores, as then.
    """

    def __init__(self, model: PreTrainedModel, head: SparseTypingHead, attention: str) -> None:
        super().__init__()
        self.model = copy.deepcopy(model)
        self.model.set_attn_implementation("eager" if attention == "explicit" else "sdpa")
        self.fused = attention == "fused"
        self.typer = OriginalTyper(head.config.hidden_size, head.config.types)
        with torch.no_grad():
            self.typer.weight_proj.weight[1:] = head.typer.weight_proj
            self.typer.vars[1:] = head.typer.vars
        self.decoder = copy.deepcopy(head.decoder)  # its parameters: the computation is below
        self.bias = nn.Parameter(head.bias.detach().clone())

    def forward(self, batch: OriginalBatch, temperature: float, noise: Tensor | None = None) -> dict[str, Tensor]:
        """The four losses and their weighted sum `total`, each a mean. []"""
        base = self.model.base_model
        masked = base(input_ids=batch.masked_ids, attention_mask=batch.mask).last_hidden_state
        words = self.model.cls(masked)  # [batch, words, vocabulary]
        states = base(input_ids=batch.input_ids, attention_mask=batch.mask).last_hidden_state
        vectors, soft = self.typer(states, batch.mask, temperature, noise)
        decoded = self.decode(batch.input_ids[:, :-1], batch.mask[:, :-1], states * vectors, batch.mask)
        rebuilt = self.logits(decoded)  # [batch, words - 1, vocabulary]
        kept = batch.mask[..., None] * soft
        mean = kept.sum((0, 1)) / batch.mask.sum()
        perplexity = torch.exp(-(mean * torch.log(mean + 1e-7)).sum())
        losses = {
            "masked_words": _cross_entropy(words, batch.masked_labels),
            "reconstruction": _cross_entropy(rebuilt, batch.labels),
            "sparsity": -torch.log(kept[..., 0].sum() / batch.mask.sum() + torch.finfo(torch.float32).tiny),
            "diversity": (len(mean) - perplexity) / len(mean),
        }
        more = RECONSTRUCTION * losses["reconstruction"] + SPARSITY * losses["sparsity"] + DIVERSITY * losses["diversity"]
        return losses | {"total": losses["masked_words"] + more}

    def logits(self, decoded: Tensor) -> Tensor:
        """Scores of the words: [..., hidden] -> [..., vocabulary]."""
        return functional.linear(decoded, self.model.get_input_embeddings().weight, self.bias)

    def decode(self, input_ids: Tensor, mask: Tensor, memory: Tensor, memory_mask: Tensor) -> Tensor:
        """States after each of the words [batch, words]: [batch, words, hidden]."""
        embeddings = self.model.base_model.embeddings
        embedded = embeddings(inputs_embeds=embeddings(input_ids))  # twice, as released
        x = self.decoder.layernorm_embedding(embedded)
        layer = self.decoder.layers[0]
        assert isinstance(layer, DecoderLayer)
        lowest = torch.finfo(x.dtype).min
        causal = torch.full((x.shape[1], x.shape[1]), lowest, device=x.device).triu(1)
        own = causal + (1.0 - mask[:, None, None].to(x.dtype)) * lowest  # [batch, 1, words, words]
        x = layer.self_attn_layer_norm(x + self._attend(layer.self_attn, x, x, own.clamp(min=lowest)))
        others = ((1.0 - memory_mask[:, None, None].to(x.dtype)) * lowest).expand(-1, 1, x.shape[1], -1)
        x = layer.encoder_attn_layer_norm(x + self._attend(layer.encoder_attn, x, memory, others))
        return layer.final_layer_norm(x + layer.fc2(functional.gelu(layer.fc1(x))))

    def _attend(self, attention: DecoderAttention, queries: Tensor, places: Tensor, mask: Tensor) -> Tensor:
        """BART's attention; `mask` is added to the scores. [batch, 1, asking, places]"""

        def split(states: Tensor) -> Tensor:
            return states.unflatten(-1, (attention.heads, -1)).transpose(1, 2).contiguous()

        q, k, v = attention.q_proj(queries), split(attention.k_proj(places)), split(attention.v_proj(places))
        if self.fused:
            read = functional.scaled_dot_product_attention(split(q), k, v, attn_mask=mask.to(q.dtype))
        else:
            scores = split(q * k.shape[-1] ** -0.5).flatten(0, 1) @ k.flatten(0, 1).transpose(1, 2)
            scores = scores.view(len(q), attention.heads, *scores.shape[1:]) + mask
            read = (scores.softmax(-1).flatten(0, 1) @ v.flatten(0, 1)).view(*q.shape[:1], attention.heads, q.shape[1], -1)
        return attention.out_proj(read.transpose(1, 2).flatten(2))

    @torch.no_grad()
    def rebuild(self, input_ids: Tensor, scored: str) -> list[int]:
        """The words of one sentence [1, words], greedily: each word is a pass of the decoder over all places.

        Args:
            scored: logits of `all` places or of the `last` word's alone, which favours the original.
        """
        mask = torch.ones_like(input_ids)
        states = self.model.base_model(input_ids=input_ids, attention_mask=mask).last_hidden_state
        memory = states * self.typer(states, None, 1.0, None)[0]
        words = torch.zeros_like(input_ids)
        words[:, 0] = input_ids[:, 0]
        seen = torch.zeros_like(input_ids)
        for place in range(input_ids.shape[1] - 1):
            seen[:, place] = 1
            decoded = self.decode(words[:, :-1], seen[:, :-1], memory, mask)
            scores = self.logits(decoded)[:, place] if scored == "all" else self.logits(decoded[:, place])
            words[:, place + 1] = scores.argmax(-1)
        found: list[int] = words[0].tolist()
        return found


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)

"""The reconstruction of Sparse Latent Typing in plain NumPy, from the formulas of Ren et al. 2022."""

from __future__ import annotations

import numpy as np
from scipy.special import erf, log_softmax, softmax

Array = np.ndarray
Parameters = dict[str, Array]


def layer_norm(x: Array, weight: Array, bias: Array, epsilon: float) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon) * weight + bias


def bert_embedding(vectors: Array, bert: Parameters) -> Array:
    """Word vectors [batch, words, hidden] with positions from 0 and segment 0, normalised."""
    summed = vectors + bert["position_embeddings.weight"][: vectors.shape[1]] + bert["token_type_embeddings.weight"][0]
    return layer_norm(summed, bert["LayerNorm.weight"], bert["LayerNorm.bias"], 1e-12)


def attention(queries: Array, places: Array, visible: Array, own: Parameters, name: str, heads: int) -> Array:
    """`visible` [batch, asking, places]."""

    def project(x: Array, kind: str) -> Array:
        y = x @ own[f"{name}.{kind}_proj.weight"].T + own[f"{name}.{kind}_proj.bias"]
        return y.reshape(*y.shape[:2], heads, -1).transpose(0, 2, 1, 3)

    q, k, v = project(queries, "q"), project(places, "k"), project(places, "v")
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1])
    read = softmax(np.where(visible[:, None], scores, -np.inf), -1) @ v
    read = read.transpose(0, 2, 1, 3).reshape(queries.shape)
    return read @ own[f"{name}.out_proj.weight"].T + own[f"{name}.out_proj.bias"]


def decoder(embedded: Array, mask: Array, memory: Array, memory_mask: Array, head: Parameters, heads: int) -> Array:
    """The one-layer decoder; `mask` [batch, positions], `memory_mask` [batch, places]."""
    own = {name.removeprefix("decoder.layers.0."): value for name, value in head.items()}

    def norm(x: Array, name: str) -> Array:
        return layer_norm(x, own[f"{name}.weight"], own[f"{name}.bias"], 1e-5)

    x = norm(embedded, "decoder.layernorm_embedding")
    causal = np.tril(np.ones((x.shape[1], x.shape[1]), bool)) & mask[:, None].astype(bool)
    x = norm(x + attention(x, x, causal, own, "self_attn", heads), "self_attn_layer_norm")
    readable = np.repeat(memory_mask[:, None].astype(bool), x.shape[1], 1)
    x = norm(x + attention(x, memory, readable, own, "encoder_attn", heads), "encoder_attn_layer_norm")
    inner = x @ own["fc1.weight"].T + own["fc1.bias"]
    inner = inner * 0.5 * (1 + erf(inner / np.sqrt(2)))
    return norm(x + inner @ own["fc2.weight"].T + own["fc2.bias"], "final_layer_norm")


def losses(
    ids: Array,
    mask: Array,
    states: Array,
    noise: Array | None,
    temperature: float,
    head: Parameters,
    bert: Parameters,
    heads: int,
) -> dict[str, float]:
    """Reconstruction, sparsity and diversity of a batch; without noise the types are hard."""
    logits = np.concatenate([np.zeros((*ids.shape, 1)), states @ head["typer.weight_proj"].T], -1)
    table = np.concatenate([np.zeros((1, states.shape[-1])), head["typer.vars"]])
    weights = softmax((logits + noise) / temperature, -1) if noise is not None else np.eye(len(table))[logits.argmax(-1)]
    memory = states * (weights @ table)
    embedded = bert_embedding(bert_embedding(bert["word_embeddings.weight"][ids[:, :-1]], bert), bert)
    decoded = decoder(embedded, mask[:, :-1], memory, mask, head, heads)
    scores = log_softmax(decoded @ bert["word_embeddings.weight"].T + head["bias"], -1)
    chosen = np.take_along_axis(scores, ids[:, 1:, None], -1)[..., 0]
    mean = (softmax(logits, -1) * mask[..., None]).sum((0, 1)) / mask.sum()
    perplexity = np.exp(-(mean * np.log(mean + 1e-7)).sum())
    return {
        "reconstruction": -chosen[mask[:, 1:] == 1].mean(),
        "sparsity": -np.log(mean[0]),
        "diversity": (len(mean) - perplexity) / len(mean),
    }

"""Runs under a Python with Paddle: saves, loads and computes with Paddle alone. Knows nothing of loreweave and torch.

Arrays go in and out as `.npz`; bfloat16 goes as uint16, as in Paddle.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from paddle.nn import functional

Arrays = dict[str, Any]


def save(source: str, folder: str) -> None:
    """Write the state in every layout of `paddle.save`: one file each, named after the layout."""
    state = {name: paddle.to_tensor(array) for name, array in np.load(source).items()}
    place = Path(folder)
    for protocol in (2, 3, 4):
        paddle.save(state, str(place / f"protocol-{protocol}.pdparams"), protocol=protocol)
    paddle.save({"model": state, "epoch": 3}, str(place / "training.pdparams"))
    paddle.save({name: tensor.numpy() for name, tensor in state.items()}, str(place / "arrays.pdparams"))
    paddle.save(state, str(place / "safetensors.pdparams"), safetensors=True)
    for kind in ("float16", "bfloat16"):
        paddle.save({name: tensor.astype(kind) for name, tensor in state.items()}, str(place / f"{kind}.pdparams"))


def load(source: str, target: str) -> None:
    """Write what `paddle.load` gives, which must be Paddle's own tensors, and their types under `type:NAME`."""
    state = paddle.load(source)
    wrong = [name for name, tensor in state.items() if not isinstance(tensor, paddle.Tensor)]
    assert not wrong, f"not Paddle's tensors: {wrong}"
    types = {f"type:{name}": str(tensor.dtype) for name, tensor in state.items()}
    np.savez(target, **types, **{name: tensor.numpy() for name, tensor in state.items()})


def forward(source: str, inputs: str, target: str, heads: str, epsilon: str) -> None:
    """Write the states of words and entities after the embeddings and after each layer, as PaddleNLP's LUKE computes."""
    luke = Luke(paddle.load(source), int(heads), float(epsilon))
    given = {name: paddle.to_tensor(array) for name, array in np.load(inputs).items()}
    states = luke.states(given)
    np.savez(target, **{f"state_{number}": state.numpy() for number, state in enumerate(states)})


class Luke:
    """LUKE's encoder in evaluation mode, written with `paddle.nn.functional` over the arrays of a file."""

    def __init__(self, state: Arrays, heads: int, epsilon: float) -> None:
        self.state = {name.removeprefix("luke."): tensor for name, tensor in state.items()}
        self.heads, self.epsilon = heads, epsilon
        self.layers = 1 + max(int(name.split(".")[2]) for name in self.state if name.startswith("encoder.layer."))

    def states(self, given: Arrays) -> list[Any]:
        """Hidden states, words before entities: the embeddings and the output of each layer."""
        words = given["input_ids"].shape[1]
        hidden = paddle.concat([self.words(given["input_ids"]), self.entities(given)], axis=1)
        mask = paddle.concat([given["attention_mask"], given["entity_attention_mask"]], axis=1)
        bias = ((1.0 - mask.astype("float32")) * -1e4).unsqueeze([1, 2])
        found = [hidden]
        for number in range(self.layers):
            found.append(self.layer(f"encoder.layer.{number}.", found[-1], words, bias))
        return found

    def words(self, ids: Any) -> Any:
        """Embeddings of words; position ids begin after the padding index 1."""
        visible = (ids != 1).astype("int64")
        positions = paddle.cumsum(visible, axis=1) * visible + 1
        return self.summed(
            "embeddings.", self.row("embeddings.word_embeddings", ids), self.row("embeddings.position_embeddings", positions)
        )

    def entities(self, given: Arrays) -> Any:
        """Embeddings of entities, each with the mean of the positions of its words."""
        table = self.row("entity_embeddings.entity_embeddings", given["entity_ids"])
        table = paddle.matmul(table, self.state["entity_embeddings.entity_embedding_dense.weight"])
        places = given["entity_position_ids"]
        used = (places != -1).astype("float32").unsqueeze(-1)
        positions = (self.row("entity_embeddings.position_embeddings", places.clip(min=0)) * used).sum(axis=-2)
        return self.summed("entity_embeddings.", table, positions / used.sum(axis=-2).clip(min=1e-7))

    def summed(self, part: str, first: Any, second: Any) -> Any:
        return self.normed(f"{part}layer_norm", first + second + self.state[f"{part}token_type_embeddings.weight"][0])

    def layer(self, part: str, hidden: Any, words: int, bias: Any) -> Any:
        attended = self.linear(f"{part}attention.output.dense", self.attention(f"{part}attention.self.", hidden, words, bias))
        attended = self.normed(f"{part}attention.output.layer_norm", attended + hidden)
        inner = functional.gelu(self.linear(f"{part}intermediate.dense", attended))
        return self.normed(f"{part}output.layer_norm", self.linear(f"{part}output.dense", inner) + attended)

    def attention(self, part: str, hidden: Any, words: int, bias: Any) -> Any:
        """Each pair of kinds (asking, asked) has a query matrix of its own."""
        key, value = (self.split(self.linear(part + name, hidden)) for name in ("key", "value"))
        rows = []
        for asking, names in ((hidden[:, :words], ("query", "w2e_query")), (hidden[:, words:], ("e2w_query", "e2e_query"))):
            queries = [self.split(self.linear(part + name, asking)) for name in names]
            keys = (key[:, :, :words], key[:, :, words:])
            rows.append(
                paddle.concat([paddle.matmul(q, k, transpose_y=True) for q, k in zip(queries, keys, strict=True)], axis=3)
            )
        scores = paddle.concat(rows, axis=2) / math.sqrt(key.shape[-1]) + bias
        context = paddle.matmul(functional.softmax(scores, axis=-1), value).transpose([0, 2, 1, 3])
        return context.flatten(2)

    def split(self, states: Any) -> Any:
        batch, length, width = states.shape
        return states.reshape([batch, length, self.heads, width // self.heads]).transpose([0, 2, 1, 3])

    def row(self, table: str, ids: Any) -> Any:
        return functional.embedding(ids, self.state[f"{table}.weight"])

    def linear(self, name: str, states: Any) -> Any:
        return functional.linear(states, self.state[f"{name}.weight"], self.state[f"{name}.bias"])

    def normed(self, name: str, states: Any) -> Any:
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        return functional.layer_norm(states, states.shape[-1:], weight, bias, self.epsilon)


if __name__ == "__main__":
    {"save": save, "load": load, "forward": forward}[sys.argv[1]](*sys.argv[2:])

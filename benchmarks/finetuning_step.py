"""A fine-tuning step, ours against transformers': what dropout costs on each side.

    python benchmarks/finetuning_step.py [--kinds typing relations plain] [--sizes minilm base] [--lengths 64 128 512]
        [--dropout 0.1 0] [--words-per-step 2048] [--steps 5] [--precision fp32|bf16] [--cpu-time]

`typing` and `relations` are a LUKE with entity-aware attention and one or two entities a text
(`LukeForEntityClassification`, `LukeForEntityPairClassification`); `plain` is a BERT with a classifier, transformers' own
model on both sides, ours with `choose_attention` as in `loreweave finetune`. Both sides have the same parameters and take the
same batches of random words in turn, a quarter of the texts cut to three quarters of the length: forward, backward, one fused
AdamW update. Without dropout their logits agree first. Matrix products are the same on both sides, so that the bound of
arithmetic is 1 for float32; `ratio` is the median of theirs over the median of ours. `--cpu-time` counts the process's CPU
seconds: for one thread beside other work.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
import transformers
from luke_pretraining import SIZES
from tables import markdown, two_decimals
from torch import Tensor, nn
from transformers import BertConfig, BertForSequenceClassification, LukeConfig, PreTrainedModel

from loreweave.models import LukeForEntityClassification, LukeForEntityPairClassification
from loreweave.training.devices import autocast, choose_attention

KINDS = {
    "typing": (transformers.LukeForEntityClassification, LukeForEntityClassification, 1),
    "relations": (transformers.LukeForEntityPairClassification, LukeForEntityPairClassification, 2),
    "plain": (BertForSequenceClassification, BertForSequenceClassification, 0),
}
LABELS = 10
BATCHES = 3
COLUMNS = ("dropout", "kind", "size", "length", "batch", "theirs_s", "ours_s", "ratio")
CPU = torch.device("cpu")


def make_models(kind: str, size: str, dropout: float, precision: str) -> tuple[PreTrainedModel, PreTrainedModel]:
    """Theirs and ours with the same parameters."""
    layers, hidden, heads, wide, words = SIZES[size]
    rates = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    shape = {"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads, "intermediate_size": wide}
    common: dict[str, Any] = {"vocab_size": words, "max_position_embeddings": 514, "num_labels": LABELS, **shape, **rates}
    luke = {"entity_vocab_size": 10, "entity_emb_size": 256, "pad_token_id": 0, "use_entity_aware_attention": True}
    config = BertConfig(**common) if kind == "plain" else LukeConfig(**common, **luke)
    their_class, our_class, _ = KINDS[kind]
    torch.manual_seed(0)
    theirs, ours = their_class(copy.deepcopy(config)), our_class(copy.deepcopy(config))
    ours.load_state_dict(theirs.state_dict())
    choose_attention(ours, CPU, precision)
    return theirs.train(), ours.train()


def make_batch(kind: str, length: int, size: int, seed: int) -> dict[str, Tensor]:
    """Random words; every fourth text is shorter."""
    numbers = torch.Generator().manual_seed(seed)
    mask = torch.ones(size, length, dtype=torch.long)
    mask[::4, 3 * length // 4 :] = 0
    words = torch.randint(5, 30000, (size, length), generator=numbers) * mask
    labels = torch.randint(0, LABELS, (size,), generator=numbers)
    entities = KINDS[kind][2]
    batch = {"input_ids": words, "attention_mask": mask, "labels": labels}
    if entities:
        places = torch.full((size, entities, 30), -1)
        places[..., :3] = torch.arange(2, 2 + 3 * entities).view(entities, 3)
        ids = torch.arange(1, 1 + entities).expand(size, entities)
        batch |= {"entity_ids": ids, "entity_attention_mask": torch.ones_like(ids), "entity_position_ids": places}
    return batch


@torch.no_grad()
def check(theirs: nn.Module, ours: nn.Module, batch: dict[str, Tensor]) -> None:
    """Refuse to time two models that compute different things."""
    found, expected = (model.eval()(**batch).logits for model in (ours, theirs))
    if not torch.allclose(found, expected, atol=1e-4, rtol=1e-4):
        raise SystemExit(f"logits differ by {float((found - expected).abs().max())}")
    theirs.train(), ours.train()


def measure(kind: str, size: str, length: int, dropout: float, arguments: argparse.Namespace) -> dict[str, Any]:
    """One row."""
    count = max(1, arguments.words_per_step // length)
    theirs, ours = make_models(kind, size, dropout, arguments.precision)
    data = [make_batch(kind, length, count, seed) for seed in range(BATCHES)]
    check(theirs, ours, data[0])
    clock = time.process_time if arguments.cpu_time else time.perf_counter
    optimizers = [torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True) for model in (theirs, ours)]
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(arguments.steps + 1):
        for model, optimizer, taken in zip((theirs, ours), optimizers, seconds, strict=True):
            start = clock()
            with autocast(CPU, arguments.precision):
                loss = model(**data[number % BATCHES]).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            taken.append(clock() - start)
    their_s, our_s = (median(taken[1:]) for taken in seconds)
    row = {"dropout": f"{dropout:g}", "kind": kind, "size": size, "length": length, "batch": count}
    return row | {"theirs_s": their_s, "ours_s": our_s, "ratio": their_s / our_s}


def main() -> None:
    """Measure every setting asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["minilm", "base"])
    parser.add_argument("--lengths", nargs="+", type=int, default=[64, 128, 512])
    parser.add_argument("--dropout", nargs="+", type=float, default=[0.1, 0.0])
    parser.add_argument("--words-per-step", type=int, default=2048)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32", help="of both sides")
    parser.add_argument("--cpu-time", action="store_true", help="count CPU seconds")
    parser.add_argument("--output", type=Path, help="write the rows as JSON")
    arguments = parser.parse_args()
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}, {torch.get_num_threads()} threads"
    print(f"{arguments.precision}, {versions}", flush=True)
    rows = []
    for dropout in arguments.dropout:
        for kind in arguments.kinds:
            for size in arguments.sizes:
                for length in arguments.lengths:
                    rows.append(measure(kind, size, length, dropout, arguments))
                    print(f"  {rows[-1]}", flush=True)
    print(markdown(rows, COLUMNS, two_decimals(percent=())))
    if arguments.output:
        arguments.output.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()

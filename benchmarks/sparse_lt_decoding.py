"""Rebuilding sentences from their typed words: the original's decoding against ours, words per second.

    python benchmarks/sparse_lt_decoding.py [--model FOLDER] [--sentences-asked 256] [--batch 128] [--scored all last]
        [--device cpu|cuda] [--output FILE]

The original (`sparse_lt_original.py`) takes one sentence after another and runs the whole decoder over all its
places again for every word, under a growing mask; every sentence gets as many words as it had. `--scored` says whether it then
scores the words at `all` places, as its training does, or at the `last` one's alone, which favours it. Ours is
`reconstruct()`: sentences of like length in batches, one place a step, keys and values kept.

Both rebuild the same real sentences of text_wikispeedia, greedily, to the forced length, encoder and typer included, float32.
All words must be the same, or there is no table. The model has a typer that was trained where `--model` names one; else it is
MiniLM with a random one: words are nonsense then, but the work is the same. `ours stops at the end` is ours as it is used: a
sentence ends with its end token. Seconds and ratio are of CPU time on a CPU, which other work may share (`wall` beside them);
ours is timed before and after the original.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from kepler_schemes import Clock, minilm_tokenizer
from sparse_lt_original import OriginalSparseTyping
from tables import markdown
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModel, BertForMaskedLM, PreTrainedTokenizerFast

from checkpoints import sentences
from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.checkpoints import latent_typing
from loreweave.encoding.model_names import resolve
from loreweave.models.reconstruction import DecodingConfig, reconstruct
from loreweave.models.sparse_typing import Memory, SparseTypingHead, SparseTypingModel
from loreweave.training.quiet import quiet

COLUMNS = ("original scores", "sentences", "words", "theirs_s", "ours_s", "theirs_words_s", "ours_words_s", "ratio", "wall")
Rows = list[list[int]]


def make_model(folder: str | None) -> SparseTypingModel:
    """A trained typer, or a random one over MiniLM."""
    if folder is not None:
        return latent_typing.load(folder)
    torch.manual_seed(0)
    with quiet():
        encoder = AutoModel.from_pretrained(resolve("minilm"), add_pooling_layer=False)
    return SparseTypingModel(encoder, SparseTypingHead.of(encoder)).eval()


def make_original(model: SparseTypingModel) -> OriginalSparseTyping:
    """The original with the same weights; its masked-word head is not used."""
    with quiet():
        whole = BertForMaskedLM(model.encoder.config)
    whole.bert = model.encoder
    return OriginalSparseTyping(whole, model.head, "explicit").to(model.encoder.device).eval()


def real_sentences(arguments: argparse.Namespace, tokenizer: PreTrainedTokenizerFast) -> Rows:
    """Random sentences with their start and end tokens."""
    data = open_pretraining_set(arguments.sentences or sentences()[0]).dataset
    chosen = np.random.default_rng(arguments.seed).permutation(len(data))[: arguments.sentences_asked]
    start, end = tokenizer.cls_token_id, tokenizer.sep_token_id
    return [[start, *data[int(row)]["word_ids"][: arguments.max_words - 2], end] for row in chosen]


def theirs(original: OriginalSparseTyping, asked: Rows, scored: str) -> Rows:
    """One sentence after another."""
    device = original.bias.device
    return [original.rebuild(torch.tensor([words], device=device), scored) for words in asked]


@torch.inference_mode()
def ours(model: SparseTypingModel, asked: Rows, end_id: int, arguments: argparse.Namespace, stop_at_end: bool) -> Rows:
    """In batches of like length, in the order that was asked; the encoder has smaller ones, which pad less."""
    config = DecodingConfig(stop_at_end=stop_at_end)
    order = sorted(range(len(asked)), key=lambda row: len(asked[row]))
    found: dict[int, list[int]] = {}
    for rows in _parts(order, arguments.batch):
        read = [_memory(model, [asked[row] for row in part]) for part in _parts(rows, arguments.encoder_batch)]
        wide = max(part.mask.shape[1] for part in read)
        states = torch.cat([pad(part.states, (0, 0, 0, wide - part.states.shape[1])) for part in read])
        memory = Memory(states, torch.cat([pad(part.mask, (0, wide - part.mask.shape[1])) for part in read]))
        first = torch.tensor([asked[row][0] for row in rows], device=states.device)
        lengths = torch.tensor([len(asked[row]) for row in rows], device=states.device)
        found |= dict(zip(rows, reconstruct(model, memory, first, lengths, end_id, config), strict=True))
    return [found[row] for row in range(len(asked))]


def _parts(rows: list[int], size: int) -> list[list[int]]:
    return [rows[first : first + size] for first in range(0, len(rows), size)]


def _memory(model: SparseTypingModel, texts: Rows) -> Memory:
    """What the decoder reads of sentences."""
    device = model.encoder.device
    ids = pad_sequence([torch.tensor(text) for text in texts], batch_first=True).to(device)
    lengths = torch.tensor([len(text) for text in texts], device=device)
    mask = (torch.arange(ids.shape[1], device=device) < lengths[:, None]).long()  # [batch, words]
    return model.memory(*model(ids, mask), mask)


def timed(work: Callable[[], Rows], clock: Clock) -> tuple[Rows, float, float]:
    """What it gives, seconds to be read, and of the wall."""
    start = clock()
    found = work()
    wall, cpu = (after - before for before, after in zip(start, clock(), strict=True))
    return found, cpu if clock.device.type == "cpu" else wall, wall


def measure(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row for each way of the original, and one for ours that stops."""
    tokenizer = minilm_tokenizer()
    end_id, clock = tokenizer.sep_token_id, Clock(torch.device(arguments.device))
    model = make_model(arguments.model).to(arguments.device)
    original = make_original(model)
    asked = real_sentences(arguments, tokenizer)
    words = sum(len(row) - 1 for row in asked)
    assert isinstance(end_id, int)
    ours(model, asked[: arguments.batch], end_id, arguments, False)  # to warm up, both
    theirs(original, asked[:2], "all")
    for scored in arguments.scored:
        found, before, wall_before = timed(lambda: ours(model, asked, end_id, arguments, False), clock)
        wanted, seconds, wall = timed(lambda scored=scored: theirs(original, asked, scored), clock)
        _, after, wall_after = timed(lambda: ours(model, asked, end_id, arguments, False), clock)
        own, own_wall = (before + after) / 2, (wall_before + wall_after) / 2
        if differing := [row for row, (one, two) in enumerate(zip(wanted, found, strict=True)) if one != two]:
            shown = _both(differing[0], wanted, found)
            raise SystemExit(f"{len(differing)} of {len(asked)} sentences differ, the first:\n{shown}")
        print(f"  {len(asked)} sentences: all words equal; {_right(asked, found):.1%} are the sentence's own", flush=True)
        yield {
            "original scores": scored,
            "sentences": len(asked),
            "words": words,
            "theirs_s": seconds,
            "ours_s": own,
            "theirs_words_s": words / seconds,
            "ours_words_s": words / own,
            "ratio": seconds / own,
            "wall": wall / own_wall,
        }
    stopped, own, _ = timed(lambda: ours(model, asked, end_id, arguments, True), clock)
    given = sum(len(row) - 1 for row in stopped)
    yield {"original scores": "ours stops at the end", "sentences": len(asked), "words": given, "ours_s": own} | {
        "ours_words_s": given / own
    }


def _both(row: int, wanted: Rows, found: Rows) -> str:
    return f"original {wanted[row]}\nours     {found[row]}"


def _right(asked: Rows, found: Rows) -> float:
    """Share of the words that were rebuilt right, place by place."""
    pairs = [(a, b) for one, two in zip(asked, found, strict=True) for a, b in zip(one[1:], two[1:], strict=True)]
    return sum(a == b for a, b in pairs) / len(pairs)


def _cell(name: str, row: Mapping[str, Any]) -> str:
    value = row.get(name, "")
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a folder with encoder and typer, or a run (checkpoints.py latent-typing)")
    parser.add_argument("--sentences", help="a set of sentences; default: that of checkpoints.py, built where it is not there")
    parser.add_argument("--sentences-asked", type=int, default=256, help="how many of them")
    parser.add_argument("--max-words", type=int, default=128, help="of a sentence, as in training")
    parser.add_argument("--batch", type=int, default=128, help="of ours")
    parser.add_argument("--encoder-batch", type=int, default=8, help="of ours")
    parser.add_argument("--scored", nargs="+", choices=["all", "last"], default=["all", "last"])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="write the rows as JSON")
    arguments = parser.parse_args()
    if arguments.model is not None:
        arguments.model = str(resolve(arguments.model))
    print(f"{arguments.device}, torch {torch.__version__}, {torch.get_num_threads()} threads", flush=True)
    rows = []
    for row in measure(arguments):
        rows.append(row)
        print(markdown([row], COLUMNS, _cell), flush=True)
        if arguments.output:
            arguments.output.write_text(json.dumps(rows, indent=1))
    print(markdown(rows, COLUMNS, _cell))


if __name__ == "__main__":
    main()

"""Extractive question answering: questions a second against the way of transformers' example script, with equal answers.

    python benchmarks/extractive_qa.py [--model FOLDER] [--data FILE] [--questions 256] [--batch 8] [--padding max longest]
        [--precision fp32 bf16] [--repeats 3] [--length 384] [--device cpu|cuda] [--features QUESTIONS]

transformers 5 has no pipeline for this task, so their side is the procedure of its example (`run_qa.py`, `utils_qa.py`): a
fast tokenizer makes features of question and context with 128 shared sub-words between two windows; batches of 8 are padded to
the maximum (`--padding max`, the default of the script) or to their longest input (`longest`); and the 20 best starts
and ends of each feature are combined in Python. Ours is what `loreweave evaluate` does, with the same weights. Both go through
the same consecutive questions in turn, several times, in one process.

First the answers are compared: they must be equal for every question whose context fits into one window. Longer contexts have
other windows on both sides (ours begin 128 sub-words apart), and their answers are counted. Without `--model`, the head is new:
speed does not depend on its training, but its answers are arbitrary; give a run of `loreweave finetune` to compare real ones.
`--features` times the features alone, of so many questions, and nothing else.
With `--precision bf16`, ours is also run in bf16; how many answers are equal is printed, and need not be all.

`x max` and `x longest` are ratios of questions a second. `features`, `forward` and `answers` are seconds of CPU time on a CPU
(of wall time elsewhere), medians over the repeats.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from kepler_schemes import Clock
from tables import markdown, two_decimals
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from checkpoints import DATA
from loreweave.encoding.model_names import resolve
from loreweave.tasks.extractive_qa.model import QaModel, build, load
from loreweave.tasks.extractive_qa.prediction import decisions
from loreweave.tasks.extractive_qa.reader import read
from loreweave.tasks.extractive_qa.record import QuestionRecord
from loreweave.tasks.extractive_qa.settings import QaConfig
from loreweave.training.inference import run_model
from loreweave.training.quiet import quiet

N_BEST, LONGEST, SHARED = 20, 30, 128
PARTS = ("features", "forward", "answers")
COLUMNS = ("side", "padding", "precision", "batch", "questions", *PARTS, "questions_per_s")
CELL = two_decimals(percent=(), whole=("questions", "batch"))


class Theirs:
    """The procedure of transformers' example script."""

    def __init__(self, folder: Path, arguments: argparse.Namespace, padding: str) -> None:
        """Load the weights and the tokenizer."""
        self.model = AutoModelForQuestionAnswering.from_pretrained(folder).to(arguments.device).eval()
        self.words = AutoTokenizer.from_pretrained(folder)
        self.arguments, self.padding = arguments, padding

    def features(self, records: Sequence[QuestionRecord]) -> Any:
        """Windows of question and context, with the characters of the context's sub-words."""
        found = self.words(
            [record.question.lstrip() for record in records], [record.context for record in records],
            truncation="only_second", max_length=self.arguments.length, stride=SHARED, return_overflowing_tokens=True,
            return_offsets_mapping=True, padding="max_length" if self.padding == "max" else False,
        )  # fmt: skip
        for number in range(len(found["input_ids"])):
            kinds = found.sequence_ids(number)
            offsets = found["offset_mapping"][number]
            found["offset_mapping"][number] = [each if kinds[k] == 1 else None for k, each in enumerate(offsets)]
        return found

    @torch.inference_mode()
    def forward(self, features: Any) -> list[tuple[np.ndarray, np.ndarray]]:
        """Start and end scores of each feature, in batches in their order."""
        scores = []
        names = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in features]
        for first in range(0, len(features["input_ids"]), self.arguments.batch):
            part = {name: features[name][first : first + self.arguments.batch] for name in names}
            batch = self.words.pad(part, return_tensors="pt").to(self.arguments.device)
            output = self.model(**batch)
            starts, ends = output.start_logits.cpu().numpy(), output.end_logits.cpu().numpy()
            scores += list(zip(starts, ends, strict=True))
        return scores

    def answers(self, records: Sequence[QuestionRecord], features: Any, scores: Any) -> list[str]:
        """The best pair of the 20 best starts and ends over all features of a question."""
        of_record: dict[int, list[int]] = {}
        for number, record in enumerate(features["overflow_to_sample_mapping"]):
            of_record.setdefault(record, []).append(number)
        found = []
        for place, record in enumerate(records):
            pairs = []
            for number in of_record[place]:
                starts, ends = scores[number]
                offsets = features["offset_mapping"][number]
                for start in np.argsort(starts)[-1 : -N_BEST - 1 : -1].tolist():
                    for end in np.argsort(ends)[-1 : -N_BEST - 1 : -1].tolist():
                        if start >= len(offsets) or end >= len(offsets) or not offsets[start] or not offsets[end]:
                            continue
                        if end < start or end - start + 1 > LONGEST:
                            continue
                        pairs.append((float(starts[start] + ends[end]), offsets[start][0], offsets[end][1]))
            pairs.sort(key=lambda pair: pair[0], reverse=True)
            found.append(record.context[pairs[0][1] : pairs[0][2]] if pairs else "")
        return found


class Ours:
    """What `loreweave evaluate extractive-qa` does."""

    def __init__(self, folder: Path, arguments: argparse.Namespace, precision: str) -> None:
        """Load the weights and the tokenizer."""
        self.precision = precision
        self.loaded: QaModel = load(folder)
        self.loaded.encoding.max_length = arguments.length
        torch.nn.Module.to(self.loaded.model, arguments.device)
        self.arguments = arguments

    def features(self, records: Sequence[QuestionRecord]) -> Any:
        """Windows of question and context."""
        return self.loaded.encoding.encode(records)

    def forward(self, features: Any) -> Any:
        """Scores of each window, in batches of like length."""
        encoding = self.loaded.encoding
        return run_model(
            self.loaded.model, features, encoding.collate, encoding.unpack, batch_size=self.arguments.batch,
            precision=self.precision,
        )  # fmt: skip

    def answers(self, records: Sequence[QuestionRecord], features: Any, scores: Any) -> list[str]:
        """The best answers over all windows."""
        encoding = self.loaded.encoding
        return [each.text for each in decisions(records, encoding.join(features, scores), encoding.settings)]


def timed(
    side: Theirs | Ours, records: Sequence[QuestionRecord], clock: Clock, which: int
) -> tuple[dict[str, float], list[str]]:
    """Seconds of each part, and the answers."""
    times = [clock()[which]]
    features = side.features(records)
    times.append(clock()[which])
    scores = side.forward(features)
    times.append(clock()[which])
    answers = side.answers(records, features, scores)
    times.append(clock()[which])
    return dict(zip(PARTS, np.diff(times).tolist(), strict=True)), answers


def compare(records: Sequence[QuestionRecord], ours: Ours, expected: list[str], found: list[str]) -> None:
    """Refuse to show times of two sides that answer differently."""
    windows = np.bincount([example.record for example in ours.features(records)], minlength=len(records))
    pairs = [(windows[n] == 1, a.strip() == b.strip()) for n, (a, b) in enumerate(zip(expected, found, strict=True))]
    alone = [same for one, same in pairs if one]
    longer = [same for one, same in pairs if not one]
    print(
        f"equal answers: {sum(alone)} of {len(alone)} with one window, {sum(longer)} of {len(longer)} with several", flush=True
    )
    if not all(alone) and ours.precision == "fp32":
        raise SystemExit("the two sides answer differently")


def time_features(sides: Sequence[Theirs | Ours], records: Sequence[QuestionRecord], repeats: int, clock: Clock) -> None:
    """Questions a second of the features alone."""
    for side in sides:
        seconds = []
        for _ in range(repeats):
            start = clock()[1]
            side.features(records)
            seconds.append(clock()[1] - start)
        print(f"{type(side).__name__}: features of {len(records) / median(seconds):,.0f} questions per second", flush=True)


def prepared(name: str | None, length: int, folder: Path) -> Path:
    """A run's model, or MiniLM with a new head."""
    if name is not None:
        return Path(resolve(name))
    made = build(str(resolve("minilm")), ["answer"], QaConfig(max_length=length, seed=0))
    made.save_pretrained(folder)
    return folder


def main() -> None:
    """Compare, time, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--data", type=Path, default=DATA / "qa_squad11" / "dev.json.xz")
    parser.add_argument("--questions", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--length", type=int, default=384)
    parser.add_argument("--padding", nargs="+", default=["max", "longest"], choices=["max", "longest"])
    parser.add_argument("--precision", nargs="+", default=["fp32"], choices=["fp32", "bf16"])
    parser.add_argument("--features", type=int, metavar="QUESTIONS")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    questions = read(arguments.data).records
    records = questions[: arguments.questions]
    device = torch.device(arguments.device)
    clock, which = Clock(device), 1 if device.type == "cpu" else 0
    with TemporaryDirectory() as folder, quiet():
        model = prepared(arguments.model, arguments.length, Path(folder))
        ours = {f"ours {precision}": Ours(model, arguments, precision) for precision in arguments.precision}
        theirs = {padding: Theirs(model, arguments, padding) for padding in arguments.padding}
    if arguments.features is not None:
        time_features([theirs["longest"], next(iter(ours.values()))], questions[: arguments.features], arguments.repeats, clock)
        return
    sides: dict[str, Theirs | Ours] = {**theirs, **ours}
    times: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for repeat in range(arguments.repeats):
        answers = {}
        for name, side in sides.items():
            seconds, answers[name] = timed(side, records, clock, which)
            times[name].append(seconds)
        for padding in theirs if repeat == 0 else ():
            for name, side in ours.items():
                compare(records, side, answers[padding], answers[name])
    rows = []
    for name, side in sides.items():
        parts = {part: median(each[part] for each in times[name]) for part in PARTS}
        total = median(sum(each.values()) for each in times[name])
        row: dict[str, Any] = {"batch": arguments.batch, "questions": len(records), **parts}
        row |= {"questions_per_s": len(records) / total}
        if isinstance(side, Theirs):
            rows.append(row | {"side": "transformers", "padding": name, "precision": "fp32"})
        else:
            against = {f"x {padding}": rows[place]["questions_per_s"] for place, padding in enumerate(theirs)}
            ratios = {ratio: row["questions_per_s"] / speed for ratio, speed in against.items()}
            rows.append(row | {"side": "loreweave", "precision": side.precision, **ratios})
    columns = (*COLUMNS, *(f"x {padding}" for padding in theirs))
    print(markdown(rows, columns, CELL))


if __name__ == "__main__":
    main()

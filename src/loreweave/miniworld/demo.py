"""The demo: the whole way from pages to a typed mention on the mini-world, by the functions that the commands use."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loreweave.build.entity_vocabulary import build_entity_vocabulary
from loreweave.build.pretraining_set import build_pretraining_set
from loreweave.checkpoints import hugging_face, luke_from_encoder
from loreweave.checkpoints.loading import LoadReport
from loreweave.checkpoints.names import model_path
from loreweave.checkpoints.word_tokenizers import find_word_tokenizer
from loreweave.corpus.annotated_text import write_annotated_texts
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.files import Pathname
from loreweave.errors import ConfigurationError
from loreweave.miniworld.world import load_pages, typing_files
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.evaluation import evaluate_objectives
from loreweave.pretraining.run import run
from loreweave.tasks.jobs import DataFiles, finetune_task
from loreweave.tasks.registry import load_task
from loreweave.training.configuration import fill
from loreweave.training.recipes import load_recipe

ENCODER = "minilm"
TASK = "entity-typing"
WINDOW = 128
"""Sub-words of a window; a page fills one or two."""

HELD_OUT = 10
"""One page in so many is kept from pre-training, to measure masked entities on."""

Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long the demo trains; the defaults take two to three minutes on two CPU cores."""

    stage_1_steps: int = 100
    stage_2_steps: int = 200
    typing_epochs: int = 4

    def stage_1(self) -> list[str]:
        """Settings that go over the recipe `minilm/pretraining-1`."""
        return [f"steps={self.stage_1_steps}", "schedule.warmup_steps=10", "precision=fp32"]

    def stage_2(self) -> list[str]:
        """Settings that go over `minilm/pretraining-2`."""
        return [f"steps={self.stage_2_steps}", "schedule.warmup_steps=20", "precision=fp32"]

    def typing(self) -> list[str]:
        """Settings that go over `minilm/entity-typing`."""
        return [f"epochs={self.typing_epochs}", "optimizer.learning_rate=1e-4"]


@dataclass
class DemoResult:
    """What the demo measured and made.

    Attributes:
        rows: (what, before continued pre-training, after).
        commands: the command lines that do the same.
        output: folder of everything.
    """

    output: Path
    rows: list[tuple[str, float, float]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run_demo(
    output: Pathname, seed: int = 0, *, budget: Budget | None = None, overwrite: bool = False, report: Report = print
) -> DemoResult:
    """Build data from the pages, continue the pre-training of MiniLM as a LUKE, and compare before and after.

    Args:
        output: folder for the data, the runs and the models.
        seed: of new parameters, masks and orders.
        budget: how long to train.
        overwrite: replace an earlier demo in the same folder.
        report: is told each step, and the command that does it.

    Raises:
        ConfigurationError: the folder holds something, or the package of the encoder is missing.
    """
    folder = Path(output)
    if folder.exists() and any(folder.iterdir()) and not overwrite:
        raise ConfigurationError(f"{folder} is not empty; --overwrite replaces an earlier demo")
    demo = _Demo(folder, seed, budget or Budget(), overwrite, report, DemoResult(folder))
    started = time.monotonic()
    demo.build()
    accuracy = [demo.masked_entities(ENCODER)]
    demo.start()
    demo.pretrain()
    accuracy.append(demo.masked_entities(str(folder / "pretraining-2" / "model")))
    typing = [demo.typing("luke-start", "typing-before"), demo.typing("pretraining-2/model", "typing-after")]
    demo.result.rows = [
        ("masked entities, held-out pages: accuracy", accuracy[0], accuracy[1]),
        *((f"entity typing, test: {name}", typing[0][name], typing[1][name]) for name in ("micro_f1", "accuracy")),
    ]
    demo.result.seconds = time.monotonic() - started
    return demo.result


@dataclass
class _Demo:
    """The steps, each a public function with the settings that its command would have."""

    folder: Path
    seed: int
    budget: Budget
    overwrite: bool
    report: Report
    result: DemoResult

    def build(self) -> None:
        """Pages -> entity vocabulary and two pre-training sets."""
        pages = load_pages()
        held_out = pages[HELD_OUT - 1 :: HELD_OUT]
        parts = {"pages": [page for page in pages if page not in held_out], "held-out": held_out}
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, texts in parts.items():
            write_annotated_texts(self._path(f"{name}.jsonl"), texts)
        self.report(f"{len(parts['pages'])} pages for pre-training and {len(held_out)} held-out pages in {self.folder}")
        self._says("build", "entity-vocab", self._path("pages.jsonl"), "--output", self._path("entity_vocab.jsonl"))
        vocabulary = build_entity_vocabulary(parts["pages"])
        vocabulary.save(self._path("entity_vocab.jsonl"))
        words = find_word_tokenizer(model_path(ENCODER), None, LoadReport("encoder", ENCODER))
        assert words is not None, "a folder was given: it is read or an error"
        for name, texts in parts.items():
            said = ("--vocabulary", self._path("entity_vocab.jsonl"), "--tokenizer", ENCODER, "--max-length", WINDOW)
            self._says("build", "pretraining", self._path(f"{name}.jsonl"), *said, "--output", self._path(f"{name}-set"))
            done = build_pretraining_set(
                texts, words, vocabulary, self._path(f"{name}-set"), max_length=WINDOW, overwrite=self.overwrite
            )
            dropped = done.mentions - done.mentions_kept
            self.report(f"{done.windows} windows, {done.mentions_kept} linked mentions, {dropped} dropped")

    def start(self) -> None:
        """The LUKE before any training, for the comparison."""
        vocabulary = EntityVocabulary.load(self._path("entity_vocab.jsonl"))
        config = self._config("pretraining-1", self.budget.stage_1())
        luke = luke_from_encoder(
            model_path(ENCODER),
            vocabulary,
            entity_embedding_size=config.entity_embedding_size,
            entities_start=config.entities_start,
            seed=self.seed,
        )
        hugging_face.save(luke.model, luke.tokenizer, self._path("luke-start"), overwrite=True)
        self.report(f"{ENCODER} as a LUKE with {len(vocabulary)} entities: {self._path('luke-start')}")

    def pretrain(self) -> None:
        """Both stages."""
        first = str(self._path("pretraining-1") / "model")
        for job, settings in (
            ("pretraining-1", self.budget.stage_1()),
            ("pretraining-2", [f"model={first}", *self.budget.stage_2()]),
        ):
            overrides = [*self._common(job), *settings]
            self._says("pretrain", f"{ENCODER}/{job}", *overrides)
            run(fill(PretrainingConfig, load_recipe(f"{ENCODER}/{job}").config, overrides), overwrite=self.overwrite)

    def masked_entities(self, model: str) -> float:
        """Accuracy on the held-out pages."""
        settings = [f"model={model}", f"data=[{self._path('held-out-set')}]", "micro_batch_size=1"]
        config = self._config("pretraining-1", [*self.budget.stage_1(), *settings])
        accuracy = evaluate_objectives(config)["masked_entities_accuracy"]
        self.report(f"masked entities on held-out pages: accuracy {accuracy:.3f} ({model})")
        return accuracy

    def typing(self, model: str, name: str) -> Mapping[str, float]:
        """Fine-tune entity typing, and score the held-out entities of the test file."""
        task = load_task(TASK)
        source, data, target = self._path(model), typing_files(), self._path(name)
        overrides = [*self.budget.typing(), f"seed={self.seed}"]
        given = ("--model", source, "--data", data, "--recipe", f"{ENCODER}/{TASK}", "--output", target)
        self._says("finetune", TASK, *given, *overrides)
        config = fill(task.config, load_recipe(f"{ENCODER}/{TASK}").config, overrides)
        files = DataFiles.choose(task, data, train=None, dev=None, test=None)
        results = finetune_task(
            task, str(source), files, config, target, overwrite=self.overwrite, report=self.report
        )
        scores: Mapping[str, float] = results["test"]
        return scores

    def _config(self, job: str, settings: Sequence[str]) -> PretrainingConfig:
        recipe = load_recipe(f"{ENCODER}/{job}")
        return fill(PretrainingConfig, recipe.config, [*self._common(job), *settings])

    def _common(self, job: str) -> list[str]:
        return [f"data=[{self._path('pages-set')}]", f"output={self._path(job)}", f"seed={self.seed}"]

    def _path(self, name: str) -> Path:
        return self.folder / name

    def _says(self, *words: Any) -> None:
        command = shlex.join(["loreweave", *map(str, words)])
        self.result.commands.append(command)
        self.report(f"$ {command}")

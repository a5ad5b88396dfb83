"""The demo: from pages and a graph to names, relations and predicted facts, on the mini-world.

Every step calls the function of a command, and shows that command.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loreweave.attention.explorer import explore
from loreweave.build.entity_vocabulary import build_entity_vocabulary
from loreweave.build.pretraining_set import build_pretraining_set
from loreweave.checkpoints.formats import hugging_face
from loreweave.checkpoints.new_luke.from_encoder import luke_from_encoder
from loreweave.checkpoints.word_tokenizers import read_word_tokenizer
from loreweave.corpus.annotated_text import write_annotated_texts
from loreweave.corpus.bundled_data import graph_files, ner_files, relation_files
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.writing import atomic_path, write_json
from loreweave.corpus.graphs.building import build_graph
from loreweave.corpus.graphs.formats import find_graph
from loreweave.corpus.knowledge.entity_table import EntityTable, read_entities
from loreweave.encoding.model_names import resolve
from loreweave.errors import ConfigurationError
from loreweave.miniworld.demo_page import page
from loreweave.miniworld.demo_result import ATTENTION_PAGE, Answer, DemoResult
from loreweave.miniworld.sentence_reading import read_sentences
from loreweave.miniworld.world import load_pages
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.evaluation import evaluate_objectives
from loreweave.pretraining.run import run
from loreweave.tasks.contract import Execution
from loreweave.tasks.jobs.evaluate import evaluate_task
from loreweave.tasks.jobs.finetune import DataFiles, finetune_task
from loreweave.tasks.jobs.predict import open_task
from loreweave.tasks.jobs.predictor import load
from loreweave.tasks.registry import load_task, training_of
from loreweave.training.quiet import quiet
from loreweave.training.settings.configuration import fill
from loreweave.training.settings.recipes import load_recipe

ENCODER = "minilm"
WIDTH = 384
"""Hidden size of MiniLM, and of the entity embeddings, which are initialised from words."""

RELATIONS = "relation-classification"
NER = "ner"
LINKS = "link-prediction"
ENTITIES = "entity-linking"

WINDOW = 128
"""Maximum number of sub-words per window; a page fills one or two."""

HELD_OUT = 10
"""One page in this many is kept out of pre-training, to measure on."""

FEW_PAGES = ("batch_size=4", "micro_batch_size=4", "objectives.masked_entities.probability=0.5")
"""Small batches and many masked entities, because there are fewer than two hundred windows."""

KNOWLEDGE = "objectives.contrastive_knowledge"
SHORT_TEXTS = ("text.text=label_description", "text.max_length=32", "text.relation_text=label", "text.relation_max_length=16")
"""Texts of entities and relations: short, as in the mini-world."""

UNTRAINED = (
    "untrained=true", "scorer=transe_l2", "pooling=mean",
    "max_length=32", "text=label_description", "relation_text=label",  # as in training
)  # fmt: skip
"""The untrained encoder: vector of the head's text + vector of the relation's name, nearest tails first."""

SENTENCES = (
    "Marie Curie was born in Warsaw in 1867, and won two Nobel Prizes.",
    "Mozart wrote operas in Vienna.",
    "The Danube flows through Austria and Hungary into the Black Sea.",
)
"""Sentences whose names and relations the demo shows; none is on a page."""

QUESTIONS = (
    ("Indus River", "continent"),
    ("Albert Einstein", "field of work"),
    ("Virginia Woolf", "place of birth"),
    ("Vistula", "mouth of the watercourse"),
    ("Henrik Ibsen", "languages spoken, written or signed"),
)
"""Facts of the test split, which training does not contain: (head, relation)."""

MEASURES: dict[str, dict[str, str]] = {
    "held-out pages": {
        "masked_words_accuracy": "masked words, accuracy",
        "masked_entities_accuracy": "masked entities, accuracy",
    },
    "held-out facts": {"mrr": "link prediction, MRR", "hits_at_10": "link prediction, Hits@10"},
}
"""Rows of the table: where it is measured, the metric's name in the results, and its name for readers."""

RESULTS = "demo.json"
"""Marks the folder of a demo, which the next demo may replace."""

PAGE = "demo.html"

Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Amount of training; the defaults take three to five minutes on two CPU cores."""

    stage_1_steps: int = 30
    stage_2_steps: int = 80
    triples: int = 32
    """Number of facts per step, in addition to its windows of text."""
    ner_epochs: int = 2
    relation_epochs: int = 3
    linking_epochs: int = 1

    def stage_1(self) -> list[str]:
        """Overrides for the recipe `minilm/pretraining-1`."""
        return [f"steps={self.stage_1_steps}", "schedule.warmup_steps=4", "optimizer.learning_rate=2e-3", *FEW_PAGES]

    def stage_2(self, graph: Path) -> list[str]:
        """Overrides for `minilm/pretraining-2`, where the graph joins the pages."""
        schedule = (f"steps={self.stage_2_steps}", "schedule.warmup_steps=6", "optimizer.learning_rate=5e-4")
        own = ("optimizer.rate_factors={extra_heads: 10.0}",)
        knowledge = (f"graph={graph}", f"micro_batch_size={self.triples}", "weight=4.0", *SHORT_TEXTS)
        return [*schedule, *own, *FEW_PAGES, *(f"{KNOWLEDGE}.{setting}" for setting in knowledge)]

    def tasks(self) -> dict[str, list[str]]:
        """Overrides for `minilm/<task>`."""
        common = ("batch_size=16", "optimizer.learning_rate=3e-4")
        ner = [f"epochs={self.ner_epochs}", *common, "head=tags", "min_updates=null"]
        relations, linking = (f"epochs={epochs}" for epochs in (self.relation_epochs, self.linking_epochs))
        return {NER: ner, RELATIONS: [relations, *common], ENTITIES: [linking, "batch_size=8", "keep=last"]}


def run_demo(
    output: Pathname, seed: int = 0, *, budget: Budget | None = None, overwrite: bool = False, report: Report = print
) -> DemoResult:
    """Build data from the pages, continue the pre-training of MiniLM as a LUKE, and compare before and after.

    Args:
        output: folder for the data, the runs and the models.
        seed: seed of new parameters, masks and orders.
        budget: amount of training.
        overwrite: write to a folder with other content; an earlier demo is always replaced.
        report: called with each step, and with the command for it.

    Raises:
        ConfigurationError: the folder has other content, or the package of the encoder is missing.
    """
    folder = Path(output)
    if folder.exists() and any(folder.iterdir()) and not (overwrite or (folder / RESULTS).exists()):
        raise ConfigurationError(f"{folder}: not the folder of a demo; choose another, or use --overwrite")
    started = time.monotonic()
    demo = _Demo(folder, seed, budget or Budget(), report, DemoResult(folder))
    demo.build()
    demo.start()
    before = demo.measure("luke-start", "before", UNTRAINED)
    demo.pretrain()
    after = demo.measure("pretraining-2/model", "after")
    for where, names in MEASURES.items():
        rows = ((f"{what} ({where})", before[name], after[name]) for name, what in names.items())
        demo.result.rows += rows
    demo.ask("luke-start", "pretraining-2/model")
    demo.names("pretraining-2/model")
    demo.look("pretraining-2/model")
    demo.result.seconds = round(time.monotonic() - started, 1)
    demo.write()
    return demo.result


@dataclass
class _Demo:
    """The steps of the demo. Each calls a public function with the settings of its command."""

    folder: Path
    seed: int
    budget: Budget
    report: Report
    result: DemoResult

    def build(self) -> None:
        """Build an entity vocabulary and two pre-training sets from the pages, and a graph from the facts."""
        pages = load_pages()
        held_out = pages[HELD_OUT - 1 :: HELD_OUT]
        parts = {"pages": [page for page in pages if page not in held_out], "held-out": held_out}
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self._path(RESULTS), {"output": str(self.folder)})
        for name, texts in parts.items():
            write_annotated_texts(self._path(f"{name}.jsonl"), texts)
        self.report(f"{len(parts['pages'])} pages for pre-training and {len(held_out)} held-out pages in {self.folder}")
        listed = self._path("entity_vocab.jsonl")
        self._says("build", "entity-vocab", self._path("pages.jsonl"), "--output", listed)
        vocabulary = build_entity_vocabulary(parts["pages"])
        vocabulary.save(listed)
        words = read_word_tokenizer(ENCODER)
        for name, texts in parts.items():
            target = self._path(f"{name}-set")
            said = ("--vocabulary", listed, "--tokenizer", ENCODER, "--max-length", WINDOW, "--output", target)
            self._says("build", "pretraining", self._path(f"{name}.jsonl"), *said)
            done = build_pretraining_set(texts, words, vocabulary, target, max_length=WINDOW, overwrite=True)
            dropped = done.mentions - done.mentions_kept
            self.report(f"{done.windows} windows, {done.mentions_kept} linked mentions, {dropped} dropped (unknown)")
        self._says("build", "graph", graph_files(), "--format", "jsonl", "--output", self._path("graph"))
        graph = build_graph(find_graph("jsonl", graph_files()), self._path("graph"), overwrite=True)
        named = (replace(entity, title=entity.label) for entity in read_entities(self._path("graph")))
        EntityTable(named).save(self._path("entities.jsonl"))  # the pages link to the labels
        facts = ", ".join(f"{counts['triples']} {split}" for split, counts in graph["splits"].items())
        self.report(f"{graph['entities']} entities, {graph['relations']} relations, facts: {facts}")

    def start(self) -> None:
        """Create a LUKE from MiniLM, without training."""
        vocabulary = EntityVocabulary.load(self._path("entity_vocab.jsonl"))
        luke = luke_from_encoder(
            resolve(ENCODER), vocabulary, entity_embedding_size=WIDTH, entities_start="titles", seed=self.seed
        )
        with quiet():
            hugging_face.save(luke.model, luke.tokenizer, self._path("luke-start"), overwrite=True)
        titled = len(vocabulary) - len(vocabulary.special_ids)
        self.report(f"{ENCODER} as a LUKE in luke-start: {titled} entities are initialised from the words of their titles")

    def pretrain(self) -> None:
        """Both stages: first only the entity embeddings are trained, then the whole model on pages and graph."""
        stages = {"pretraining-1": self.budget.stage_1(), "pretraining-2": self.budget.stage_2(self._path("graph"))}
        model = "luke-start"
        for job, settings in stages.items():
            overrides = [*self._files(model, "pages-set", job), *settings]
            self._says("pretrain", f"{ENCODER}/{job}", *overrides)
            run(fill(PretrainingConfig, load_recipe(f"{ENCODER}/{job}").config, overrides), overwrite=True)
            model = f"{job}/model"

    def measure(self, model: str, when: str, reading: Sequence[str] = ()) -> dict[str, float]:
        """All metrics of a model; `reading` configures link prediction for a model without a head over the graph."""
        return self.held_out(model) | self.links(model, f"links-{when}", reading)

    def held_out(self, model: str) -> dict[str, float]:
        """Accuracy of masked words and masked entities on the held-out pages."""
        overrides = [*self._files(model, "held-out-set", "held-out"), *FEW_PAGES]
        recipe = load_recipe(f"{ENCODER}/pretraining-2")
        results = evaluate_objectives(fill(PretrainingConfig, recipe.config, overrides))
        self._tells("held-out pages", results)
        return results

    def links(self, model: str, name: str, reading: Sequence[str]) -> dict[str, float]:
        """Link prediction on the test facts: both sides, filtered, among all entities."""
        source, graph, target = self._path(model), self._path("graph"), self._path(name)
        self._says("evaluate", LINKS, "--model", source, "--data", graph, "--output", target, *reading)
        how = Execution(report=self.report)
        task = load_task(LINKS)
        found = evaluate_task(task, source, graph, settings=reading, execution=how, output=target, overwrite=True)
        scores = found[0].metrics
        self._tells("held-out facts", scores)
        return dict(scores)

    def finetune(self, name: str, model: str, data: Path) -> dict[str, float]:
        """Fine-tune on a task's files in a folder; return the scores on its test file."""
        task, source, target = load_task(name), self._path(model), self._path(name)
        overrides = [*self.budget.tasks()[name], f"seed={self.seed}"]
        given = ("--model", source, "--data", data, "--recipe", f"{ENCODER}/{name}", "--output", target)
        self._says("finetune", name, *given, *overrides)
        config = fill(training_of(task).config, load_recipe(f"{ENCODER}/{name}").config, overrides)
        files = DataFiles.choose(task, data, train=None, dev=None, test=None)
        results = finetune_task(task, str(source), files, config, target, overwrite=True, report=self.report)
        return dict(results["test"])

    def link(self, model: str) -> dict[str, float]:
        """Train the LUKE to link names to the entities of the graph; return the scores on the held-out pages."""
        task, source, target = load_task(ENTITIES), self._path(model), self._path(ENTITIES)
        files = DataFiles(train=self._path("pages.jsonl"), test=self._path("held-out.jsonl"))
        overrides = [f"entities={self._path('entities.jsonl')}", *self.budget.tasks()[ENTITIES], f"seed={self.seed}"]
        given = ("--model", source, "--train", files.train, "--test", files.test, "--output", target)
        self._says("finetune", ENTITIES, *given, *overrides)
        config = fill(training_of(task).config, {}, overrides)
        results = finetune_task(task, str(source), files, config, target, overwrite=True, report=self.report)
        return dict(results["test"])

    def names(self, model: str) -> None:
        """Fine-tune NER, relation classification and entity linking, and apply them to three new sentences."""
        for task, data in ((NER, ner_files()), (RELATIONS, relation_files())):
            self.result.tests[task] = self.finetune(task, model, data)["micro_f1"]
        self.result.tests[ENTITIES] = self.link(model)["accuracy"]
        tasks = {NER: "SENTENCES.txt", ENTITIES: "NAMES.jsonl", RELATIONS: "PAIRS.jsonl"}
        for task, queries in tasks.items():
            self._says("predict", task, queries, "--model", self._path(task))
        finder, linker, relater = (load(self._path(task)) for task in tasks)
        self.result.sentences = read_sentences(finder, linker, relater, SENTENCES)

    def look(self, model: str) -> None:
        """Show where the words and the names of the first sentence look, on a page of its own."""
        sentence, target = self.result.sentences[0], self._path(ATTENTION_PAGE)
        mentions = [option for name in sentence.names for option in ("--mention", f"{name.start}-{name.end}")]
        self._says("attention", "--model", self._path(model), sentence.text, *mentions, "--output", target)
        found = explore(str(self._path(model)), sentence.text, [(name.start, name.end) for name in sentence.names])
        found.save(target, overwrite=True)

    def ask(self, start: str, trained: str) -> None:
        """Complete five facts that are not in training, with the encoder before and after training."""
        given = ("--model", self._path(trained), "--data", self._path("graph"), "top=1")
        self._says("predict", LINKS, "QUESTIONS.jsonl", *given)
        answers = [self._answers(start, UNTRAINED), self._answers(trained)]
        for (head, relation), before, after in zip(QUESTIONS, *answers, strict=True):
            self.result.answers.append(Answer(head, relation, before["label"], after["label"], after["known"]))

    def _answers(self, model: str, reading: Sequence[str] = ()) -> list[dict[str, Any]]:
        """The best answer to each question."""
        queries = ((f"question {n}", {"head": head, "relation": what}) for n, (head, what) in enumerate(QUESTIONS, 1))
        settings = ["top=1", *reading]
        how = Execution(report=self.report)
        ask = open_task(load_task(LINKS), self._path(model), self._path("graph"), settings=settings, execution=how)
        return [answer["predicted"][0] for answer in ask(queries, len(QUESTIONS))]

    def write(self) -> None:
        """Write the metrics and the page."""
        write_json(self._path(RESULTS), self.result.to_dict())
        with atomic_path(self._path(PAGE)) as path:
            path.write_text(page(self.result), encoding="utf-8")

    def _files(self, model: str, data: str, output: str) -> list[str]:
        paths = (f"model={self._path(model)}", f"data=[{self._path(data)}]", f"output={self._path(output)}")
        return [*paths, f"seed={self.seed}"]

    def _path(self, name: str) -> Path:
        return self.folder / name

    def _tells(self, where: str, scores: Mapping[str, float]) -> None:
        self.report(f"{where}: {'; '.join(f'{what} {scores[name]:.3f}' for name, what in MEASURES[where].items())}")

    def _says(self, *words: Any) -> None:
        command = shlex.join(["loreweave", *map(str, words)])
        self.result.commands.append(command)
        self.report(f"$ {command}")

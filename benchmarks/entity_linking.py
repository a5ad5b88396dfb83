"""Linking to described entities: prior alone, encoders without training, and plain encoders and LUKE after fine-tuning.

    python benchmarks/entity_linking.py --starts minilm words-500-0 types-500-0 --lukes entities-500-0 --seeds 0
    python benchmarks/entity_linking.py --table
    python benchmarks/entity_linking.py --coverage
    python benchmarks/entity_linking.py --speed

Entities: those of FB15k-237, CoDEx and Wikispeedia, joined by Wikipedia title and QID; descriptions are Wikidata's and the
first sentence of Wikispeedia's article. Training: paragraphs of text_wikispeedia without its reserved titles, and documents of
entity_gum (train), others of which are the dev data. A tenth of the linked entities is held out: no training text links them
(unseen). Test: links of the reserved articles, entity_gum (dev) and el_elevant. Accuracy is InKB, over mentions whose entity is
in the table. Without names, each mention is compared with all entities. Each LUKE is evaluated with the entities of its
vocabulary, with all entities (rows from descriptions), its words as a bi-encoder, and with MiniLM for unknown names. Runs that
are done are not run again; starts are folders in `LOREWEAVE_CHECKPOINTS`/starts.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from checkpoints import DATA, STORE
from loreweave.cli.main import main as loreweave
from loreweave.corpus.annotated_text import AnnotatedText, Mention, write_annotated_texts
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.files.reading import open_text, read_json_lines
from loreweave.corpus.knowledge.entity_names import canonical_entity
from loreweave.corpus.knowledge.entity_table import DescribedEntity, EntityTable, read_entities
from loreweave.corpus.mentions.dictionary import MentionDictionary
from loreweave.corpus.wikispeedia import read_reserved_titles, read_wikispeedia
from loreweave.encoding.model_names import resolve
from loreweave.tasks.contract import Execution
from loreweave.tasks.entity_linking import description_model
from loreweave.tasks.entity_linking.candidates import CandidateFinder, dictionary_of
from loreweave.tasks.entity_linking.description_rows import id_of
from loreweave.tasks.entity_linking.evaluation import find_names, link
from loreweave.tasks.entity_linking.reader import read
from loreweave.tasks.entity_linking.settings import EntityLinkingConfig, PredictionSettings

TASK = "entity-linking"
FOLDER = STORE / "linking"
ENTITIES, NAMES = FOLDER / "entities.jsonl", FOLDER / "names"
TESTS = {
    "wikispeedia": FOLDER / "test.jsonl",
    "gum": DATA / "entity_gum" / "dev.jsonl.gz",
    "wiki-fair": DATA / "el_elevant" / "wiki-fair-v2-dev.jsonl.xz",
    "kore50": DATA / "el_elevant" / "kore50.jsonl.xz",
    "oke-2015": DATA / "el_elevant" / "oke-2015-train.jsonl.xz",
}
WITHOUT_NAMES = ("wikispeedia", "gum")
"""Tests whose mentions are also linked without their names."""
_SENTENCE = re.compile(r".{40,300}?[.!?](?=\s)", re.DOTALL)


def share(name: str) -> float:
    """A number from 0 to 1 that depends only on the name."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF


def held_out(entity: str) -> bool:
    """Whether no training text links an entity."""
    return share(f"entity {entity}") < 0.1


def first_sentences() -> dict[str, str]:
    """Title -> first sentence of the article's prose."""
    found = {}
    for article in read_wikispeedia(DATA / "text_wikispeedia" / "articles.jsonl.xz"):
        for start, end, kind in article.metadata["paragraphs"]:
            if kind == "p" and end - start > 60:
                text = article.text[start:end]
                sentence = _SENTENCE.match(text)
                found[canonical_entity(article.title)] = " ".join((sentence[0] if sentence else text[:300]).split())
                break
    return found


def graph_entities() -> Iterator[DescribedEntity]:
    """Entities of FB15k-237, then those of CoDEx."""
    with gzip.open(DATA / "kg_fb15k237" / "entity2wikidata.json.gz", "rt", encoding="utf-8") as file:
        rows = json.load(file)
    for row in rows.values():
        title = canonical_entity(row["wikipedia"]) if row.get("wikipedia") else ""
        if row.get("wikidata_id") and row.get("label"):
            names = tuple(row.get("alternatives") or ())
            yield DescribedEntity(row["wikidata_id"], row["label"], row.get("description") or "", names, (), title)
    with open_text(DATA / "kg_codex" / "entity_labels_partial.tsv.gz") as lines:
        for line in lines:
            id, label, description, _ = (*line.rstrip("\n").split("\t"), "", "")[:4]
            yield DescribedEntity(id, label, description)


def entities() -> list[DescribedEntity]:
    """All entities, each once, with the first sentence after the description."""
    sentences = first_sentences()
    titles = {mention.entity for article in read_wikispeedia(DATA / "text_wikispeedia" / "articles.jsonl.xz")
              for mention in article.mentions if mention.entity}  # fmt: skip
    found: dict[str, DescribedEntity] = {}
    taken = set()
    for entity in graph_entities():
        if entity.id not in found:
            texts = [text for text in (entity.description, sentences.get(entity.title, "")) if text]
            found[entity.id] = replace(entity, description=". ".join(texts))
            taken.add(entity.title)
    for title in sorted({canonical_entity(title) for title in titles} | set(sentences)):
        if title not in taken:
            label = re.sub(r"\s+\([^()]*\)$", "", title)
            found[title] = DescribedEntity(title, label, sentences.get(title, ""), title=title)
    return list(found.values())


def paragraphs(chosen: Callable[[str], bool]) -> Iterator[AnnotatedText]:
    """Paragraphs with links of the articles of chosen titles."""
    for article in read_wikispeedia(DATA / "text_wikispeedia" / "articles.jsonl.xz"):
        if not chosen(article.title):
            continue
        for start, end, kind in article.metadata["paragraphs"]:
            inside = [one for one in article.mentions if start <= one.start and one.end <= end]
            if kind == "p" and inside:
                mentions = tuple(Mention(one.start - start, one.end - start, one.entity) for one in inside)
                metadata = {"doc": article.title}
                yield AnnotatedText(f"{article.title}:{start}", article.text[start:end], mentions, metadata=metadata)


def some(texts: Iterable[AnnotatedText], number: int) -> list[AnnotatedText]:
    """A fixed choice of texts."""
    return sorted(texts, key=lambda text: share(text.id))[:number]


def gum_documents(table: EntityTable, dev: bool, kept: Callable[[int], bool]) -> Iterator[AnnotatedText]:
    """Documents of entity_gum (train), a quarter of them for dev, with the links to the kept rows of the table."""
    for record in read(DATA / "entity_gum" / "train.jsonl.gz").records:
        if (share(f"dev {record.document}") < 0.25) == dev:
            asked = [record.mentions[index] for index in record.asked()]
            rows = [None if one.entity is None else table.row_of(one.entity) for one in asked]
            mentions = [Mention(one.start, one.end, table[row].id) for one, row in zip(asked, rows, strict=True)
                        if row is not None and kept(row)]  # fmt: skip
            if mentions:
                yield AnnotatedText(record.id, record.text, tuple(mentions), metadata={"doc": record.document})


def prepare(train: int, test: int) -> None:
    """Write the entities, the texts and the dictionary, if they are not there."""
    if NAMES.exists():
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    table = EntityTable(entities())
    table.save(ENTITIES)
    reserved = read_reserved_titles(DATA / "text_wikispeedia" / "reserved_titles.txt")
    write_annotated_texts(TESTS["wikispeedia"], some(paragraphs(lambda title: title in reserved), test))
    of_dev = {title for title in (text.metadata["doc"] for text in paragraphs(lambda _: True)) if share(f"dev {title}") < 0.03}
    every = []
    for text in paragraphs(lambda title: title not in of_dev | reserved):
        seen = tuple(mention for mention in text.mentions if not held_out(canonical_entity(str(mention.entity))))
        if seen:
            every.append(replace(text, mentions=seen))
    linked = {table.row_of(str(mention.entity)) for text in every for mention in text.mentions}
    write_annotated_texts(FOLDER / "train.jsonl", [*some(every, train), *gum_documents(table, False, linked.__contains__)])
    write_annotated_texts(FOLDER / "dev.jsonl", gum_documents(table, True, lambda row: True))
    write_annotated_texts(FOLDER / "links.jsonl", every)
    dictionary_of(read(FOLDER / "links.jsonl").records).save(NAMES, overwrite=True)


def command(*words: object) -> None:
    """Run a command of loreweave, and note its CPU time; what it shows goes to standard error."""
    given = list(map(str, words))
    print("loreweave " + " ".join(given), file=sys.stderr)
    begun = time.process_time()
    with redirect_stdout(sys.stderr):
        if loreweave(given):
            raise SystemExit(1)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    cost = {"command": given, "cpu_seconds": round(time.process_time() - begun, 1), "peak_memory_mb_so_far": memory}
    with (FOLDER / "costs.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(cost) + "\n")


def model_of(start: str) -> str:
    """The encoder of a start."""
    return start if start == "minilm" else str(STORE / "starts" / start / "model")


def trained(start: str, seed: int, kind: str = "") -> Path:
    """A fine-tuned linker: a bi-encoder, or LUKE's global model (`kind` luke) with the same texts, updates and rates."""
    run = FOLDER / f"{start}{kind and '-' + kind}-{seed}"
    if not (run / "results.json").exists():
        files = ("--train", FOLDER / "train.jsonl", "--dev", FOLDER / "dev.jsonl", "--output", run, "--overwrite")
        given = [f"entities={ENTITIES}", f"dictionary={NAMES}", f"seed={seed}"]
        recipe = f"minilm/{TASK}"
        if kind == "luke":
            recipe = "luke-disambiguation/aida"
            given += ["max_length=128", "description_length=48", "batch_size=8", "epochs=1", "precision=auto"]
            given += ["optimizer.learning_rate=5e-5", "optimizer.bias_correction=true", "schedule.warmup_ratio=0.06"]
        if kind == "words":
            given += ["head=descriptions"]
        command("finetune", TASK, "--model", model_of(start), *files, "--recipe", recipe, *given)
    return run


def evaluated(model: object, name: str, test: str, *settings: str) -> Path:
    """The folder of the results of a test."""
    output = FOLDER / "results" / name / test
    if not (output / "results.json").exists():
        command("evaluate", TASK, "--model", model, "--data", TESTS[test], "--output", output, "--overwrite", *settings)
    return output


def compare_texts(model: object, name: str, tests: list[str], *settings: str) -> None:
    """Evaluate a bi-encoder with and without names; the vectors of all entities are stored."""
    for test in tests:
        for names in ("true", "false") if test in WITHOUT_NAMES else ("true",):
            evaluated(model, f"{name}/names-{names}", test, *settings, f"names={names}", f"cache={FOLDER / 'vectors'}")


def of_vocabulary(start: str) -> Path:
    """A file of the entities that a LUKE's vocabulary has."""
    path = FOLDER / f"vocabulary-{start}.jsonl"
    vocabulary = EntityVocabulary.load(model_of(start))
    EntityTable([one for one in read_entities(ENTITIES) if id_of(one, vocabulary) is not None]).save(path)
    return path


def measure(starts: list[str], lukes: list[str], seeds: list[int], tests: list[str]) -> None:
    """All runs and evaluations that are not there."""
    untrained = ("untrained=true", f"dictionary={NAMES}")
    if "minilm" in starts:
        compare_texts("minilm", "minilm, untrained", tests, *untrained, f"entities={ENTITIES}")
    for start in starts:
        for seed in seeds:
            compare_texts(trained(start, seed), f"{start}/{seed}", tests)
    for start in lukes:
        tables = {"vocabulary": of_vocabulary(start), "descriptions": ENTITIES}
        for kind, table in tables.items():
            for test in tests:
                name = f"LUKE {start}, {kind}"
                if kind == "descriptions":
                    evaluated(model_of(start), f"{name}, untrained/names-true", test, *untrained, f"entities={table}")
                for seed in seeds:
                    evaluated(trained(start, seed, "luke"), f"{name}/{seed}/names-true", test, f"entities={table}")
        for seed in seeds:
            compare_texts(trained(start, seed, "words"), f"LUKE {start}, words alone/{seed}", tests)
            if "minilm" in starts:
                both = ("unknown_names=nearest", f"description_linker={trained('minilm', seed)}", f"cache={FOLDER / 'vectors'}")
                for test in tests:
                    name = f"LUKE {start}, MiniLM for unknown names/{seed}/names-true"
                    evaluated(trained(start, seed, "luke"), name, test, f"entities={ENTITIES}", *both)


class Groups:
    """Groups of the mentions of a test by their gold entity and their name."""

    def __init__(self) -> None:
        self.table = EntityTable(read_entities(ENTITIES))
        self.finder = CandidateFinder(self.table, MentionDictionary.load(NAMES))
        links = [mention.entity for record in read(FOLDER / "links.jsonl").records for mention in record.mentions]
        self.seen = {self.table.row_of(entity) for entity in links if entity is not None}

    def of(self, gold: dict[str, Any]) -> list[str]:
        """Names of the groups; none if the entity is not in the table."""
        row = self.table.row_of(gold["entity"])
        if row is None:
            return []
        ambiguous = ["ambiguous"] if len(self.finder.find(gold["mention"])) > 1 else []
        return ["all", "seen" if row in self.seen else "unseen", *ambiguous]

    def prior(self, gold: dict[str, Any]) -> int | None:
        """Row with the largest prior."""
        found = self.finder.find(gold["mention"])
        return found[0][0] if found else None


def accuracies(folder: Path, groups: Groups, prior: bool = False) -> dict[str, tuple[float, int]]:
    """Group -> accuracy and number of mentions; `prior`: of the largest prior instead of the predictions."""
    right: dict[str, list[bool]] = {}
    for file in (folder / "predictions").glob("*.jsonl"):
        for _, row in read_json_lines(file):
            for guess, gold in zip(row["predicted"], row["gold"], strict=True):
                found = groups.prior(gold) if prior else groups.table.row_of(guess["entity"])
                for group in groups.of(gold):
                    right.setdefault(group, []).append(found == groups.table.row_of(gold["entity"]))
    return {group: (sum(values) / len(values), len(values)) for group, values in right.items()}


def table() -> None:
    """Print all results as a table; of several seeds the mean and the standard deviation."""
    groups, columns = Groups(), ("all", "seen", "unseen", "ambiguous")
    print("| test | names | linker | seeds | " + " | ".join(columns) + " |\n|---|---|---|---|" + "---|" * len(columns))
    results = FOLDER / "results"
    for test in TESTS:
        for names in ("true", "false"):
            linkers: dict[str, list[Path]] = {}
            for folder in sorted(results.glob(f"**/names-{names}/{test}")):
                linkers.setdefault(folder.relative_to(results).parts[0], []).append(folder)
            if linkers and names == "true":
                show(test, names, "prior alone", [accuracies(next(iter(linkers.values()))[0], groups, prior=True)], columns)
            for linker, folders in linkers.items():
                show(test, names, linker, [accuracies(folder, groups) for folder in folders], columns)


def show(test: str, names: str, linker: str, runs: list[dict[str, tuple[float, int]]], columns: tuple[str, ...]) -> None:
    """Print a row."""
    cells = []
    for column in columns:
        values = [100 * run[column][0] for run in runs if column in run]
        if values:
            spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.1f}{spread} ({runs[0][column][1]})")
        else:
            cells.append("")
    print(f"| {test} | {'yes' if names == 'true' else 'no'} | {linker} | {len(runs)} | {' | '.join(cells)} |")


def speed(entities: int = 100_000, texts: int = 150) -> None:
    """Print the mentions per second of CPU time on one core, among many described entities with stored vectors.

    The table has the real entities and copies of them with the same names, so that names are ambiguous. The vectors are random
    and memory-mapped. The mentions are the names in paragraphs. Each number format is timed in turn, and its answers are
    compared with those of fp32.
    """
    torch.set_num_threads(1)
    own = read_entities(ENTITIES)
    copies = [replace(own[n % len(own)], id=f"copy {n}", title="", wikidata="") for n in range(entities - len(own))]
    table = EntityTable([*own, *copies])
    loaded = description_model.build(str(resolve("minilm")), table, None, EntityLinkingConfig())
    path = FOLDER / "random.npy"
    np.save(path, np.random.default_rng(0).normal(size=(len(table), loaded.model.config.hidden_size)).astype(np.float32))
    mapped = np.load(path, mmap_mode="r")
    loaded.model.entities.stored = lambda rows: torch.from_numpy(np.asarray(mapped[rows]))
    execution = Execution(device="cpu", report=lambda line: None)
    records = read(FOLDER / "train.jsonl").records[:texts]
    settings = PredictionSettings(whole_names=False)
    find_names(records[:8], loaded, settings, execution)
    begun = time.process_time()
    found = find_names(records, loaded, settings, execution)
    mentions = sum(len(record.mentions) for record in found)
    print(f"{mentions} names of {len(records)} texts found in {time.process_time() - begun:.1f} s; {len(table):,} entities")
    answers: dict[str, list[str]] = {}
    for precision in ("fp32", "bf16", "fp32", "bf16"):
        begun = time.process_time()
        linked = link(loaded, found, replace(execution, precision=precision))
        taken = time.process_time() - begun
        answers[precision] = [one["entity"] for record in linked for one in record]
        same = sum(one == other for one, other in zip(answers["fp32"], answers[precision], strict=True))
        print(f"{precision}: {taken:.2f} s, {mentions / taken:.0f} a second; {same} answers as in fp32")


def coverage() -> None:
    """Print what the table and the names cover in each test, and the accuracy of the prior alone."""
    groups = Groups()
    print("| test | texts | mentions | in the table | has candidates | right one among them | prior alone |")
    for test, path in TESTS.items():
        records = read(path).records
        asked = [(one.surface(one.mentions[i]), one.mentions[i].entity) for one in records for i in one.asked()]
        linked = [(name, groups.table.row_of(entity)) for name, entity in asked if entity is not None]
        inside = [([found for found, _ in groups.finder.find(name)], row) for name, row in linked if row is not None]
        shares = [
            sum(bool(found) for found, _ in inside),
            sum(row in found for found, row in inside),
            sum(found[:1] == [row] for found, row in inside),
        ]
        cells = [test, len(records), len(linked), f"{len(inside)} ({len(inside) / len(linked):.0%})"]
        print(f"| {' | '.join(map(str, cells))} | {' | '.join(f'{100 * share / len(inside):.1f}' for share in shares)} |")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", nargs="*", default=["minilm"], help="plain encoders")
    parser.add_argument("--lukes", nargs="*", default=[], help="LUKEs with an entity head")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--tests", nargs="+", choices=tuple(TESTS), default=list(TESTS))
    parser.add_argument("--paragraphs", nargs=2, type=int, default=[500, 250], help="of Wikispeedia, of training and test")
    parser.add_argument("--table", action="store_true", help="only print the results that are there")
    parser.add_argument("--speed", action="store_true", help="measure mentions per second of CPU time")
    parser.add_argument("--coverage", action="store_true", help="count what the entities and names cover")
    options = parser.parse_args()
    if options.speed or options.coverage:
        prepare(*options.paragraphs)
        (speed if options.speed else coverage)()
        return
    if not options.table:
        prepare(*options.paragraphs)
        measure(options.starts, options.lukes, options.seeds, options.tests)
    table()


if __name__ == "__main__":
    main()

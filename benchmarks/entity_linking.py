"""Linking to described entities: prior alone, an encoder without training, and fine-tuned from several starts.

    python benchmarks/entity_linking.py --starts minilm words-500-0 types-500-0 --seeds 0
    python benchmarks/entity_linking.py --table
    python benchmarks/entity_linking.py --coverage
    python benchmarks/entity_linking.py --speed

Entities: those of FB15k-237, CoDEx and Wikispeedia, joined by Wikipedia title and QID; descriptions are Wikidata's and the
first sentence of Wikispeedia's article. Training: paragraphs of text_wikispeedia without its reserved titles. A tenth of the
linked entities is held out: no training text links them (unseen). Test: links of the reserved articles, entity_gum (dev) and
el_elevant. Accuracy is InKB, over mentions whose entity is in the table, whose number is shown. Without names, each mention is
compared with all entities. Starts are folders in `LOREWEAVE_CHECKPOINTS`/starts. Runs that are done are not run again.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from checkpoints import DATA, REPOSITORY, STORE
from loreweave.corpus.annotated_text import AnnotatedText, Mention, write_annotated_texts
from loreweave.corpus.files.reading import open_text, read_json_lines
from loreweave.corpus.knowledge.entity_names import canonical_entity
from loreweave.corpus.knowledge.entity_table import DescribedEntity, EntityTable, read_entities
from loreweave.corpus.mentions.dictionary import MentionDictionary
from loreweave.corpus.wikispeedia import read_reserved_titles, read_wikispeedia
from loreweave.encoding.model_names import resolve
from loreweave.tasks.contract import Execution
from loreweave.tasks.entity_linking import description_model
from loreweave.tasks.entity_linking.candidates import CandidateFinder, dictionary_of
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


def prepare(train: int, dev: int, test: int) -> None:
    """Write the entities, the texts and the dictionary, if they are not there."""
    if NAMES.exists():
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    EntityTable(entities()).save(ENTITIES)
    reserved = read_reserved_titles(DATA / "text_wikispeedia" / "reserved_titles.txt")
    write_annotated_texts(TESTS["wikispeedia"], some(paragraphs(lambda title: title in reserved), test))
    of_dev = {title for title in (text.metadata["doc"] for text in paragraphs(lambda _: True)) if share(f"dev {title}") < 0.03}
    write_annotated_texts(FOLDER / "dev.jsonl", some(paragraphs(lambda title: title in of_dev - reserved), dev))
    every = []
    for text in paragraphs(lambda title: title not in of_dev | reserved):
        seen = tuple(mention for mention in text.mentions if not held_out(canonical_entity(str(mention.entity))))
        if seen:
            every.append(replace(text, mentions=seen))
    write_annotated_texts(FOLDER / "train.jsonl", some(every, train))
    write_annotated_texts(FOLDER / "links.jsonl", every)
    dictionary_of(read(FOLDER / "links.jsonl").records).save(NAMES, overwrite=True)


def command(*words: object) -> None:
    """Run a command of loreweave; what it shows goes to standard error."""
    run = [sys.executable, "-m", "loreweave", *map(str, words)]
    print(" ".join(run), file=sys.stderr)
    subprocess.run(run, check=True, env=os.environ | {"PYTHONPATH": str(REPOSITORY / "src")}, stdout=sys.stderr)


def model_of(start: str) -> str:
    """The encoder of a start."""
    return start if start == "minilm" else str(STORE / "starts" / start / "model")


def trained(start: str, seed: int) -> Path:
    """A fine-tuned linker."""
    run = FOLDER / f"{start}-{seed}"
    if not (run / "results.json").exists():
        files = ("--train", FOLDER / "train.jsonl", "--dev", FOLDER / "dev.jsonl", "--output", run, "--overwrite")
        knowledge = (f"entities={ENTITIES}", f"dictionary={NAMES}")
        command("finetune", TASK, "--model", model_of(start), *files, "--recipe", f"minilm/{TASK}", *knowledge, f"seed={seed}")
    return run


def evaluated(model: object, name: str, test: str, *settings: str) -> Path:
    """The folder of the results of a test."""
    output = FOLDER / "results" / name / test
    if not (output / "results.json").exists():
        cache = f"cache={FOLDER / 'vectors'}"
        command("evaluate", TASK, "--model", model, "--data", TESTS[test], "--output", output, "--overwrite", cache, *settings)
    return output


def measure(starts: list[str], seeds: list[int], tests: list[str]) -> None:
    """All runs and evaluations that are not there."""
    untrained = ("untrained=true", f"entities={ENTITIES}", f"dictionary={NAMES}")
    for test in tests:
        for names in ("true", "false"):
            evaluated("minilm", f"untrained/names-{names}", test, *untrained, f"names={names}")
    for start in starts:
        for seed in seeds:
            run = trained(start, seed)
            for test in tests:
                for names in ("true", "false"):
                    evaluated(run, f"{start}-{seed}/names-{names}", test, f"names={names}")


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


def accuracies(folder: Path, groups: Groups, prior: bool = False) -> dict[str, str]:
    """Group -> accuracy and number of mentions; `prior`: of the largest prior instead of the predictions."""
    right: dict[str, list[bool]] = {}
    for file in (folder / "predictions").glob("*.jsonl"):
        for _, row in read_json_lines(file):
            for guess, gold in zip(row["predicted"], row["gold"], strict=True):
                found = groups.prior(gold) if prior else groups.table.row_of(guess["entity"])
                for group in groups.of(gold):
                    right.setdefault(group, []).append(found == groups.table.row_of(gold["entity"]))
    return {group: f"{100 * sum(values) / len(values):.1f} ({len(values)})" for group, values in right.items()}


def table() -> None:
    """Print all results as a table."""
    groups, columns = Groups(), ("all", "seen", "unseen", "ambiguous")
    print("| test | names | linker | " + " | ".join(columns) + " |\n|---|---|---|" + "---|" * len(columns))
    for test in TESTS:
        for names in ("true", "false"):
            results = FOLDER / "results"
            folders = sorted(results.glob(f"*/names-{names}/{test}"))
            if folders and names == "true":
                show(test, names, "prior alone", accuracies(folders[0], groups, prior=True), columns)
            for folder in folders:
                show(test, names, folder.relative_to(results).parts[0], accuracies(folder, groups), columns)


def show(test: str, names: str, linker: str, found: dict[str, str], columns: tuple[str, ...]) -> None:
    """Print a row."""
    print(
        f"| {test} | {'yes' if names == 'true' else 'no'} | {linker} | " + " | ".join(found.get(c, "") for c in columns) + " |"
    )


def speed(entities: int = 100_000, texts: int = 150) -> None:
    """Print the mentions per second of CPU time on one core, among many described entities with stored vectors.

    The table has the real entities and copies of them with the same names, so that names are ambiguous. The vectors are random
    and memory-mapped. The mentions are the names in paragraphs.
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
    find_names(records[:8], loaded, PredictionSettings(), execution)
    begun = time.process_time()
    found = find_names(records, loaded, PredictionSettings(), execution)
    named = time.process_time()
    link(loaded, found, execution)
    done, mentions = time.process_time(), sum(len(record.mentions) for record in found)
    print(
        f"{mentions} names in {len(records)} paragraphs among {len(table):,} entities, {mentions / (done - begun):.0f} a second"
    )
    print(f"{named - begun:.2f} s to find them, {done - named:.2f} s to link them")


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
    parser.add_argument("--starts", nargs="*", default=["minilm"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--tests", nargs="+", choices=tuple(TESTS), default=list(TESTS))
    parser.add_argument("--paragraphs", nargs=3, type=int, default=[2400, 200, 600], help="of training, dev and test")
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
        measure(options.starts, options.seeds, options.tests)
    table()


if __name__ == "__main__":
    main()

"""A knowledge graph of Wikidata5M's size, in its file format: time and peak memory of building and using it.

    python benchmarks/graph_scale.py [--share 0.1] [--folder DIR] [--keep]

Writes synthetic files (share 1: 4.6 million entities with 500 bytes of description, 20.6 million triples, 3.3 GB), builds
them as `loreweave build wikidata5m` does, opens the graph and reads from it. Descriptions hold tabs and letters beyond
ASCII, 0.2 million of them belong to no triple, some entities have no alias. Building and using run in processes of their
own; peaks are resident memory, with the pages of mapped files, and begin anew with each step (Linux).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

ENTITIES, DESCRIBED, RELATIONS = 4_594_485, 4_800_000, 822
TRIPLES = {"train": 20_614_279, "valid": 5_163, "test": 5_133}
SENTENCE_BYTES = 500
WITHOUT_NAME = 50  # one entity in so many
_LINES = 100_000


def write_files(folder: Path, share: float) -> None:
    """The files of Wikidata5M, as many lines of each as the share says."""
    random = np.random.default_rng(0)
    entities, described = int(ENTITIES * share), int(DESCRIBED * share)
    numbers = random.permutation(described)  # the text file is in no order of the triples
    text = _words(random)
    with open(folder / "wikidata5m_text.txt", "w", encoding="utf-8") as file:
        for start in range(0, described, _LINES):
            some = numbers[start : start + _LINES].tolist()
            places = random.integers(0, len(text) - 2 * SENTENCE_BYTES, len(some)).tolist()
            lengths = random.integers(SENTENCE_BYTES // 3, SENTENCE_BYTES * 5 // 3, len(some)).tolist()
            rows = zip(some, places, lengths, strict=True)
            file.writelines(f"Q{number * 7}\t{text[place : place + length].strip()}\n" for number, place, length in rows)
    with open(folder / "wikidata5m_entity.txt", "w", encoding="utf-8") as file:
        file.writelines(f"Q{n * 7}\tname {n}\tother name of {n}\n" for n in range(described) if n % WITHOUT_NAME)
    with open(folder / "wikidata5m_relation.txt", "w", encoding="utf-8") as file:
        file.writelines(f"P{n}\trelation {n}\tlink {n}\n" for n in range(3, RELATIONS))
    for split, count in TRIPLES.items():
        _write_triples(folder / f"wikidata5m_transductive_{split}.txt", max(1, int(count * share)), entities, random)


def _words(random: np.random.Generator) -> str:
    """Megabytes of made-up words, from which descriptions are cut."""
    letters = np.array(list("abcdefghijklmnopqrstuvwxyzéü"))
    words = ["".join(random.choice(letters, size)) for size in random.integers(2, 11, 5_000)]
    chosen = random.zipf(1.3, 600_000) % len(words)
    return " ".join(words[place] + ("\t" if place == 4_000 else "") for place in chosen)


def _write_triples(path: Path, count: int, entities: int, random: np.random.Generator) -> None:
    """Every entity is a head of train once, as far as they go; tails are drawn so that few have very many."""
    with open(path, "w", encoding="utf-8") as file:
        for start in range(0, count, _LINES):
            size = min(_LINES, count - start)
            heads = np.arange(start, start + size) if start + size <= entities else random.integers(0, entities, size)
            tails = (entities * random.random(size) ** 4).astype(np.int64)
            rows = zip(heads.tolist(), random.integers(0, RELATIONS, size).tolist(), tails.tolist(), strict=True)
            file.writelines(f"Q{head * 7}\tP{relation}\tQ{tail * 7}\n" for head, relation, tail in rows)


# ---- measured --------------------------------------------------------------------------------------------------------


@contextmanager
def measured(description: str) -> Iterator[Callable[..., None]]:
    """Print time and peak resident memory of a step; also a progress bar that shows nothing else."""
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    started, cpu = time.perf_counter(), time.process_time()
    yield lambda steps=1: None
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    status = Path("/proc/self/status").read_text().split()
    gigabytes = int(status[status.index("VmHWM:") + 1]) * 1024 / 1e9
    print(f"| {description} | {seconds:.2f} | {cpu:.2f} | {gigabytes:.2f} |", flush=True)


def build(files: Path, folder: Path) -> None:
    """Build the graph; its own steps are shown as well."""
    from loreweave.corpus.graphs.building import build_graph
    from loreweave.corpus.graphs.wikidata5m import wikidata5m

    started, cpu = time.perf_counter(), time.process_time()
    manifest = build_graph(wikidata5m(files), folder, progress=measured)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(f"| whole build, with the hashes of all files | {seconds:.2f} | {cpu:.2f} | |")
    splits = {split: (counts["triples"], counts["with_unseen_entity"]) for split, counts in manifest["splits"].items()}
    print(f"| ({manifest['entities']} entities; triples, with unseen entity: {splits}) | | | |", flush=True)


def use(files: Path, folder: Path) -> None:
    """Open the graph and read from it."""
    from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph

    with measured("open"):
        graph = KnowledgeGraph.load(folder)
    random = np.random.default_rng(1)
    rows = random.integers(0, graph.num_entities, 10_000)
    with measured("10,000 descriptions at random"):
        graph.entity_descriptions.take(rows)
    with measured("10,000 descriptions again"):
        graph.entity_descriptions.take(rows)
    ids = graph.entity_ids.take(rows)
    with measured("rows of 10,000 ids"):
        assert (graph.entity_rows(ids) == rows).all()
    with measured("all descriptions, one after another"):
        assert sum(1 for _ in graph.entity_descriptions) == graph.num_entities
    with measured("entities per training triple (one pass)"):
        np.bincount(graph.triples["train"][:, (0, 2)].ravel(), minlength=graph.num_entities)


STEPS: dict[str, Callable[[Path, Path], None]] = {"build": build, "use": use}


@contextmanager
def scratch(arguments: Any) -> Iterator[Path]:
    """The folder for the files: removed in the end, unless it is to be kept."""
    if arguments.keep:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        yield arguments.folder
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        yield Path(name)


def main() -> None:
    """Write, build, use; each of the latter in its own process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=0.1, help="of Wikidata5M's size")
    parser.add_argument("--folder", type=Path, help="for a temporary folder with the files")
    parser.add_argument("--keep", action="store_true", help="write into --folder itself, and keep all")
    parser.add_argument("--step", choices=sorted(STEPS), help=argparse.SUPPRESS)
    arguments: Any = parser.parse_args()
    if arguments.step:
        STEPS[arguments.step](arguments.folder, arguments.folder / "graph")
        return
    with scratch(arguments) as folder:
        print(f"share {arguments.share} in {folder}\n\n| step | seconds | of CPU | peak GB |\n|---|---|---|---|", flush=True)
        with measured("writing the files"):
            write_files(folder, arguments.share)
        for step in STEPS:
            subprocess.run([sys.executable, __file__, "--step", step, "--folder", str(folder)], check=True)


if __name__ == "__main__":
    main()

"""Names in real text: characters per second of `MentionDictionary.detect`, and of a search of the trie at every word.

    python benchmarks/mention_lookup.py DICTIONARY... [--made 400000] [--every 40] [--repeats 3]

A dictionary is a folder of `loreweave build mentions`. `--made N` adds two dictionaries of N runs of one to four words of the
texts: `capitals`, whose first and last words begin with a capital, and `any words`, where nearly every word begins a name. Both
searches must find the same names. Times are CPU times of one thread.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from loreweave.corpus.mentions.boundaries import split_words
from loreweave.corpus.mentions.dictionary import MentionDictionary, NameCounts
from loreweave.corpus.wikispeedia import read_wikispeedia

REPOSITORY = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("LOREWEAVE_DATA", REPOSITORY.parent / "shared" / "data"))
THRESHOLDS = (0.0, 0.1)
COLUMNS = (
    "dictionary", "names", "min. link probability", "opens in ms", "names/1,000 characters", "million characters/s",
    "trie at every word", "look-ups/s",
)  # fmt: skip
Spans = list[tuple[int, int]]


def at_every_word(dictionary: MentionDictionary, text: str, least: float) -> Spans:
    """The longest accepted name at each word, by a search of the trie at each."""
    trie = dictionary._tables.tries["names"]
    accepted = dictionary._accepted_rows(least)
    longest = int(dictionary._tables.arrays["longest"].max(initial=0))
    spans: Spans = []
    for piece in dictionary.normalisation.pieces(text):
        _, starts = split_words(piece.text)
        begins, after, length = set(starts), 0, len(piece.text)
        for start in starts:
            if start < after or start in piece.inside:
                continue
            best = 0
            for name, row in trie.iter_prefixes_with_ids(piece.text[start : start + longest]):
                end = start + len(name)
                whole = end == length or end in begins or piece.text[end] == " "
                if whole and end not in piece.inside and (accepted is None or accepted[row]):
                    best = end
            if best:
                spans.append(piece.original(start, best))
                after = best
    return spans


def seconds(function: Callable[[], object], repeats: int) -> float:
    """Median CPU time."""
    times = []
    for _ in range(repeats):
        begun = time.process_time()
        function()
        times.append(time.process_time() - begun)
    return statistics.median(times)


def made(texts: Sequence[str], count: int, capitals: bool, folder: Path) -> Path:
    """A dictionary of random runs of words."""
    draw = random.Random(0)
    names: dict[str, NameCounts] = {}
    while len(names) < count:
        text = draw.choice(texts)
        place = draw.randrange(len(text))
        words = split_words(" ".join(text[max(0, place - 500) : place + 500].split()))[0][1:-1]
        for first in range(len(words) - 4):
            run = words[first : first + draw.choice((1, 2, 2, 3, 4))]
            if (run[0][0].isupper() and run[-1][0].isupper()) if capitals else first % 4 == 0:
                counts = NameCounts({f"entity {len(names) % 100_000}": 1}, texts_linking=draw.randrange(10), texts=20)
                names["".join(run).strip()] = counts
    MentionDictionary.from_counts(names).save(folder)
    return folder


def row_of(folder: Path, texts: Sequence[str], least: float, repeats: int) -> list[str]:
    """Numbers of one dictionary and one threshold."""
    begun = time.perf_counter()
    dictionary = MentionDictionary.load(folder)
    opened = time.perf_counter() - begun
    characters = sum(map(len, texts))
    found = [dictionary.detect(text, min_link_probability=least) for text in texts]
    plain = [at_every_word(dictionary, text, least) for text in texts]
    assert [[(name.start, name.end) for name in names] for names in found] == plain, "the two searches differ"
    names = [name.name for each in found for name in each][:20_000]
    fast = seconds(lambda: [dictionary.detect(text, min_link_probability=least) for text in texts], repeats)
    slow = seconds(lambda: [at_every_word(dictionary, text, least) for text in texts], repeats)
    looked_up = seconds(lambda: [dictionary.candidates(name, limit=10) for name in names], repeats)
    return [
        folder.name, f"{len(dictionary):,}", f"{least:g}", f"{opened * 1000:.0f}",
        f"{1000 * sum(map(len, found)) / characters:.0f}", f"{characters / fast / 1e6:.1f}", f"{characters / slow / 1e6:.1f}",
        f"{len(names) / looked_up:,.0f}" if names else "",
    ]  # fmt: skip


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dictionaries", nargs="*", type=Path)
    parser.add_argument("--made", type=int, default=0, help="Number of names of two dictionaries of random runs of words.")
    parser.add_argument("--every", type=int, default=40, help="Every how many articles are searched.")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    texts = [text.text for text in read_wikispeedia(DATA / "text_wikispeedia" / "articles.jsonl.xz")]
    searched = texts[:: options.every]
    print(f"{len(searched)} articles, {sum(map(len, searched)):,} characters\n")
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    with TemporaryDirectory() as folder:
        kinds = {"capitals": True, "any words": False} if options.made else {}
        random_ones = [made(texts, options.made, capitals, Path(folder) / name) for name, capitals in kinds.items()]
        for dictionary in (*options.dictionaries, *random_ones):
            for least in THRESHOLDS:
                print("| " + " | ".join(row_of(dictionary, searched, least, options.repeats)) + " |", flush=True)


if __name__ == "__main__":
    main()

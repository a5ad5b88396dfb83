"""`loreweave build`: entity vocabularies and pre-training sets from annotated text."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loreweave.cli.build.annotated_texts import (
    Exclude,
    Files,
    Format,
    Language,
    LinkLabels,
    TextFiles,
    say_unknown,
)
from loreweave.cli.build.entity_types import entity_types
from loreweave.cli.build.episodes import episodes
from loreweave.cli.build.facts import facts
from loreweave.cli.build.graphs import graph, wikidata5m
from loreweave.cli.build.mentions import mentions
from loreweave.cli.build.relation_episodes import relation_episodes
from loreweave.cli.build.text import text_blocks
from loreweave.cli.build.tfrecord import tfrecord
from loreweave.cli.build.typing_input import typing_input
from loreweave.cli.console import progress, show_counts, steps_from_count
from loreweave.cli.options import CountsAsJson, OutputFolder, Overwrite, SkipBad, TagNamesOption, Tokenizer
from loreweave.corpus.counts import counted
from loreweave.corpus.files.writing import check_free
from loreweave.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from loreweave.build.text_checks import TextChecks

command = typer.Typer(
    name="build",
    help="Build pre-training sets, vocabularies, types of entities, mention dictionaries, graphs, episodes and other data.",
    epilog="Example: loreweave build entity-vocab pages.jsonl --output entity_vocab.jsonl",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)


@command.callback()
def _kinds() -> None:
    """Build pre-training sets, vocabularies, types of entities, mention dictionaries, graphs, episodes and other data."""


Output = Annotated[Path, typer.Option("--output", help="File to write: .jsonl, .tsv, or .json in the layout of Hugging Face.")]
Size = Annotated[int, typer.Option("--size", min=4, help="Maximum number of entities, including special ones.")]
MinCount = Annotated[int, typer.Option("--min-count", min=0, help="Minimum number of links to a title.")]
Vocabulary = Annotated[Path, typer.Option("--vocabulary", help="Entity vocabulary of 'build entity-vocab'.")]
MaxLength = Annotated[
    int, typer.Option("--max-length", help="Maximum number of sub-words in a window, including special tokens.")
]
MaxEntities = Annotated[int, typer.Option("--max-entities", help="Maximum number of linked mentions in a window.")]
MaxMentionLength = Annotated[int, typer.Option("--max-mention-length", help="Maximum number of sub-words in a mention.")]
MinSentenceLength = Annotated[
    int, typer.Option("--min-sentence-length", help="Minimum number of sub-words in a sentence; shorter ones are dropped.")
]
IncludeWindowsWithoutEntities = Annotated[
    bool, typer.Option("--include-windows-without-entities", help="Keep windows without linked mentions.")
]
IncludeUnknownEntities = Annotated[
    bool,
    typer.Option("--include-unknown-entities", help="Keep links to titles that are not in the vocabulary, as links to [UNK]."),
]
LinkRepeats = Annotated[
    bool,
    typer.Option(
        "--link-repeats", help="Also link the later occurrences of a linked name in a text, and those of the text's title."
    ),
]
CommonWords = Annotated[
    float,
    typer.Option(
        "--common-words",
        min=0,
        help="Number of random lower-case words per linked mention that are added as mentions of [UNK].",
    ),
]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Number of processes.")]


@command.command("entity-vocab")
def entity_vocab(
    files: Files,
    output: Output,
    size: Size = 1_000_000,
    min_count: MinCount = 0,
    format: Format = None,
    tag_names: TagNamesOption = None,
    skip_bad: SkipBad = False,
    exclude: Exclude = None,
    language: Language = None,
    link_labels: LinkLabels = False,
    overwrite: Overwrite = False,
    as_json: CountsAsJson = False,
) -> None:
    """Make an entity vocabulary from the titles with the most links.

    If texts give their language, the vocabulary contains the languages, and equal titles in two languages are two entities.
    Such a vocabulary cannot be written as .tsv. With --language, all texts count as one language.

    Example: loreweave build entity-vocab pages.jsonl --output entity_vocab.jsonl --min-count 2
    """
    from loreweave.build.entity_vocabulary import count_entities, vocabulary_of_counts
    from loreweave.corpus.entity_vocabulary_files import check_target

    check_free(output, overwrite)
    check_target(output, with_languages=language is not None)
    texts, skipped = TextFiles(files, format, skip_bad, tag_names, exclude, link_labels), Counter[str]()
    with progress("counting links in texts") as advance:
        counts = count_entities(texts.texts(advance), language=language, skipped=skipped)
    if not any(counts.values()):
        raise DataError(_no_titles(texts.checks, skipped), path=", ".join(files))
    vocabulary = vocabulary_of_counts(counts, size, min_count, language=language)
    linked = [(title, name, count) for name, titles in counts.items() for title, count in titles.items()]
    kept = [count for title, name, count in linked if vocabulary.id_of(title, name) is not None]
    if not kept:
        found = f"found no title with {counted(min_count, 'link')} or more among {counted(len(linked), 'title')}"
        raise DataError(f"{found}, expected some, or a smaller --min-count", path=", ".join(files))
    output.parent.mkdir(parents=True, exist_ok=True)
    vocabulary.save(output)
    links = sum(count for *_, count in linked)
    rows = {
        "rows": len(vocabulary),
        "titles_linked": len(linked),
        "titles_dropped": len(linked) - len(kept),
        "links": links,
        "links_dropped": links - sum(kept),
        "links_skipped_by_prefix": skipped["links_skipped_by_prefix"],
        "spellings_merged": skipped["spellings_merged"],
        **texts.counts(),
    }
    show_counts(rows, output, always=("rows",), as_json=as_json)


@command.command("pretraining")
def pretraining(
    files: Files,
    vocabulary: Vocabulary,
    tokenizer: Tokenizer,
    output: OutputFolder,
    max_length: MaxLength = 512,
    max_entities: MaxEntities = 128,
    max_mention_length: MaxMentionLength = 30,
    min_sentence_length: MinSentenceLength = 5,
    include_windows_without_entities: IncludeWindowsWithoutEntities = False,
    include_unknown_entities: IncludeUnknownEntities = False,
    link_repeats: LinkRepeats = False,
    common_words: CommonWords = 0,
    workers: Workers = 1,
    format: Format = None,
    tag_names: TagNamesOption = None,
    skip_bad: SkipBad = False,
    exclude: Exclude = None,
    language: Language = None,
    link_labels: LinkLabels = False,
    overwrite: Overwrite = False,
    as_json: CountsAsJson = False,
) -> None:
    """Make a pre-training set: windows of whole sentences with their linked mentions.

    Example: loreweave build pretraining pages.jsonl --vocabulary entity_vocab.jsonl --tokenizer minilm --output build/pages
    """
    from loreweave.build.added_links import link_repeats as linked_again
    from loreweave.build.common_words import mark_common_words
    from loreweave.build.pretraining_set import build_pretraining_set
    from loreweave.checkpoints.word_tokenizers import read_word_tokenizer
    from loreweave.corpus.entity_vocabulary import EntityVocabulary

    words, added = read_word_tokenizer(tokenizer), Counter[str]()
    given = TextFiles(files, format, skip_bad, tag_names, exclude, link_labels)
    _check_common_words(common_words, include_unknown_entities)
    texts = linked_again(given.texts(), added) if link_repeats else given.texts()
    texts = mark_common_words(texts, common_words, counts=added) if common_words else texts
    with progress("texts cut into windows") as advance:
        report = build_pretraining_set(
            texts,
            words,
            EntityVocabulary.load(vocabulary),
            output,
            max_length=max_length,
            max_entities=max_entities,
            max_mention_length=max_mention_length,
            min_sentence_length=min_sentence_length,
            include_windows_without_entities=include_windows_without_entities,
            include_unknown_entities=include_unknown_entities,
            language=language,
            workers=workers,
            overwrite=overwrite,
            progress=steps_from_count(advance, lambda report: report.texts),
            added={"link_labels": link_labels, "link_repeats": link_repeats, "common_words": common_words},
        )
    say_unknown(report.sub_words_unknown, report.sub_words, tokenizer)
    rows = report.to_dict() | added | given.counts()
    show_counts(rows, output, always=("texts", "windows"), as_json=as_json)


def _check_common_words(common_words: float, include_unknown_entities: bool) -> None:
    """Refuse a number of common words that cannot be, and two meanings of [UNK]."""
    if not math.isfinite(common_words):
        raise ConfigurationError(f"--common-words: found {common_words}, expected a number of words per mention")
    if common_words and include_unknown_entities:
        raise ConfigurationError("--common-words and --include-unknown-entities: [UNK] can have one meaning only; give one")


def _no_titles(checks: TextChecks, skipped: Counter[str]) -> str:
    """Why there is no title for a vocabulary."""
    if skipped["links_skipped_by_prefix"]:
        return f"found only links to categories ({skipped['links_skipped_by_prefix']:,}), expected links to entities"
    return checks.without_links()


command.command("entity-types")(entity_types)
command.command("mentions")(mentions)
command.command("tfrecord")(tfrecord)
command.command("wikidata5m")(wikidata5m)
command.command("graph")(graph)
command.command("text-blocks")(text_blocks)
command.command("episodes")(episodes)
command.command("relation-episodes")(relation_episodes)
command.command("facts")(facts)
command.command("typing-input")(typing_input)

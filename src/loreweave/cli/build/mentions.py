"""`loreweave build mentions`: a mention dictionary."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from loreweave.cli.build.annotated_texts import FILES, Exclude, Format, TextFiles
from loreweave.cli.console import progress, show_counts
from loreweave.cli.options import CountsAsJson, OutputFolder, Overwrite, SkipBad, TagNamesOption
from loreweave.corpus.files.writing import check_free
from loreweave.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from loreweave.build.mentions import MentionCounter
    from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
    from loreweave.corpus.mentions.dictionary import MentionDictionary
    from loreweave.corpus.mentions.normalisation import Normalisation

Files = Annotated[list[str] | None, FILES]
Graphs = Annotated[
    list[Path] | None,
    typer.Option("--graph", help="Folder of a graph whose labels and aliases are added. Can be given several times."),
]
GraphIds = Annotated[
    bool, typer.Option("--graph-ids", help="Call the graph's entities by their ids, also if it has titles of articles.")
]
Dictionaries = Annotated[
    list[Path] | None,
    typer.Option("--dictionary", help="Folder of a mention dictionary that is added. Can be given several times."),
]
Titles = Annotated[
    bool,
    typer.Option("--titles", help="Also take the title of each text as a name of its entity, without the part in brackets."),
]
PageLinks = Annotated[bool, typer.Option("--page-links", help="Also keep the links of each text, by its title.")]
Redirects = Annotated[
    Path | None,
    typer.Option(
        "--redirects",
        "--model-redirects-file",
        help="File of redirects between titles: lines 'redirect TAB target', or a pickle of LUKE's release.",
    ),
]
PageRedirects = Annotated[
    Path | None,
    typer.Option("--page-redirects", "--link-redirects-file", help="Redirects between titles of pages, for --page-links."),
]
MentionDatabase = Annotated[
    Path | None, typer.Option("--mention-db-file", help="Mention database of LUKE's release (.pkl) that is added.")
]
LinkDatabase = Annotated[
    Path | None, typer.Option("--wiki-link-db-file", help="Links of pages of LUKE's release (.pkl) that are added.")
]
Language = Annotated[
    str | None, typer.Option("--language", help="Read only texts of this language. Default: all; they must have one language.")
]
Unicode = Annotated[
    Literal["NFKC", "NFC", "none"] | None,
    typer.Option("--unicode", help="Unicode normal form of names. Default: NFKC, or that of the dictionaries."),
]
Case = Annotated[
    Literal["fold", "lower", "keep"] | None,
    typer.Option("--case", help="What is done to the case of names. Default: fold, or that of the dictionaries."),
]
Accents = Annotated[
    Literal["keep", "strip"] | None,
    typer.Option("--accents", help="What is done to accents. Default: keep, or that of the dictionaries."),
]
Punctuation = Annotated[
    Literal["keep", "separate"] | None,
    typer.Option(
        "--punctuation", help="separate: every punctuation character is a word. Default: keep, or that of the dictionaries."
    ),
]
Signs = Annotated[
    Literal["unite", "keep"] | None,
    typer.Option(
        "--signs",
        help="unite: typographic apostrophes and hyphens equal plain ones. Default: unite, or that of the dictionaries.",
    ),
]
MinLinks = Annotated[
    int,
    typer.Option(
        "--min-links", min=1, help="Minimum number of links from a name to an entity. Names of graphs and titles are kept."
    ),
]
MinLinkProbability = Annotated[
    float,
    typer.Option("--min-link-probability", min=0, max=1, help="Minimum part of the texts with a name that link it."),
]
MaxCandidates = Annotated[int, typer.Option("--max-candidates", min=1, help="Maximum number of entities per name.")]
MaxWords = Annotated[int, typer.Option("--max-words", min=1, help="Maximum number of words of a name.")]


def mentions(
    output: OutputFolder,
    files: Files = None,
    graph: Graphs = None,
    graph_ids: GraphIds = False,
    dictionary: Dictionaries = None,
    titles: Titles = False,
    page_links: PageLinks = False,
    redirects: Redirects = None,
    page_redirects: PageRedirects = None,
    mention_db_file: MentionDatabase = None,
    wiki_link_db_file: LinkDatabase = None,
    min_links: MinLinks = 1,
    min_link_probability: MinLinkProbability = 0.0,
    max_candidates: MaxCandidates = 100,
    max_words: MaxWords = 20,
    unicode: Unicode = None,
    case: Case = None,
    accents: Accents = None,
    punctuation: Punctuation = None,
    signs: Signs = None,
    format: Format = None,
    tag_names: TagNamesOption = None,
    skip_bad: SkipBad = False,
    exclude: Exclude = None,
    language: Language = None,
    overwrite: Overwrite = False,
    as_json: CountsAsJson = False,
) -> None:
    """Make a mention dictionary: names, their candidate entities with priors, and how often a name is a link.

    Names and links are counted in texts with links. Names of a graph's entities and other dictionaries can be added.

    Example: loreweave build mentions pages.jsonl --output build/mentions
    """
    from loreweave.build.mentions import Limits, MentionCounter

    check_free(output, overwrite)
    given = _dictionaries(dictionary or [], mention_db_file, wiki_link_db_file)
    _check_sources(files or [], graph or [], given)
    rules = {"unicode": unicode, "case": case, "accents": accents, "punctuation": punctuation, "signs": signs}
    counter = MentionCounter(
        _normalisation(list(given.values()), **rules),
        Limits(min_links, min_link_probability, max_candidates, max_words),
        _redirects(redirects),
        _redirects(page_redirects),
        keep_pages=page_links,
    )
    for made in given.values():
        counter.add_dictionary(made)
    graphs = [_graph(folder) for folder in graph or []]
    with _naming_formats_of_linking(format):
        texts = TextFiles(files or [], format, skip_bad, tag_names, exclude)
        _count(counter, texts, graphs, graph_ids=graph_ids, titles=titles, language=language)
    with _naming_formats_of_linking(format, files or []):
        built = counter.dictionary()
    rows = counter.counts | texts.counts()
    sources = [str(source) for source in (*(files or []), *(graph or []), *given)]
    built.with_details({"sources": sources, "limits": asdict(counter.limits), "counts": rows}).save(output, overwrite)
    show_counts(rows, output, always=("names", "entities"), as_json=as_json)


def _count(
    counter: MentionCounter,
    texts: TextFiles,
    graphs: Sequence[KnowledgeGraph],
    *,
    graph_ids: bool,
    titles: bool,
    language: str | None,
) -> None:
    """Count the links of texts, then, with the names of graphs too, how often a text has a name."""
    with progress("counting links in texts") as advance:
        counter.add_links(texts.texts(advance), titles=titles, language=language)
    for each in graphs:
        counter.add_graph(each, ids=graph_ids)
    with progress("counting names in texts") as advance:
        counter.count_texts(texts.texts_again(advance), language=language)


def _check_sources(*sources: Collection[object]) -> None:
    """Refuse a command that names nothing to read."""
    if not any(sources):
        others = "--graph, --dictionary, --mention-db-file or --wiki-link-db-file"
        raise ConfigurationError(f"found no text files, expected some, or {others}")


_READS_IT = "'loreweave finetune entity-linking' reads it, and makes a mention dictionary of its own"


@contextmanager
def _naming_formats_of_linking(format: str | None, files: Sequence[str] = ()) -> Iterator[None]:
    """Where texts with links cannot be read, because they are in a format of entity-linking, name the command that reads it.

    Args:
        format: value of `--format`.
        files: files that an error without a path may be about.

    Raises:
        ConfigurationError: `format` is such a format.
        DataError: the error of the block; another one if it is about a file in such a format.
    """
    from loreweave.corpus.annotated_sentences import is_format
    from loreweave.tasks.entity_linking.reader import FORMATS, recognise

    if format in FORMATS and not is_format(format):
        raise ConfigurationError(f"--format {format}: a format of entity-linking; {_READS_IT}")
    try:
        yield
    except DataError as error:
        for file in map(Path, files if error.path is None else [error.path]):
            found = None
            with suppress(DataError):
                found = recognise(file) if file.is_file() else None  # a pipe cannot be read again
            if found is not None and not is_format(found):
                said = f"found the format {found} of entity-linking, expected texts with links; {_READS_IT}"
                raise DataError(said, path=file) from None
        raise


def _redirects(path: Path | None) -> dict[str, str]:
    from loreweave.corpus.mentions.redirects import read_redirects

    return {} if path is None else read_redirects(path)


def _graph(folder: Path) -> KnowledgeGraph:
    from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph

    return KnowledgeGraph.load(folder)


def _dictionaries(folders: list[Path], mentions: Path | None, links: Path | None) -> dict[Path, MentionDictionary]:
    """The dictionaries to add, by where they come from."""
    from loreweave.corpus.mentions.dictionary import MentionDictionary
    from loreweave.corpus.mentions.released import read_link_database, read_mention_database

    given = {folder: MentionDictionary.load(folder) for folder in folders}
    if mentions is not None:
        given[mentions] = read_mention_database(mentions)
    if links is not None:
        given[links] = read_link_database(links)
    return given


def _normalisation(dictionaries: list[MentionDictionary], **settings: str | None) -> Normalisation:
    """The normalisation of the options; what they leave open is that of the first dictionary."""
    from loreweave.corpus.mentions.normalisation import Normalisation

    first = dictionaries[0].normalisation if dictionaries else Normalisation()
    return Normalisation.from_dict(first.to_dict() | {name: value for name, value in settings.items() if value is not None})

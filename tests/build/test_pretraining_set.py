"""Pre-training sets on disk: content, determinism, refusals."""

from __future__ import annotations

import json
import re
import unicodedata
from itertools import islice
from pathlib import Path

import pytest
from datasets import load_from_disk
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from loreweave.build.entity_vocabulary import build_entity_vocabulary
from loreweave.build.pretraining_set import BuildReport, build_pretraining_set, open_pretraining_set
from loreweave.build.sentence_tokenizer import tokenizer_fingerprint
from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.wikispeedia import read_wikispeedia
from loreweave.errors import ConfigurationError, DataError

VOCABULARY = EntityVocabulary.from_counts({"Tokyo": 2, "Japan": 1, "t1": 1})


def texts(count: int = 40) -> list[AnnotatedText]:
    text = "Tokyo is the capital of Japan. It is a very large city near the river."
    mentions = (Mention(0, 5, "Tokyo"), Mention(24, 29, "Japan"))
    return [AnnotatedText(f"t{index}", text, mentions, "en") for index in range(count)]


def uncased(text: str) -> str:
    """What is left of a text in an uncased encoder: no case, no accents, and no spaces (decoding adds some)."""
    letters = unicodedata.normalize("NFD", "".join(text.split()).lower())
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Mn")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_set_holds_what_was_reported(tmp_path: Path, byte_level: PreTrainedTokenizerFast) -> None:
    seen: list[int] = []
    report = build_pretraining_set(
        iter(texts()),
        byte_level,
        VOCABULARY,
        tmp_path / "set",
        rows_per_shard=15,
        progress=lambda counts: seen.append(counts.texts),
    )
    opened = open_pretraining_set(tmp_path / "set", verify=True)
    assert seen == [32, 40]
    assert opened.manifest["counts"] == report.to_dict()
    assert opened.manifest["number_of_items"] == report.windows == len(opened.dataset) == 40
    assert opened.manifest["tokenizer"]["sha256"] == tokenizer_fingerprint(byte_level)
    assert [name for name in opened.manifest["files"] if name.endswith("arrow")] == [
        f"data-{index:05}-of-00003.arrow" for index in range(3)
    ]
    row = opened.dataset[39]
    assert row["text_id"] == "t39"
    assert byte_level.decode(row["word_ids"]).strip() == texts()[0].text
    ranges = zip(row["entity_starts"], row["entity_lengths"], strict=True)
    assert [byte_level.decode(row["word_ids"][start : start + length]) for start, length in ranges] == [
        " Tokyo",
        " Japan",
    ]
    assert [opened.vocabulary.title_of(id) for id in row["entity_ids"]] == ["Tokyo", "Japan"]
    assert opened.dataset["page_entity_id"][:3] == [-1, VOCABULARY.id_of("t1"), -1]
    assert opened.tokenizer().get_vocab() == byte_level.get_vocab()


def test_it_is_an_ordinary_data_set_with_small_integers(tmp_path: Path, byte_level: PreTrainedTokenizerFast) -> None:
    build_pretraining_set(texts(3), byte_level, VOCABULARY, tmp_path / "set")
    features = load_from_disk(str(tmp_path / "set")).features
    assert {name: str(feature) for name, feature in features.items()} == {
        "text_id": "Value('string')",
        "word_ids": "List(Value('int32'))",
        "entity_ids": "List(Value('int32'))",
        "entity_starts": "List(Value('int32'))",
        "entity_lengths": "List(Value('int32'))",
        "page_entity_id": "Value('int32')",
    }


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, byte_level: PreTrainedTokenizerFast) -> None:
    for name in ("one", "two"):
        build_pretraining_set(texts(), byte_level, VOCABULARY, tmp_path / name)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.slow
def test_workers_change_nothing(tmp_path: Path, byte_level: PreTrainedTokenizerFast) -> None:
    for workers in (1, 2):
        build_pretraining_set(texts(300), byte_level, VOCABULARY, tmp_path / str(workers), workers=workers)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


@pytest.mark.parametrize(
    ("mentions", "settings", "message"),
    [
        ((Mention(0, 5, label="place"), Mention(22, 27)), {}, "mentions without an entity (2); --link-labels makes entities"),
        ((Mention(0, 5, "Nowhere"),), {}, "links to entities that the vocabulary does not have (1); give the vocab"),
        ((), {}, "windows without a linked mention (1); --include-windows-without-entities keeps them"),
        ((), {"min_sentence_length": 40}, "sentences that are too short (1); --min-sentence-length keeps"),
        ((), {"max_length": 8}, "sentences that are longer than a window (1); --max-length makes room"),
    ],
)
def test_a_set_without_windows_says_what_left_them_out(
    mentions: tuple[Mention, ...], settings: dict, message: str, tmp_path: Path, byte_level: PreTrainedTokenizerFast
) -> None:
    text = AnnotatedText("a", "Tokyo is the capital, Osaka is large.", mentions)
    with pytest.raises(DataError, match="no window was made, so nothing was written: ") as caught:
        build_pretraining_set([text], byte_level, VOCABULARY, tmp_path / "set", **settings)
    assert message in str(caught.value) and "(counts: texts (1)" in str(caught.value)


LINE = "Tokyo is the capital, Osaka is large.\n"


@pytest.mark.parametrize(
    ("text", "mentions", "settings", "message"),
    [
        (9 * LINE, (Mention(0, 5, "Nowhere"),), {}, "links to entities that the vocabulary does not have (1); give the vocab"),
        (9 * LINE, (Mention(0, 5), Mention(22, 27)), {}, "mentions without an entity (2); --link-labels makes entities"),
        (9 * LINE, (Mention(0, 5), *(Mention(n, n + 1, "Nowhere") for n in (0, 9))), {}, "links to entities that the voca"),
        (9 * LINE, (), {}, "windows without a linked mention (9); --include-windows-without-entities keeps them"),
        ("Tokyo.\n" + 9 * LINE, (Mention(0, 5, "Tokyo"),), {}, "mentions in sentences that are too short or too long (1); -"),
        (9 * LINE, (Mention(0, 5),), {"min_sentence_length": 17}, "sentences that are too short (9); --min"),
        (9 * LINE, (Mention(0, 5),) * 20, {"max_length": 8}, "sentences that are longer than a window (9); --max-length makes"),
    ],
)
def test_counts_of_other_units_do_not_hide_what_left_nothing(
    text: str, mentions: tuple[Mention, ...], settings: dict, message: str, tmp_path: Path, byte_level: PreTrainedTokenizerFast
) -> None:
    """Texts of nine lines, each a sentence that fills a window."""
    settings = {"max_length": 20, **settings}
    with pytest.raises(DataError, match="no window was made, so nothing was written: ") as caught:
        build_pretraining_set([AnnotatedText("a", text, mentions)], byte_level, VOCABULARY, tmp_path / "set", **settings)
    assert message in str(caught.value)


def test_mentions_outside_all_paragraphs(tmp_path: Path, byte_level: PreTrainedTokenizerFast) -> None:
    """Paragraphs of another kind are the reason; if there are no paragraphs at all, only the mentions show it."""
    kinds = {"paragraphs": [[0, len(LINE), "table"]]}
    for metadata, message in ((kinds, "paragraphs of another kind than prose (1); "), ({"paragraphs": []}, "mentions outside")):
        text = AnnotatedText("a", LINE, (Mention(0, 5, "Tokyo"), Mention(22, 27, "Tokyo")), metadata=metadata)
        with pytest.raises(DataError, match=f"so nothing was written: {re.escape(message)}"):
            build_pretraining_set([text], byte_level, VOCABULARY, tmp_path / "set")


def test_texts_in_the_place_of_a_set(tmp_path: Path) -> None:
    (tmp_path / "pages.jsonl").write_text("{}")
    with pytest.raises(DataError, match=r"pages.jsonl: found a file, expected .* 'loreweave build pretraining' makes from"):
        open_pretraining_set(tmp_path / "pages.jsonl")
    with pytest.raises(DataError, match=r"found no manifest.json, expected the folder of a pre-training set, which"):
        open_pretraining_set(tmp_path)


def test_refusals_leave_no_trace(tmp_path: Path, byte_level: PreTrainedTokenizerFast) -> None:
    target = tmp_path / "set"
    unlinked = [AnnotatedText("a", "Nothing is linked in this sentence.")]
    with pytest.raises(DataError, match=r"no window was made.*windows dropped without entities \(1\)"):
        build_pretraining_set(unlinked, byte_level, VOCABULARY, target)
    with pytest.raises(DataError, match="no texts"):
        build_pretraining_set([], byte_level, VOCABULARY, target)
    with pytest.raises(ConfigurationError, match="leaves no room"):
        build_pretraining_set(texts(), byte_level, VOCABULARY, target, max_length=4)
    assert list(tmp_path.iterdir()) == []
    build_pretraining_set(texts(1), byte_level, VOCABULARY, target)
    with pytest.raises(ConfigurationError, match="not empty"):
        build_pretraining_set(texts(2), byte_level, VOCABULARY, target)
    assert build_pretraining_set(texts(2), byte_level, VOCABULARY, target, overwrite=True).windows == 2


def test_opening_refuses_what_is_no_set_or_was_changed(tmp_path: Path, byte_level: PreTrainedTokenizerFast) -> None:
    with pytest.raises(DataError, match=r"no manifest\.json"):
        open_pretraining_set(tmp_path)
    target = tmp_path / "set"
    build_pretraining_set(texts(2), byte_level, VOCABULARY, target)
    with (target / "entity_vocab.jsonl").open("a") as file:
        file.write("\n")
    with pytest.raises(DataError, match=r"entity_vocab\.jsonl: missing, or not the file"):
        open_pretraining_set(target, verify=True)
    manifest = read_json(target / "manifest.json")
    (target / "manifest.json").write_text(json.dumps({**manifest, "number_of_items": 7}))
    with pytest.raises(DataError, match="found 2 rows, the manifest says 7"):
        _ = open_pretraining_set(target).dataset
    for change, message in ({"version": 99}, "found 99"), ({"format": "other"}, "expected .loreweave pre-training set."):
        (target / "manifest.json").write_text(json.dumps({**manifest, **change}))
        with pytest.raises(DataError, match=message):
            open_pretraining_set(target)


def test_reports_add_up() -> None:
    total = BuildReport(texts=1, windows=2)
    total.add(BuildReport(texts=3, mentions=4))
    assert (total.texts, total.windows, total.mentions) == (4, 2, 4)


def test_real_articles(tmp_path: Path, shared_data: Path, minilm_dir: Path) -> None:
    articles = list(islice(read_wikispeedia(shared_data / "text_wikispeedia" / "articles.jsonl.xz"), 12))
    tokenizer = AutoTokenizer.from_pretrained(minilm_dir)
    vocabulary = build_entity_vocabulary(articles)
    report = build_pretraining_set(articles, tokenizer, vocabulary, tmp_path / "set", max_length=128)
    opened = open_pretraining_set(tmp_path / "set")
    surfaces = {text.id: {(m.entity, uncased(text.surface(m))) for m in text.mentions} for text in articles}
    wrong = 0
    for row in opened.dataset:
        for id, start, length in zip(row["entity_ids"], row["entity_starts"], row["entity_lengths"], strict=True):
            decoded = uncased(tokenizer.decode(row["word_ids"][start : start + length]))
            wrong += (vocabulary.title_of(id), decoded) not in surfaces[row["text_id"]]
    assert report.mentions_kept > 100
    assert report.mentions_dropped_outside_paragraphs == 0
    assert wrong == 0

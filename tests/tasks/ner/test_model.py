"""NER models: how they start, that they save and load, transformers' numbers, and every published layout."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import layouts
import numpy as np
import pytest
import torch
from transformers import AutoModelForTokenClassification
from transformers import LukeForEntitySpanClassification as ReferenceLuke

from loreweave.checkpoints import convert
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.tasks.jobs.checkpoints import task_of
from loreweave.tasks.ner.encoding import SpanEncoding, TagEncoding
from loreweave.tasks.ner.model import CONLL_LABELS, NerConfig, NerModel, build, load
from loreweave.tasks.ner.record import NerRecord, Sentence, joined
from loreweave.training.inference import run_model
from loreweave.training.settings.configuration import fill
from loreweave.training.task_model import Encoding

TYPES = ["LOC", "ORG", "PER"]
TEXTS = ["Ann lives in Oslo .", "Bob works at a bank ( in Paris ) .", "she is long"]
RECORDS = joined([NerRecord(str(number), Sentence.of(text), metadata={"doc": 1}) for number, text in enumerate(TEXTS)])


def batch_of(made: NerModel) -> dict[str, torch.Tensor]:
    """All records as one batch, whichever encoding the model has."""
    encoding: Encoding = made.encoding
    return encoding.collate(encoding.encode(RECORDS))


def logits(made: NerModel) -> torch.Tensor:
    made.model.eval()
    with torch.no_grad():
        found: torch.Tensor = made.model(**batch_of(made)).logits
    return found


@pytest.mark.parametrize(
    ("encoder", "settings"),
    [
        ("tiny_luke", {}),
        ("tiny_luke", {"entity_aware_attention": False, "document_context": False, "nested": True}),
        ("tiny_luke", {"max_mention_length": 3, "mention_unit": "words", "max_entity_length": 10}),
        ("tiny_luke", {"shared_words": True, "max_entity_length": 500}),
        ("tiny_luke", {"span_features": "words"}),
        ("tiny_luke", {"span_features": "entity"}),
        ("tiny_luke", {"head": "tags"}),
        ("tiny_bert", {}),
        ("tiny_bert", {"tags": "bioes", "max_length": 48}),
    ],
)
def test_a_model_is_the_same_after_saving(
    encoder: str, settings: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = build(str(request.getfixturevalue(encoder)), TYPES, NerConfig(**settings))
    made.save_pretrained(tmp_path)
    assert task_of(tmp_path) == "ner"
    again = load(tmp_path)
    assert again.labels == made.labels == TYPES
    assert again.encoding.settings == made.encoding.settings and again.encoding.max_length == made.encoding.max_length
    torch.testing.assert_close(logits(again), logits(made), rtol=0, atol=0)


def test_a_threshold_is_stored_and_decides(tiny_luke: Path, tmp_path: Path) -> None:
    made = build(str(tiny_luke), TYPES, NerConfig(tune_threshold=True))
    assert made.decision() == {}
    made.decide({"threshold": -100.0})
    made.save_pretrained(tmp_path)
    again = load(tmp_path)
    assert again.decision() == made.decision() == {"threshold": -100.0}
    examples = again.encoding.encode(RECORDS)
    outputs = run_model(again.model.eval(), examples, again.encoding.collate, again.encoding.unpack)
    everywhere = again.encoding.join(examples, outputs)
    assert [set(range(5)), set(range(10)), set(range(3))] == [
        {word for start, end, *_ in found for word in range(int(start), int(end))} for found in everywhere
    ]  # each word is in a mention
    again.decide({"threshold": 100.0})
    assert all(len(found) == 0 for found in again.encoding.join(examples, outputs))


@pytest.mark.parametrize("encoder", ["tiny_luke", "tiny_bert"])
def test_a_weight_of_no_mention_is_one_of_the_loss(encoder: str, request: pytest.FixtureRequest) -> None:
    made = build(str(request.getfixturevalue(encoder)), ["PER"], NerConfig(negative_weight=0.25))
    labels = torch.tensor([[0, 0, 1]])
    even = SimpleNamespace(logits=torch.zeros(1, 3, len(made.encoding.classes)))
    assert made.loss(even, labels) == pytest.approx(1.5 * np.log(len(made.encoding.classes)) / 3)


@pytest.mark.parametrize("weight", [0.0, -1.0, float("inf"), float("nan")])
def test_an_impossible_weight_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="negative_weight: found .*, expected .*more than 0"):
        NerConfig(negative_weight=weight)


def test_tags_have_no_threshold(tiny_bert: Path) -> None:
    with pytest.raises(ConfigurationError, match="tune_threshold is read only with head=luke and dev data"):
        build(str(tiny_bert), TYPES, NerConfig(tune_threshold=True))


def test_logits_are_those_of_transformers_on_the_same_weights_and_features(tiny_luke: Path, tmp_path: Path) -> None:
    made = build(str(tiny_luke), TYPES, NerConfig())
    torch.nn.init.normal_(made.model.get_parameter("classifier.bias"))
    made.save_pretrained(tmp_path)
    reference = ReferenceLuke.from_pretrained(tmp_path).eval()
    batch = batch_of(made)
    with torch.no_grad():
        expected = reference(**batch).logits
    real = batch["entity_attention_mask"].bool()
    torch.testing.assert_close(logits(made)[real], expected[real], rtol=1e-5, atol=1e-5)
    assert all(each.model.get_submodule("luke").skip_padding for each in (made, load(tmp_path)))
    assert reference.config.id2label == {0: "NIL", 1: "LOC", 2: "ORG", 3: "PER"}


def test_features_are_those_of_transformers_tokenizer(tiny_luke: Path) -> None:
    """One call of the library's kind of input, spans given as characters, against ours word by word."""
    made = build(str(tiny_luke), TYPES, NerConfig(document_context=False))
    assert isinstance(made.encoding, SpanEncoding)
    (example,) = made.encoding.encode(RECORDS[:1])
    words = RECORDS[0].sentence.words
    characters = [(words[first][0], words[last - 1][1]) for first, last in example.words.tolist()]
    batch = made.encoding.tokenizer([RECORDS[0].text], [characters], task="entity_span_classification")
    ours = made.encoding.collate([example])
    for name in ("input_ids", "entity_ids", "entity_start_positions", "entity_end_positions"):
        assert torch.equal(ours[name], batch[name]), name
    width = ours["entity_position_ids"].shape[-1]
    assert torch.equal(ours["entity_position_ids"], batch["entity_position_ids"][..., :width])


def test_a_saved_tagger_is_one_of_transformers(tiny_bert: Path, tmp_path: Path) -> None:
    made = build(str(tiny_bert), TYPES, NerConfig())
    made.save_pretrained(tmp_path)
    reference = AutoModelForTokenClassification.from_pretrained(tmp_path).eval()
    batch = batch_of(made)
    with torch.no_grad():
        torch.testing.assert_close(logits(made), reference(**batch).logits)
    assert reference.config.id2label[1] == "B-LOC"


@pytest.mark.parametrize("encoder", ["tiny_bert", "tiny_luke"])
def test_a_tagger_that_others_trained_is_read_in_any_scheme(
    encoder: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    build(str(request.getfixturevalue(encoder)), TYPES, NerConfig(head="tags")).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["loreweave"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert task_of(tmp_path) == "ner"
    loaded = load(tmp_path)
    assert isinstance(loaded.encoding, TagEncoding)
    assert loaded.labels == TYPES and loaded.encoding.settings.tags is None


def test_windows_do_not_change_what_is_found(tiny_luke: Path, tiny_bert: Path) -> None:
    """Where a sentence is alone and fits, its mentions are those of one input; batches do not matter."""
    for encoder in (tiny_luke, tiny_bert):
        made = build(str(encoder), TYPES, NerConfig(document_context=False))
        encoding: Encoding = made.encoding
        examples = encoding.encode(RECORDS)
        runs = [run_model(made.model, examples, encoding.collate, encoding.unpack, batch_size=size) for size in (1, 3)]
        one, three = (encoding.join(examples, run) for run in runs)
        for found, again in zip(one, three, strict=True):
            torch.testing.assert_close(torch.from_numpy(found), torch.from_numpy(again), rtol=1e-4, atol=1e-4)


def test_with_shared_words_the_number_of_spans_of_an_input_changes_nothing(tiny_luke: Path, tmp_path: Path) -> None:
    """Also after saving: `config.json` says that words are shared."""
    runs = {}
    for shared in (True, False):
        made = build(str(tiny_luke), TYPES, NerConfig(shared_words=shared))
        made.save_pretrained(tmp_path / str(shared))
        for spans in (5, 500):
            again = load(tmp_path / str(shared))
            encoding = again.encoding
            assert isinstance(encoding, SpanEncoding) and again.model.config.shared_words == shared
            encoding.settings = replace(encoding.settings, max_entity_length=spans)
            examples = encoding.encode(RECORDS)
            assert (len(examples) == len(RECORDS)) == (spans == 500)
            runs[shared, spans] = np.concatenate(run_model(again.model, examples, encoding.collate, encoding.unpack))
    np.testing.assert_allclose(runs[True, 5], runs[True, 500], rtol=0, atol=1e-5)
    assert np.abs(runs[False, 5] - runs[False, 500]).max() > 1e-3
    assert np.abs(runs[False, 500] - runs[True, 500]).max() > 1e-3


@pytest.mark.parametrize(("name", "value"), [("shared_words", True), ("span_features", "words"), ("span_features", "entity")])
def test_converting_a_model_keeps_what_only_we_know_or_is_refused(
    name: str, value: object, tiny_luke: Path, tmp_path: Path
) -> None:
    build(str(tiny_luke), TYPES, fill(NerConfig, {name: value})).save_pretrained(tmp_path / "model")
    report = convert(str(tmp_path / "model"), tmp_path / "out", to="hugging-face")
    assert any(f"{name} of config.json is known to loreweave only" in note for note in report.notes)
    assert getattr(load(tmp_path / "out").model.config, name) == value
    for to in ("paddle", "luke-original"):
        with pytest.raises(ConfigurationError, match=f"cannot store {name}"):
            convert(str(tmp_path / "model"), tmp_path / to, to=to)


def test_spans_that_are_read_by_their_words_do_not_depend_on_which_others_are_asked(tiny_luke: Path) -> None:
    """The encoder sees no entities then, whereas what is read from entities changes with the number of them."""
    found = {}
    for features in ("words", "entity"):
        made = build(str(tiny_luke), TYPES, fill(NerConfig, {"span_features": features}))
        assert isinstance(made.encoding, SpanEncoding)
        for spans in (5, 500):
            made.encoding.settings = replace(made.encoding.settings, max_entity_length=spans)
            examples = made.encoding.encode(RECORDS)
            found[features, spans] = np.concatenate(
                run_model(made.model, examples, made.encoding.collate, made.encoding.unpack)
            )
    np.testing.assert_allclose(found["words", 5], found["words", 500], rtol=0, atol=1e-5)
    assert np.abs(found["entity", 5] - found["entity", 500]).max() > 1e-3


def test_what_a_start_reads_of_its_spans_is_not_inherited(tiny_luke: Path, tmp_path: Path) -> None:
    build(str(tiny_luke), TYPES, NerConfig(span_features="words", shared_words=False)).save_pretrained(tmp_path / "words")
    again = build(str(tmp_path / "words"), TYPES, NerConfig(shared_words=True))
    assert again.model.config.span_features == "all" and again.model.config.shared_words
    assert again.model.get_submodule("classifier").in_features == 3 * again.model.config.hidden_size


def test_wrong_settings_and_encoders_are_named(tiny_bert: Path, tiny_luke: Path) -> None:
    with pytest.raises(ConfigurationError, match="head=luke needs a LUKE"):
        build(str(tiny_bert), TYPES, NerConfig(head="luke"))
    with pytest.raises(ConfigurationError, match=r"nested is read only with head=luke \(tags of words cannot nest\)"):
        build(str(tiny_bert), TYPES, NerConfig(nested=True))
    with pytest.raises(ConfigurationError, match="shared_words is read only with head=luke"):
        build(str(tiny_luke), TYPES, NerConfig(head="tags", shared_words=True))
    with pytest.raises(ConfigurationError, match="span_features is read only with head=luke"):
        build(str(tiny_luke), TYPES, NerConfig(head="tags", span_features="words"))
    with pytest.raises(ConfigurationError, match="it has no effect with span_features=words"):
        build(str(tiny_luke), TYPES, NerConfig(shared_words=True, span_features="words"))
    with pytest.raises(ConfigurationError, match="found the type 'NIL'"):
        build(str(tiny_luke), [*TYPES, "NIL"], NerConfig())
    with pytest.raises(CheckpointError, match="without a classifier"):
        load(tiny_luke)
    with pytest.raises(CheckpointError, match="no fine-tuned model of token classification"):
        load(tiny_bert)
    made = build(str(tiny_bert), TYPES, NerConfig(max_length=20))
    with pytest.raises(ConfigurationError, match="max_length: found room for 18"):
        made.encoding.encode(RECORDS)


# ---- published layouts -------------------------------------------------------------------------------------------------


def check(loaded: NerModel, reference: Any) -> None:
    """Ours on our inputs, the reference on the same."""
    batch = batch_of(loaded)
    real = batch["entity_attention_mask"].bool()
    with torch.no_grad():
        expected = reference(**batch | {"entity_ids": torch.where(real, 2, 0)}).logits
        found = loaded.model.eval()(**batch).logits
    torch.testing.assert_close(found[real], expected[real], rtol=1e-5, atol=1e-5)


def test_the_folder_that_transformers_published(tmp_path: Path) -> None:
    """As studio-ousia/luke-large-finetuned-conll-2003."""
    names = dict(enumerate(CONLL_LABELS))
    reference = layouts.reference(ReferenceLuke, extra_queries=True, id2label=names, label2id={v: k for k, v in names.items()})
    folder = layouts.write_v4_folder(tmp_path / "published", reference)
    assert task_of(folder) == "ner"
    loaded = load(folder)
    assert loaded.labels == ["MISC", "PER", "ORG", "LOC"] and loaded.encoding.settings.max_mention_length == 16
    check(loaded, reference)


def test_a_released_file_of_the_original_code(tmp_path: Path) -> None:
    reference = layouts.reference(ReferenceLuke, extra_queries=True, num_labels=5)
    state = {name.removeprefix("luke."): tensor.clone() for name, tensor in reference.state_dict().items()}
    entities, words = "entity_embeddings.entity_embeddings.weight", "embeddings.word_embeddings.weight"
    state[entities], state[words] = state[entities][[0, 2]], state[words][: layouts.WORDS]
    state |= {"pooler.dense.weight": torch.zeros(32, 32), "pooler.dense.bias": torch.zeros(32)}
    folder = tmp_path / "released"
    folder.mkdir()
    torch.save(state, folder / "pytorch_model.bin")
    (folder / "metadata.json").write_text(json.dumps(layouts.metadata()))
    loaded = load(folder, str(layouts.write_roberta_tokenizer(tmp_path / "roberta")))
    assert loaded.model.config.id2label == dict(enumerate(CONLL_LABELS)) and loaded.labels == ["MISC", "PER", "ORG", "LOC"]
    check(loaded, reference)


def test_a_folder_of_the_newer_examples(tmp_path: Path) -> None:
    """AllenNLP's, as mLUKE's for CoNLL: labels in their own file, the negative one anywhere among them."""
    reference = layouts.reference(ReferenceLuke, extra_queries=True, num_labels=3)
    folder = tmp_path / "allennlp"
    (folder / "vocabulary").mkdir(parents=True)
    prefix = "feature_extractor.embedder.luke_model."
    torch.save({name.replace("luke.", prefix, 1): t for name, t in reference.state_dict().items()}, folder / "best.th")
    extractor = {"type": "token+entity", "embedder": {"type": "transformers-luke", "use_entity_aware_attention": True}}
    (folder / "config.json").write_text(json.dumps({"model": {"feature_extractor": extractor}}))
    (folder / "vocabulary" / "labels.txt").write_text("PER\nO\nLOC\n")
    loaded = load(folder, str(layouts.write_v4_folder(tmp_path / "base", layouts.reference())))
    assert isinstance(loaded.encoding, SpanEncoding)
    assert loaded.labels == ["PER", "LOC"] and loaded.encoding.negative == 1
    check(loaded, reference)


@pytest.mark.parametrize(
    ("architecture", "task"),
    [
        ("LukeForEntitySpanClassification", "ner"),
        ("LukeForTokenClassification", "ner"),
        ("RobertaForTokenClassification", "ner"),
        ("LukeForEntityClassification", "entity-typing"),
        ("LukeForEntityPairClassification", "relation-classification"),
        ("BertForSequenceClassification", "text-classification"),
        ("BertForQuestionAnswering", "extractive-qa"),
    ],
)
def test_a_task_knows_its_checkpoints_by_their_architectures(architecture: str, task: str | None, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"architectures": [architecture]}))
    assert task_of(tmp_path) == task

"""Models of cloze questions: released files, training from files to files, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import layouts
import pytest
import torch
import transformers
from task_jobs import evaluate, score, silent

import loreweave
from loreweave.cli.main import main
from loreweave.errors import CheckpointError
from loreweave.tasks.cloze_qa.encoding import ClozeEncoding
from loreweave.tasks.cloze_qa.model import build, load
from loreweave.tasks.cloze_qa.record import ClozeRecord
from loreweave.tasks.cloze_qa.settings import ClozeConfig
from loreweave.tasks.registry import load_task
from loreweave.training.task_model import TaskModel

TASK = load_task("cloze-qa")
NAMES, PLACES = ("Ann", "Bob", "She", "He"), ("Oslo", "Paris", "a bank", "the river")


def passage(number: int, name: str, place: str) -> dict[str, Any]:
    """Two queries: who it is, and where."""
    text = f"{name} works in {place} ."
    start = text.index(place)
    spans = [{"start": 0, "end": len(name) - 1}, {"start": start, "end": start + len(place) - 1}]
    queries = (("@placeholder works .", 0, name), (f"{name} is in @placeholder .", 1, place))
    return {
        "passage": {"text": text, "entities": spans},
        "qas": [
            {"id": f"{number}-{which}", "query": query, "answers": [spans[which] | {"text": answer}]}
            for query, which, answer in queries
        ],
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """32 queries in ReCoRD's layout."""
    path = tmp_path_factory.mktemp("data") / "dev.json"
    pairs = [(name, place) for name in NAMES for place in PLACES]
    path.write_text(json.dumps({"version": "1.0", "data": [passage(n, *pair) for n, pair in enumerate(pairs)]}))
    return path


@pytest.mark.parametrize("encoder", ["tiny_luke", "tiny_bert"])
def test_from_files_to_files(encoder: str, data: Path, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    run = tmp_path / "run"
    results = loreweave.finetune(
        "cloze-qa", str(request.getfixturevalue(encoder)), train=data, dev=data, output=run, report=silent, epochs=8,
        batch_size=8, gradient_accumulation_steps=1, device="cpu", seed=1,
        optimizer={"learning_rate": 0.003, "bias_correction": True, "max_grad_norm": 1.0},
    ).results  # fmt: skip
    assert results["metric"] == "exact_match" and results["dev"]["exact_match"] > 0.9
    found, facts = evaluate(TASK, run, data, output=tmp_path / "out")
    assert found.metrics == pytest.approx(results["dev"]) and facts["records"] == 32
    official = tmp_path / "out" / "predictions" / "dev.official.json"
    assert json.loads((run / "predictions" / "dev.official.json").read_text()) == json.loads(official.read_text())
    for predictions in (official, official.with_name("dev.jsonl")):
        assert score(TASK, data, predictions)[0].metrics == pytest.approx(found.metrics)
    row = {"text": "Ann works in Oslo .", "query": "@placeholder works .", "candidates": [{"start": 0, "end": 3}]}
    ((answer,),) = loreweave.load(run).predict([row])
    assert answer["predicted"] == "Ann" and answer["ranked"][0]["end"] == 3 and 0 < answer["probability"] < 1


def test_predict_reads_the_files_of_record(
    data: Path, tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(str(tiny_bert), ["answer"], ClozeConfig()).save_pretrained(tmp_path)
    assert main(["predict", "cloze-qa", "--model", str(tmp_path), str(data), "--format", "record", "--device", "cpu"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["id"] for row in rows][:3] == ["0-0", "0-1", "1-0"] and len(rows) == 32
    found, _ = evaluate(TASK, tmp_path, data)
    assert [row["predicted"] for row in rows] == [row["predicted"] for row in found.predictions]


# ---- the released checkpoint ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reference() -> Any:
    """transformers' LUKE with type-specific queries; entity rows 0 and 2 are [PAD] and [MASK]."""
    return layouts.reference(transformers.LukeForEntityClassification, extra_queries=True)


@pytest.fixture(scope="module")
def released(reference: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, torch.Tensor]]:
    """The files of the released layout, the folder of its word tokenizer, and the weights of the scorer."""
    folder = tmp_path_factory.mktemp("released")
    state = {name.removeprefix("luke."): value for name, value in reference.state_dict().items() if name.startswith("luke.")}
    words, entities = "embeddings.word_embeddings.weight", "entity_embeddings.entity_embeddings.weight"
    torch.manual_seed(0)
    state[words] = torch.cat([state[words][: layouts.WORDS], torch.randn(3, layouts.HIDDEN)])
    state[entities] = state[entities][[0, 2]]
    state |= {"pooler.dense.weight": torch.zeros(32, 32), "pooler.dense.bias": torch.zeros(32)}
    scorer = {"scorer.weight": torch.randn(1, 2 * layouts.HIDDEN), "scorer.bias": torch.randn(1)}
    torch.save({name: tensor.clone() for name, tensor in (state | scorer).items()}, folder / "pytorch_model.bin")
    (folder / "metadata.json").write_text(json.dumps(layouts.metadata()))
    return folder, layouts.write_roberta_tokenizer(folder / "roberta"), state | scorer


def test_a_released_file_scores_as_the_original_formula(released: Any, reference: Any) -> None:
    """The encoder is that of transformers; its word rows behind the vocabulary are those of the three tokens."""
    folder, base, state = released
    with pytest.raises(CheckpointError, match="give --base FOLDER"):
        load(folder)
    loaded = load(folder, str(base))
    assert loaded.labels == ["answer"] and isinstance(loaded.encoding, ClozeEncoding)
    assert loaded.encoding.settings.released_repetition and loaded.encoding.settings.max_query_length == 90
    record = ClozeRecord("q", "Ann, Bob", "a @placeholder", ((0, 3), (5, 8)))
    batch = loaded.encoding.collate(loaded.encoding.encode([record]))
    # <s> a [PLACEHOLDER] </s></s> [ENTITY] A n n [ENTITY] , [ENTITY] B o b [ENTITY] </s>, with <ent> and <ent2> before them
    first = layouts.WORDS + 2
    shown = batch["input_ids"][0].tolist()
    assert [shown.index(first + 1), shown.count(first + 2)] == [3, 4]
    ids = torch.where(batch["input_ids"] >= first, batch["input_ids"] - 2, batch["input_ids"])
    table = reference.luke.embeddings.word_embeddings
    with torch.no_grad():
        before = table.weight.clone()
        table.weight = torch.nn.Parameter(state["embeddings.word_embeddings.weight"])
        entities = reference.luke(**batch | {"input_ids": ids}).entity_last_hidden_state
        table.weight = torch.nn.Parameter(before)
        both = torch.cat([entities[:, :1].expand(-1, 2, -1), entities[:, 1:]], dim=-1)
        wanted = both @ state["scorer.weight"][0] + state["scorer.bias"]
        found = loaded.model(**batch).logits
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


def test_a_released_file_is_evaluated_without_training_data(released: Any, tmp_path: Path) -> None:
    folder, base, _ = released
    path = tmp_path / "dev.json"
    text = "Ann, Bob"
    spans = [{"start": 0, "end": 2}, {"start": 5, "end": 7}]
    qas = [{"id": "q", "query": "@placeholder", "answers": [spans[0] | {"text": "Ann"}, spans[1] | {"text": "Bob"}]}]
    path.write_text(json.dumps({"data": [{"passage": {"text": text, "entities": spans}, "qas": qas}]}))
    command = ["evaluate", "cloze-qa", "--model", str(folder), "--base", str(base), "--data", str(path), "--device", "cpu"]
    assert main([*command, "--output", str(tmp_path / "out")]) == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["exact_match"] == results["f1"] == 1  # both candidates are answers
    # as a Hugging Face folder, which names no settings, it is read as before
    assert main(["convert", str(folder), str(tmp_path / "hf"), "--base", str(base)]) == 0
    again = load(tmp_path / "hf")
    assert isinstance(again.encoding, ClozeEncoding) and again.encoding.settings.released_repetition
    record = ClozeRecord("q", text, "a @placeholder", ((0, 3), (5, 8)))
    torch.testing.assert_close(logits(again, record), logits(load(folder, str(base)), record), rtol=1e-5, atol=1e-5)


def logits(made: TaskModel, record: ClozeRecord) -> torch.Tensor:
    made.model.eval()
    with torch.no_grad():
        return made.model(**made.encoding.collate(made.encoding.encode([record]))).logits


# ---- starts --------------------------------------------------------------------------------------------------------------


def test_new_tokens_start_from_those_of_the_original(tiny_luke: Path, tiny_bert: Path) -> None:
    for folder in (tiny_luke, tiny_bert):
        made = build(str(folder), ["answer"], ClozeConfig())
        assert isinstance(made.encoding, ClozeEncoding)
        words = made.encoding.tokenizer.words
        table = made.model.get_input_embeddings().weight  # type: ignore[union-attr]
        for token, start in (("[HIGHLIGHT]", "@"), ("[PLACEHOLDER]", "#"), ("[ENTITY]", "*")):
            new, old = words.id_of(token), words.id_of(start)
            old = words.id_of("[UNK]") if old is None else old  # the tiny vocabulary has no asterisk
            assert new is not None and old is not None and torch.equal(table[new], table[old])


@pytest.mark.parametrize("features", ["markers", "mentions"])
def test_the_features_of_a_plain_encoder_by_hand(features: Any, tiny_bert: Path, tmp_path: Path) -> None:
    made = build(str(tiny_bert), ["answer"], ClozeConfig(candidate_features=features))
    made.model.eval()
    records = [
        ClozeRecord("a", "Ann lives in Oslo .", "@placeholder works .", ((0, 3), (13, 17))),
        ClozeRecord("b", "Bob is .", "he is @placeholder .", ((0, 3),)),
    ]
    batch = made.encoding.collate(made.encoding.encode(records))
    words = ("input_ids", "attention_mask", "token_type_ids")
    with torch.no_grad():
        found = made.model(**batch).logits
        states = made.model.encoder(**{name: batch[name] for name in words}).last_hidden_state  # type: ignore[operator]
        head = made.model.classifier.out_proj  # type: ignore[union-attr]
        # [CLS] gap works . [SEP] [E] ann [E] lives in [E] oslo [E], and [CLS] he is gap . [SEP] [E] bob [E]
        for row, place, column, first, last in ((0, 1, 0, 5, 8), (0, 1, 1, 10, 13), (1, 3, 0, 6, 9)):
            gap, one, mean = states[row, place], states[row, first], states[row, first:last].mean(0)
            read = [gap, one] if features == "markers" else [gap, mean, gap * mean]
            wanted = (head.weight[0] @ torch.cat(read) + head.bias).item()  # type: ignore[union-attr, operator]
            assert found[row, column].item() == pytest.approx(wanted, rel=1e-4, abs=1e-5)
    assert found[1, 1] < -1e30
    made.save_pretrained(tmp_path)
    torch.testing.assert_close(load(tmp_path).model.eval()(**batch).logits, found, rtol=1e-5, atol=1e-6)


def test_settings_are_kept(tiny_luke: Path, tmp_path: Path) -> None:
    config = ClozeConfig(max_length=32, max_query_length=12, doc_stride=7, released_repetition=True)
    build(str(tiny_luke), ["answer"], config).save_pretrained(tmp_path)
    again = load(tmp_path).encoding
    assert isinstance(again, ClozeEncoding) and again.max_length == 32
    assert (again.settings.max_query_length, again.settings.doc_stride) == (12, 7) and again.settings.released_repetition
    saved = transformers.AutoConfig.from_pretrained(tmp_path)
    assert saved.architectures == ["LukeForEntityCloze"]


def test_other_models_are_refused(tiny_luke: Path, tiny_bert: Path) -> None:
    with pytest.raises(CheckpointError, match="without a scorer of candidates"):
        load(tiny_luke)
    with pytest.raises(CheckpointError, match="expected a fine-tuned checkpoint"):
        load(tiny_bert)

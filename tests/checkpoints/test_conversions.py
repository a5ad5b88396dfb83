"""Every conversion gives equal outputs, or is refused and says what is lost: all pairs of formats, odd configurations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import layouts
import pytest
import torch
import transformers

from loreweave.checkpoints import convert, load_luke, luke_from_encoder
from loreweave.checkpoints.formats.hugging_face import save
from loreweave.cli.main import main
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.encoding import EntityTokenizer
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.models import LukeForEntityPairClassification

HEADS = (
    "LukeModel",
    "LukeForMaskedLM",
    "LukeForEntityClassification",
    "LukeForEntityPairClassification",
    "LukeForEntitySpanClassification",
    "LukeForQuestionAnswering",
)
ODD: dict[str, dict[str, Any]] = {
    "usual": {},
    "padding 0": {"pad_token_id": 0},
    "padding 4": {"pad_token_id": 4},
    "few positions": {"max_position_embeddings": 12},
    "512 positions": {"max_position_embeddings": 512},
    "two segments": {"type_vocab_size": 2},
    "entities as wide as words": {"entity_emb_size": layouts.HIDDEN},
    "more words than tokens": {"vocab_size": layouts.WORDS + 7},
    "more entities than titles": {"entity_vocab_size": 20},
    "ordinary attention": {"use_entity_aware_attention": False},
    "BERT's epsilon": {"layer_norm_eps": 1e-12},
    "relu": {"hidden_act": "relu"},
}


def spans() -> dict[str, torch.Tensor]:
    return {
        "entity_start_positions": torch.tensor([[1, 4], [1, 0]]),
        "entity_end_positions": torch.tensor([[2, 4], [3, 0]]),
    }


def batch(model: Any) -> dict[str, torch.Tensor]:
    given = layouts.inputs()
    given["input_ids"] = given["input_ids"].masked_fill(given["attention_mask"] == 0, model.config.pad_token_id)
    given["input_ids"][:, 0] = 2 if model.config.pad_token_id == 0 else 0
    return given | (spans() if "Span" in type(model).__name__ else {})


def assert_equal(ours: Any, reference: Any) -> None:
    with torch.no_grad():
        found, wanted = ours(**batch(reference)), reference(**batch(reference))
    names = [name for name in wanted if name.endswith(("logits", "hidden_state"))]
    assert names
    for name in names:
        assert (found[name] - wanted[name]).abs().max() <= 1e-5 * (1 + wanted[name].abs().max()), name


@pytest.mark.parametrize(
    ("head", "odd"), [*(("LukeForMaskedLM", odd) for odd in ODD), *((head, "padding 0") for head in HEADS)]
)
def test_to_paddle_and_back(tmp_path: Path, head: str, odd: str) -> None:
    if "Model" in head:
        torch.manual_seed(3)
        reference = transformers.LukeModel(layouts.config(**ODD[odd])).eval()
    else:
        labels = {} if head in ("LukeForMaskedLM", "LukeForQuestionAnswering") else {"num_labels": 3}
        reference = layouts.reference(getattr(transformers, head), extra_queries=True, **ODD[odd], **labels)
    source = layouts.write_v4_folder(tmp_path / "source", reference, tied=True)
    convert(source, tmp_path / "paddle", "paddle")
    convert(tmp_path / "paddle", tmp_path / "back")
    for folder in ("paddle", "back"):
        loaded = load_luke(tmp_path / folder).model
        assert loaded.config.pad_token_id == reference.config.pad_token_id
        assert_equal(loaded, reference)
    plain = getattr(transformers, head).from_pretrained(tmp_path / "back").eval()
    assert_equal(plain, reference)


@pytest.mark.parametrize("odd", [odd for odd in ODD if odd not in ("padding 0", "padding 4")])
def test_to_the_original_and_back(tmp_path: Path, odd: str) -> None:
    reference = layouts.reference(**ODD[odd])
    with torch.no_grad():  # markers as the original has them, also where rows follow them
        for table in (reference.luke.embeddings.word_embeddings.weight, reference.lm_head.bias):
            table[layouts.WORDS : layouts.WORDS + 2] = table[[layouts.AT, layouts.SHARP]].clone()
        for table in (reference.luke.entity_embeddings.entity_embeddings.weight, reference.entity_predictions.bias):
            table[6] = table[2].clone()
    source = layouts.write_v4_folder(tmp_path / "source", reference, tied=True)
    words = layouts.write_roberta_tokenizer(tmp_path / "roberta-base")
    convert(source, tmp_path / "luke.tar.gz", "luke-original", base=words)
    convert(tmp_path / "luke.tar.gz", tmp_path / "paddle", "paddle", base=words)
    convert(tmp_path / "paddle", tmp_path / "back")
    for place in ("luke.tar.gz", "paddle", "back"):
        assert_equal(load_luke(tmp_path / place, base=words).model, reference)


@pytest.mark.parametrize("padding", [0, 4])
def test_a_padding_that_a_format_does_not_keep(tmp_path: Path, padding: int) -> None:
    """The original's loader takes 0 for 1 where the base is a RoBERTa; 4 it reads."""
    reference = layouts.reference(pad_token_id=padding)
    source = layouts.write_v4_folder(tmp_path / "source", reference, tied=True)
    words = layouts.write_roberta_tokenizer(tmp_path / "roberta-base")
    if padding == 4:
        convert(source, tmp_path / "out", "luke-original", base=words)
        assert_equal(load_luke(tmp_path / "out", base=words).model, reference)
        return
    with pytest.raises(CheckpointError, match="as luke-original its outputs would differ: it cannot read .*found 39 words"):
        convert(source, tmp_path / "out", "luke-original", base=words)
    assert not (tmp_path / "out").exists() and {path.name for path in tmp_path.iterdir()} == {"source", "roberta-base"}


@pytest.mark.parametrize("way", [["paddle"], ["luke-original"], ["paddle", "luke-original"], ["luke-original", "paddle"]])
def test_a_luke_of_a_bert_goes_every_way(tmp_path: Path, way: list[str]) -> None:
    """Positions count from padding 0, words are WordPiece, entities are as wide as words, two segments."""
    bert = layouts.write_bert_tokenizer(tmp_path / "bert-tiny")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(layouts.BERT_TOKENS), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=48, max_position_embeddings=40, initializer_range=0.3,
    )  # fmt: skip
    transformers.BertForMaskedLM(config).save_pretrained(bert)
    made = luke_from_encoder(bert, EntityVocabulary.from_counts({"Oslo": 3, "Paris": 2}), entity_embedding_size=32)
    assert made.model.config.pad_token_id == 0
    save(made.model, made.tokenizer, tmp_path / "luke")
    last = tmp_path / "luke"
    for number, format in enumerate([*way, "hugging-face"]):
        convert(last, tmp_path / f"{number}", format, base=bert)
        last = tmp_path / f"{number}"
    found = load_luke(last)
    assert found.model.config.pad_token_id == 0 and found.model.config.base_model_type == "bert"
    reference = made.model.eval()
    text, mention = "abc de fg", [(4, 6)]
    assert found.tokenizer is not None
    inputs = found.tokenizer([text, "ab"], [mention, [(0, 2)]])
    assert inputs["input_ids"].equal(made.tokenizer([text, "ab"], [mention, [(0, 2)]])["input_ids"])
    with torch.no_grad():
        torch.testing.assert_close(found.model(**inputs).logits, reference(**inputs).logits, rtol=1e-5, atol=1e-5)


def untied(folder: Path, head: str) -> Any:
    """A folder of transformers in which a head of pre-training has a table of its own."""
    reference = layouts.reference(tie_word_embeddings=False)
    with torch.no_grad():
        if head == "lm_head":
            reference.lm_head.decoder.weight = torch.nn.Parameter(torch.randn_like(reference.lm_head.decoder.weight))
        else:
            table = torch.randn_like(reference.entity_predictions.decoder.weight)
            reference.entity_predictions.decoder.weight = torch.nn.Parameter(table)
    layouts.write_v4_folder(folder, reference, tied=True)
    return reference


@pytest.mark.parametrize("head", ["lm_head", "entity_predictions"])
@pytest.mark.parametrize("to", ["hugging-face", "paddle", "luke-original"])
def test_a_head_with_a_table_of_its_own(tmp_path: Path, head: str, to: str, capsys: pytest.CaptureFixture[str]) -> None:
    untied(tmp_path / "source", head)
    table = f"{head}.decoder.weight"
    asked = ["convert", str(tmp_path / "source"), str(tmp_path / "out"), "--to", to]
    asked += ["--base", str(layouts.write_roberta_tokenizer(tmp_path / "roberta-base"))]
    assert main(asked) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert f"{table} is a separate table in the file" in said and "--lossy writes it" in said
    assert not (tmp_path / "out").exists()
    assert main([*asked, "--lossy"]) == 0
    assert f"lost: {table} is a separate table" in " ".join(capsys.readouterr().err.split())
    assert (tmp_path / "out").exists()


def test_what_paddles_own_code_leaves_out(tmp_path: Path) -> None:
    model = LukeForEntityPairClassification(layouts.config(num_labels=3, classifier_bias=True))
    save(model, None, tmp_path / "source")
    convert(tmp_path / "source", tmp_path / "zeros", "paddle")  # a bias of zeros changes nothing
    with torch.no_grad():
        model.classifier.bias.fill_(0.5)
    save(model, None, tmp_path / "biased")
    with pytest.raises(CheckpointError, match=r"no classifier bias: logits off by up to 0\.5 there"):
        convert(tmp_path / "biased", tmp_path / "out", "paddle")
    report = convert(tmp_path / "biased", tmp_path / "hf")
    assert any("plain transformers gives other outputs: logits off by up to 0.5" in note for note in report.notes)


def test_a_writer_that_forgets_something_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from loreweave.checkpoints.formats import paddle

    source = layouts.write_v4_folder(tmp_path / "source", layouts.reference(extra_queries=True))
    whole = paddle.names_to_paddle
    monkeypatch.setattr(
        paddle, "names_to_paddle", lambda given: whole({name: 2 * t if "pooler" in name else t for name, t in given.items()})
    )
    convert(source, tmp_path / "masked words read no pooler", "paddle")
    monkeypatch.setattr(
        paddle, "names_to_paddle", lambda given: whole({name: 2 * t if "e2e_query" in name else t for name, t in given.items()})
    )
    with pytest.raises(CheckpointError, match="its outputs would differ: logits off"):
        convert(source, tmp_path / "out", "paddle")
    assert not (tmp_path / "out").exists()


def test_a_writer_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    untied(tmp_path / "source", "lm_head")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kept.txt").write_text("x")
    with pytest.raises(CheckpointError, match="nothing was written"):
        convert(tmp_path / "source", tmp_path / "out", "paddle", overwrite=True)
    assert (tmp_path / "out" / "kept.txt").is_file()


def test_the_recipe_of_words_that_transformers_has_no_tokenizer_for(
    tmp_path: Path, minilm_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = luke_from_encoder(minilm_dir, EntityVocabulary.from_counts({"Oslo": 3}), entity_embedding_size=16)
    save(made.model, made.tokenizer, tmp_path / "luke")
    report = convert(tmp_path / "luke", tmp_path / "out")
    assert any("no tokenizer with entity_spans" in note and "README.md" in note for note in report.notes)
    text = (tmp_path / "out" / "README.md").read_text()
    code = text.partition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(tmp_path / "out")
    names: dict[str, Any] = {}
    exec(code, names)  # the lines as a reader would run them
    with torch.no_grad():
        wanted = made.model.eval()(**names["inputs"])
    torch.testing.assert_close(names["outputs"].entity_logits, wanted.entity_logits, rtol=1e-4, atol=1e-4)
    assert type(names["model"]) is transformers.LukeForMaskedLM
    assert isinstance(names["tokenizer"], EntityTokenizer)
    assert json.loads((tmp_path / "out" / "config.json").read_text())["model_type"] == "luke"


def test_words_of_transformers_need_no_recipe(tmp_path: Path) -> None:
    source = layouts.write_v4_folder(tmp_path / "source", layouts.reference())
    report = convert(source, tmp_path / "out")
    assert not (tmp_path / "out" / "README.md").exists() and not any("entity_spans" in note for note in report.notes)


@pytest.mark.parametrize(
    ("name", "to", "message"),
    [
        (
            "luke.tar.gz",
            "hugging-face",
            "found 'luke.tar.gz', the name of a file, expected a folder such as 'luke', or --to luke-original",
        ),
        ("luke.TGZ", "paddle", "expected a folder such as 'luke', or --to luke-original"),
        ("luke.pdparams", "hugging-face", "expected a folder such as 'luke', and --to paddle for such a file in it"),
        ("luke.pdparams", "paddle", "expected a folder such as 'luke'$"),
        ("model.pt", "hugging-face", "expected a folder such as 'model', and --to fairseq for such a file in it"),
        ("model.safetensors", "hugging_face", "expected a folder such as 'model'$"),
    ],
)
def test_a_target_with_the_name_of_a_file_is_refused(tmp_path: Path, name: str, to: str, message: str) -> None:
    """It would become a folder of this name, which other programs take for the file."""
    with pytest.raises(ConfigurationError, match=message):
        convert(tmp_path / "source", tmp_path / name, to=to)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("to", ["paddle", "luke-original", "hugging-face"])
def test_a_head_that_was_never_trained_stays_known(tmp_path: Path, to: str) -> None:
    """Otherwise its random predictions are taken for those of a trained head."""
    loaded = load_luke(layouts.write_v4_folder(tmp_path / "source", layouts.reference()))
    loaded.model.config.bert_model_name = "roberta-tiny"
    save(loaded.model, loaded.tokenizer, tmp_path / "trained")
    loaded.model.config.untrained_modules = ["lm_head"]
    save(loaded.model, loaded.tokenizer, tmp_path / "luke")
    base = tmp_path / "luke" if to == "luke-original" else None  # its settings say nothing about the file's own head
    for name, untrained in (("luke", ["lm_head"]), ("trained", [])):
        convert(tmp_path / name, tmp_path / f"{name} there", to=to)
        convert(tmp_path / f"{name} there", tmp_path / f"{name} back", base=base)
        found = load_luke(tmp_path / f"{name} back").model.config
        assert (getattr(found, "untrained_modules", None) or []) == untrained

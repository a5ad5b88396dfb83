"""A LUKE around BERT, RoBERTa and MiniLM: the words' states must be the encoder's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import layouts
import pytest
import torch
import transformers
from family_cases import make_encoder
from torch import Tensor

from loreweave.checkpoints import luke_from_encoder
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.errors import CheckpointError, ConfigurationError

VOCABULARY = EntityVocabulary({title: id for id, title in enumerate(layouts.TITLES)})
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "initializer_range": 0.3,
}


def _bert(folder: Path, cls: str = "BertForMaskedLM", **changes: Any) -> Any:
    torch.manual_seed(0)
    config = transformers.BertConfig(
        **(SIZES | {"vocab_size": len(layouts.BERT_TOKENS), "max_position_embeddings": 40} | changes)
    )
    model = getattr(transformers, cls)(config).eval()
    model.save_pretrained(folder)
    layouts.write_bert_tokenizer(folder)
    return model


def _roberta(folder: Path, cls: str = "RobertaForMaskedLM", **changes: Any) -> Any:
    torch.manual_seed(0)
    values = SIZES | {
        "vocab_size": layouts.WORDS,
        "max_position_embeddings": 40,
        "type_vocab_size": 1,
        "pad_token_id": 1,
        "layer_norm_eps": 1e-5,
    }
    kind = "XLMRoberta" if cls.startswith("XLM") else "Roberta"
    model = getattr(transformers, cls)(getattr(transformers, f"{kind}Config")(**(values | changes))).eval()
    model.save_pretrained(folder)
    layouts.write_roberta_tokenizer(folder)
    return model


def _batch(pad: int, start: int, words: list[list[int]]) -> dict[str, Tensor]:
    """Rows of words, padded on the right."""
    longest = max(map(len, words))
    rows = [[start, *row] + [pad] * (longest - len(row)) for row in words]
    mask = [[1] * (len(row) + 1) + [0] * (longest - len(row)) for row in words]
    return {"input_ids": torch.tensor(rows), "attention_mask": torch.tensor(mask)}


def _assert_same_words(luke: Any, encoder: Any, batch: dict[str, Tensor]) -> None:
    real = batch["attention_mask"].bool()
    with torch.no_grad():
        ours = luke.luke(**batch, output_hidden_states=True)
        theirs = encoder(**batch, output_hidden_states=True)
    for found, wanted in zip(ours.hidden_states, theirs.hidden_states, strict=True):
        assert torch.allclose(found[real], wanted[real], atol=1e-5)
    if "logits" in theirs:
        with torch.no_grad():
            logits = luke(**batch).logits[..., : theirs.logits.shape[-1]]
        assert torch.allclose(logits[real], theirs.logits[real], atol=1e-5)


@pytest.mark.parametrize("dtype_suffix", ["safetensors", "bin"])
def test_a_bert_with_its_head(tmp_path: Path, dtype_suffix: str) -> None:
    bert = _bert(tmp_path / "bert-tiny")
    if dtype_suffix == "bin":  # very old files call layer norms gamma and beta
        state = {
            n.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): t
            for n, t in bert.state_dict().items()
        }
        torch.save(state, tmp_path / "bert-tiny" / "pytorch_model.bin")
        (tmp_path / "bert-tiny" / "model.safetensors").unlink()
    built = luke_from_encoder(tmp_path / "bert-tiny", VOCABULARY, entity_embedding_size=8)
    model, config = built.model, built.model.config
    assert "lm_head" not in built.new_modules and config.untrained_modules == []
    assert {"luke.entity_embeddings", "entity_predictions"} <= set(built.new_modules)
    assert (config.type_vocab_size, config.layer_norm_eps, config.pad_token_id, config.max_position_embeddings) == (
        2,
        1e-12,
        0,
        41,
    )
    assert not config.use_entity_aware_attention and config.base_model_type == "bert"
    _assert_same_words(model, bert, _batch(0, 2, [[9, 10, 11, 4, 12, 3], [13, 14, 3]]))
    _assert_same_words(model, bert, _batch(0, 2, [[9 + n % 16 for n in range(39)]]))  # all 40 positions


def test_a_roberta_with_its_head(tmp_path: Path) -> None:
    roberta = _roberta(tmp_path / "roberta-tiny")
    built = luke_from_encoder(tmp_path / "roberta-tiny", VOCABULARY, entity_embedding_size=8)
    assert built.model.config.untrained_modules == [] and built.model.config.max_position_embeddings == 40
    _assert_same_words(built.model, roberta, _batch(1, 0, [[50, 60, 70, 80, 2], [51, 2]]))
    tokenizer = built.tokenizer
    assert [tokenizer.words.id_of(token) for token in ("<ent>", "<ent2>")] == [layouts.WORDS, layouts.WORDS + 1]
    table = built.model.luke.embeddings.word_embeddings.weight
    assert table[layouts.WORDS].equal(table[layouts.AT]) and table[layouts.WORDS + 1].equal(table[layouts.SHARP])
    assert built.model.lm_head.bias[layouts.WORDS] == built.model.lm_head.bias[layouts.AT]


def test_an_xlm_roberta(tmp_path: Path) -> None:
    model = _roberta(tmp_path / "xlm-roberta-tiny", "XLMRobertaForMaskedLM")
    built = luke_from_encoder(tmp_path / "xlm-roberta-tiny", VOCABULARY, entity_embedding_size=32)
    assert not hasattr(built.model.luke.entity_embeddings, "entity_embedding_dense")
    _assert_same_words(built.model, model, _batch(1, 0, [[50, 60, 70, 80, 2], [51, 2]]))


def test_an_electra(tmp_path: Path) -> None:
    """Its discriminator has no head that scores words, its generator one of two modules."""
    for cls in ("ElectraForMaskedLM", "ElectraForPreTraining"):
        folder = make_encoder("electra", tmp_path / cls, getattr(transformers, cls))
        electra = getattr(transformers, cls).from_pretrained(folder).eval()
        built = luke_from_encoder(folder, VOCABULARY, entity_embedding_size=8)
        assert built.model.config.untrained_modules == ([] if cls == "ElectraForMaskedLM" else ["lm_head"])
        whole = electra if cls == "ElectraForMaskedLM" else electra.electra
        _assert_same_words(built.model, whole, _batch(0, 2, [[9, 10, 11, 4, 12, 3], [13, 14, 3]]))


def test_an_electra_whose_words_are_narrower_than_its_states(tmp_path: Path) -> None:
    folder = make_encoder("electra", tmp_path, embedding_size=16)
    with pytest.raises(CheckpointError, match="found word vectors of 16 and states of 32, expected equal ones"):
        luke_from_encoder(folder, VOCABULARY, entity_embedding_size=8)


def test_the_packaged_minilm(minilm_dir: Path) -> None:
    encoder = transformers.AutoModel.from_pretrained(minilm_dir).eval()
    built = luke_from_encoder(minilm_dir, VOCABULARY)
    assert "lm_head" in built.new_modules and built.model.config.untrained_modules == ["lm_head"]
    assert built.model.config.vocab_size == 30524 and built.model.config.max_position_embeddings == 513
    texts = ["Tokyo is the capital of Japan.", "Kyoto was."]
    encoded = built.tokenizer.pad(built.tokenizer.encode_batch(texts))
    batch = {name: encoded[name] for name in ("input_ids", "attention_mask")}
    assert batch["attention_mask"].min() == 0
    _assert_same_words(built.model, encoder, batch)


def test_without_a_head_it_is_new_and_from_the_seed(tmp_path: Path) -> None:
    bert = _bert(tmp_path / "bert-tiny", "BertModel")
    one, same, other = (
        luke_from_encoder(tmp_path / "bert-tiny", VOCABULARY, entity_embedding_size=8, seed=s) for s in (1, 1, 2)
    )
    assert "lm_head" in one.new_modules and one.model.config.untrained_modules == ["lm_head"]
    weights = [built.model.entity_predictions.transform.dense.weight for built in (one, same, other)]
    assert weights[0].equal(weights[1]) and not weights[0].equal(weights[2])
    assert one.model.lm_head.decoder.weight is one.model.luke.embeddings.word_embeddings.weight
    _assert_same_words(one.model, bert, _batch(0, 2, [[9, 10, 3], [11, 3]]))


def test_heads_that_luke_has_no_place_for_are_reported(tmp_path: Path) -> None:
    _bert(tmp_path / "bert-tiny", "BertForPreTraining")
    built = luke_from_encoder(tmp_path / "bert-tiny", VOCABULARY, entity_embedding_size=8)
    assert set(built.report.dropped) == {"cls.seq_relationship.weight", "cls.seq_relationship.bias"}
    assert not any("pooler" in name for name in built.new_modules)


def test_a_head_with_another_activation_starts_anew(tmp_path: Path) -> None:
    bert = _bert(tmp_path / "bert-tiny", hidden_act="relu")
    built = luke_from_encoder(tmp_path / "bert-tiny", VOCABULARY, entity_embedding_size=8)
    assert built.model.config.untrained_modules == ["lm_head"] and built.model.config.hidden_act == "relu"
    assert any("relu" in note for note in built.report.notes)
    _assert_same_words(built.model, bert.bert, _batch(0, 2, [[9, 10, 3], [11, 3]]))


def test_a_decoder_that_is_not_the_word_table_starts_anew(tmp_path: Path) -> None:
    _roberta(tmp_path / "roberta-tiny", tie_word_embeddings=False)
    built = luke_from_encoder(tmp_path / "roberta-tiny", VOCABULARY, entity_embedding_size=8)
    assert built.model.config.untrained_modules == ["lm_head"]


def test_a_table_with_spare_rows(tmp_path: Path) -> None:
    """The markers take the tokenizer's next ids, which the table has already."""
    bert = _bert(tmp_path / "bert-tiny", vocab_size=len(layouts.BERT_TOKENS) + 8)
    built = luke_from_encoder(tmp_path / "bert-tiny", VOCABULARY, entity_embedding_size=8)
    size = len(layouts.BERT_TOKENS)
    assert built.model.config.vocab_size == size + 8
    table = built.model.luke.embeddings.word_embeddings.weight
    assert table[size].equal(table[layouts.BERT_TOKENS.index("@")])
    batch = _batch(0, 2, [[9, 10, 3], [11, 3]])
    with torch.no_grad():
        assert torch.allclose(
            built.model.luke(**batch).last_hidden_state[0], bert.bert(**batch).last_hidden_state[0], atol=1e-5
        )


def test_entities_get_a_table_with_mask2(tmp_path: Path) -> None:
    _roberta(tmp_path / "roberta-tiny")
    built = luke_from_encoder(tmp_path / "roberta-tiny", VOCABULARY, entity_embedding_size=8, entity_aware_attention=True)
    entities = built.model.luke.entity_embeddings.entity_embeddings.weight
    assert entities.shape == (7, 8) and entities[6].equal(entities[2]) and not entities[0].any()
    assert built.tokenizer.entity_vocabulary.mask2_id == 6
    attention = built.model.luke.encoder.layer[0].attention.self
    assert attention.w2e_query.weight.equal(attention.query.weight)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "deberta-v2"}, "deberta-v2, expected one of bert, roberta, .*: no LUKE can be made .* distance"),
        ({"model_type": "mpnet"}, "mpnet, expected one of bert, .*distance of two words.*; word_only=true goes on"),
        ({"model_type": "modernbert"}, "rotate queries and keys"),
        ({"model_type": "luke"}, "it is one"),
        ({"model_type": "longformer"}, "no row of encoding/families.py says how"),
        ({"position_embedding_type": "relative_key"}, "relative_key positions"),
    ],
)
def test_other_encoders_are_refused(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    _bert(tmp_path / "bert-tiny")
    file = tmp_path / "bert-tiny" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    with pytest.raises(CheckpointError, match=message):
        luke_from_encoder(tmp_path / "bert-tiny", VOCABULARY)


def test_a_tokenizer_without_the_markers_sources(tmp_path: Path) -> None:
    _bert(tmp_path / "bert-tiny")
    (tmp_path / "bert-tiny" / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"]))
    with pytest.raises(CheckpointError, match="has no @ and #"):
        luke_from_encoder(tmp_path / "bert-tiny", VOCABULARY)


def test_entities_can_start_from_words_and_titles(tmp_path: Path) -> None:
    encoder = _bert(tmp_path / "bert-tiny")
    folder = tmp_path / "bert-tiny"
    words = luke_from_encoder(folder, VOCABULARY, entity_embedding_size=32, entities_start="words").model.luke
    for entity, word in (
        (words.entity_embeddings.position_embeddings.weight[:40], encoder.bert.embeddings.position_embeddings.weight),
        (words.entity_embeddings.LayerNorm.weight, encoder.bert.embeddings.LayerNorm.weight),
    ):
        assert entity.equal(word)
    built = luke_from_encoder(folder, VOCABULARY, entity_embedding_size=32, entities_start="titles")
    title = layouts.TITLES[3]
    ids = built.tokenizer.word_tokenizer(title.replace("_", " "), add_special_tokens=False)["input_ids"]
    table = encoder.bert.embeddings.word_embeddings.weight
    expected = table[ids].mean(0) - built.model.luke.embeddings.word_embeddings.weight.mean(0)
    assert torch.allclose(built.model.luke.entity_embeddings.entity_embeddings.weight[3], expected, atol=1e-6)
    assert built.model.luke.entity_embeddings.entity_embeddings.weight[2].equal(
        words.entity_embeddings.entity_embeddings.weight[2]
    )


def test_a_title_of_several_words_is_their_mean(minilm_dir: Path) -> None:
    vocabulary = EntityVocabulary.from_counts({"New Zealand": 3, "Oslo": 2})
    model, tokenizer, *_ = luke_from_encoder(minilm_dir, vocabulary, entity_embedding_size=384, entities_start="titles")
    words = model.luke.embeddings.word_embeddings.weight
    table = model.luke.entity_embeddings.entity_embeddings.weight
    new, zealand = tokenizer.word_tokenizer.convert_tokens_to_ids(["new", "zealand"])
    row = tokenizer.entity_vocabulary.id_of("New Zealand")
    assert row is not None
    torch.testing.assert_close(table[row], (words[new] + words[zealand]) / 2 - words.mean(dim=0))
    assert model.entity_predictions.decoder.weight is table, "the head predicts with the same rows"


def test_titles_need_a_table_as_wide_as_the_words(tmp_path: Path) -> None:
    _bert(tmp_path / "bert-tiny")
    with pytest.raises(ConfigurationError, match="found entity_embedding_size 8, expected the hidden size 32"):
        luke_from_encoder(tmp_path / "bert-tiny", VOCABULARY, entity_embedding_size=8, entities_start="titles")

from pathlib import Path

import numpy as np
import pytest
import torch
from family_cases import CASES, make_encoder
from transformers import AutoModel, AutoTokenizer, BartConfig, BartModel, GPT2Config, GPT2Model, T5Config, T5Model

from loreweave.attention.capture.encoders import Encoder, TextInput, open_encoder
from loreweave.attention.capture.texts import capture
from loreweave.attention.captured import CapturedAttention
from loreweave.errors import CheckpointError, ConfigurationError, DataError

TEXT = "Ann lives in Oslo."


def captured(encoder: Encoder, text: str = TEXT, **given: object) -> list[CapturedAttention]:
    return list(capture(encoder, [TextInput(text, **given)]))  # type: ignore[arg-type]


@pytest.mark.parametrize("family", CASES)
def test_every_family_shows_its_attention_with_the_characters_of_its_tokens(family: str, tmp_path: Path) -> None:
    (found,) = captured(open_encoder(make_encoder(family, tmp_path)))
    tokens = found.queries
    assert found.weights.shape == (2, 2, len(tokens), len(tokens)) and found.kind == "self"
    assert np.abs(found.weights.sum(axis=3) - 1).max() < 1e-5
    letters = "".join(TEXT[slice(start, end)] for start, end in zip(tokens.starts, tokens.ends, strict=True) if start >= 0)
    assert letters == TEXT.replace(" ", "")
    assert tokens.classes[0] == "special" and tokens.classes[-1] == "separator" and "punctuation" in tokens.classes
    numbers = [number for number in tokens.words if number >= 0]
    assert numbers == sorted(numbers) and set(numbers) == set(range(5))


@pytest.mark.parametrize("family", ["bert", "roberta", "modernbert"])
def test_weights_are_those_of_the_eager_model_and_the_kernel_is_as_before(family: str, tmp_path: Path) -> None:
    folder = make_encoder(family, tmp_path)
    encoder = open_encoder(folder)
    before = encoder.model.config._attn_implementation
    (found,) = captured(encoder)
    assert before == "sdpa" and encoder.model.config._attn_implementation == before
    eager = AutoModel.from_pretrained(folder, attn_implementation="eager")
    with torch.no_grad():
        output = eager(**AutoTokenizer.from_pretrained(folder)(TEXT, return_tensors="pt"), output_attentions=True)
    np.testing.assert_allclose(found.weights, torch.stack(output.attentions)[:, 0].numpy(), atol=1e-6)


def test_entities_of_a_luke_follow_the_words(tiny_luke: Path) -> None:
    encoder = open_encoder(tiny_luke)
    (found,) = captured(encoder, mentions=[(13, 17), (0, 3)], entities=["Oslo", None])
    assert found.queries.classes[-2:] == ["entity", "entity"]
    first, second = found.entities
    assert (first.label, TEXT[first.start : first.end], first.row) == ("Oslo", "Oslo", len(found.queries) - 2)
    assert (second.label, TEXT[second.start : second.end]) == ("[MASK]", "Ann")
    assert [found.queries.text[place] for place in first.words] == ["Oslo"]
    assert [found.queries.classes[place] for place in first.words + second.words] == ["mention", "mention"]


def test_the_second_text_of_a_pair_goes_on_after_the_first(tiny_bert: Path, tiny_luke: Path) -> None:
    for folder in (tiny_bert, tiny_luke):
        (found,) = captured(open_encoder(folder), pair="He works.")
        assert found.text == "Ann lives in Oslo. He works."
        second = [place for place, number in enumerate(found.sentences) if number == 1]
        words = [found.text[found.queries.starts[place] : found.queries.ends[place]] for place in second[:-1]]
        assert "".join(words) == "Heworks." and found.queries.classes[second[-1]] == "separator"


def test_the_mention_of_an_encoder_of_words_is_a_class(tiny_bert: Path) -> None:
    (found,) = captured(open_encoder(tiny_bert), mentions=[(13, 17)])
    at = found.queries.text.index("Oslo")
    assert [kind == "mention" for kind in found.queries.classes] == [place == at for place in range(len(found.queries))]
    assert not found.entities


@pytest.fixture(params=["bart", "t5"])
def seq2seq(request: pytest.FixtureRequest, tiny_bert: Path) -> Encoder:
    words = AutoTokenizer.from_pretrained(tiny_bert)
    torch.manual_seed(0)
    if request.param == "bart":
        size = {"encoder_layers": 2, "decoder_layers": 3, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
        config = BartConfig(vocab_size=len(words), d_model=16, encoder_ffn_dim=32, decoder_ffn_dim=32, **size)
        config.decoder_start_token_id = words.cls_token_id
        return open_encoder(BartModel(config), words)
    config = T5Config(vocab_size=len(words), d_model=16, d_kv=8, d_ff=32, num_layers=2, num_decoder_layers=3, num_heads=2)
    config.decoder_start_token_id = words.cls_token_id
    return open_encoder(T5Model(config), words)


def test_an_encoder_decoder_gives_three_kinds_of_attention(seq2seq: Encoder) -> None:
    found = {each.kind: each for each in captured(seq2seq, target="He works.")}
    assert set(found) == {"encoder", "decoder", "cross"}
    source, target = len(found["encoder"].queries), len(found["decoder"].queries)
    assert found["encoder"].weights.shape == (2, 2, source, source)
    assert found["decoder"].weights.shape == (3, 2, target, target) and found["decoder"].text == "He works."
    assert found["cross"].weights.shape == (3, 2, target, source) and found["cross"].keys == found["encoder"].queries
    assert found["decoder"].queries.text[:3] == ["[CLS]", "[CLS]", "He"]
    assert not np.triu(found["decoder"].weights[0, 0], 1).any()  # causal


def test_mentions_are_those_of_the_source_not_of_the_target(seq2seq: Encoder) -> None:
    found = {each.kind: each for each in captured(seq2seq, mentions=[(0, 3)], target="He works.")}
    source, target = found["encoder"].queries, found["decoder"].queries
    assert [source.text[place] for place, kind in enumerate(source.classes) if kind == "mention"] == ["Ann"]
    assert "mention" not in target.classes and found["cross"].queries == target


def test_without_a_target_only_the_encoder_runs(seq2seq: Encoder) -> None:
    (found,) = captured(seq2seq)
    assert found.weights.shape[:2] == (2, 2) and found.queries.text[1] == "Ann"


def test_a_decoder_alone_is_shown_too(tiny_bert: Path) -> None:
    words = AutoTokenizer.from_pretrained(tiny_bert)
    torch.manual_seed(0)
    (found,) = captured(open_encoder(GPT2Model(GPT2Config(vocab_size=len(words), n_embd=16, n_layer=2, n_head=2)), words))
    assert not np.triu(found.weights[1, 1], 1).any()


def test_what_cannot_be_read_is_named(tiny_bert: Path, tiny_luke: Path, tmp_path: Path) -> None:
    bert, luke = open_encoder(tiny_bert), open_encoder(tiny_luke)
    with pytest.raises(DataError, match=r"found a text of \d+ sub-words, and the model reads at most 64"):
        captured(bert, "Ann lives in Oslo. " * 20)
    with pytest.raises(DataError, match="reads at most 64"):
        captured(luke, "Ann lives in Oslo. " * 20)
    with pytest.raises(DataError, match="no entity 'Zorkia' in the model's vocabulary"):
        captured(luke, mentions=[(0, 3)], entities=["Zorkia"])
    with pytest.raises(DataError, match="no token in the mention 3-4"):
        captured(luke, mentions=[(3, 4)])
    with pytest.raises(ConfigurationError, match="--entity"):
        captured(bert, mentions=[(0, 3)], entities=["Oslo"])
    for encoder in (bert, luke):
        with pytest.raises(ConfigurationError, match="--target"):
            captured(encoder, target="He works.")
    with pytest.raises(ConfigurationError, match="without tokenizer="):
        open_encoder(bert.model)
    with pytest.raises(CheckpointError):
        open_encoder(tmp_path / "nothing")

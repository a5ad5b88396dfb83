"""Vectors of mentions: the mean state of their sub-words in their text."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from family_cases import CASES, make_encoder
from transformers import AutoModel, AutoTokenizer

from loreweave.errors import CheckpointError, ConfigurationError, DataError
from loreweave.experiments.probes.encoder import MentionTexts
from loreweave.experiments.probes.opening import open_encoder
from loreweave.experiments.probes.settings import ProbeConfig
from loreweave.models import LukeModel
from loreweave.tasks.contract import Execution

CPU = Execution(device="cpu")
TEXT = "ann lives in oslo and bob works at a bank"


def states_of(folder: Path, text: str, layer: int = -1) -> np.ndarray:
    """States of a text by transformers alone."""
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        output = model(**tokenizer(text, return_tensors="pt"), output_hidden_states=True)
    found: np.ndarray = output.hidden_states[layer][0].numpy()
    return found


@pytest.mark.parametrize("layer", [-1, 0, 1])
def test_a_vector_is_the_mean_of_the_states_of_its_sub_words(tiny_bert: Path, layer: int) -> None:
    (encoder,) = open_encoder(str(tiny_bert), ProbeConfig(layer=layer), CPU)
    pairs = [(TEXT, [(0, 3), (13, 25)]), ("bob", [(0, 3)]), (TEXT, [(13, 17), (0, 3)])]
    vectors = encoder.vectors(pairs)
    states = states_of(tiny_bert, TEXT, layer)  # [CLS] ann lives in oslo and bob works ...
    assert len(vectors.values) == 4, "equal mentions of equal texts have one vector"
    found, known = vectors.matrix([pairs[0]])
    np.testing.assert_allclose(found[0, :32], states[1], atol=1e-5)
    np.testing.assert_allclose(found[0, 32:], states[4:7].mean(0), atol=1e-5)
    assert known.tolist() == [True]
    alone, _ = vectors.matrix([pairs[1]])
    np.testing.assert_allclose(alone[0], states_of(tiny_bert, "bob", layer)[1], atol=1e-5)


def test_texts_are_joined_with_all_their_mentions() -> None:
    found = MentionTexts.of([("b", [(2, 3)]), ("a", [(0, 1)]), ("b", [(0, 1), (2, 3)])])
    assert found.texts == ["b", "a"] and found.spans == [[(0, 1), (2, 3)], [(0, 1)]]


def test_a_mention_that_is_cut_off_has_no_vector(tiny_bert: Path) -> None:
    (encoder,) = open_encoder(str(tiny_bert), ProbeConfig(max_length=5), CPU)
    pairs = [(TEXT, [(0, 3), (13, 17)]), ("bob", [(0, 3), (0, 3)])]
    vectors = encoder.vectors(pairs)
    found, known = vectors.matrix(pairs)
    assert known.tolist() == [False, True] and not found[0].any()
    assert vectors.report.dropped_by_truncation == 1 and vectors.report.texts_truncated == 1
    with pytest.raises(DataError, match="found no mention with a sub-word among the first 5"):
        encoder.vectors([(TEXT, [(13, 17)])])


def test_a_luke_has_words_and_entities(tiny_bert: Path, tiny_luke: Path) -> None:
    (plain,) = open_encoder(str(tiny_bert), ProbeConfig(), CPU)
    words, entities = open_encoder(str(tiny_luke), ProbeConfig(states=["words", "entities"]), CPU)
    assert (words.name, entities.name) == (str(tiny_luke), f"{tiny_luke} (entities)")
    pairs = [(TEXT, [(0, 3), (13, 17)])]
    same = words.vectors(pairs).values
    np.testing.assert_allclose(same, plain.vectors(pairs).values, atol=1e-5)  # its words are the encoder's
    found = entities.vectors(pairs).values
    model = LukeModel.from_pretrained(tiny_luke).eval()
    inputs = entities.tokenizer([TEXT], [[(0, 3), (13, 17)]])
    names = ("input_ids", "attention_mask", "entity_ids", "entity_attention_mask", "entity_position_ids")
    with torch.no_grad():
        expected = model(**{name: inputs[name] for name in names}).entity_last_hidden_state[0]
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
    assert words.facts["family"] == "luke" and words.facts["layers"] == 2 and words.facts["max_length"] == 64


def test_wrong_use_is_one_message(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"layer: found 3, expected 0 \(the embeddings\) to 2, or -3 to -1, the layers of "
    ):
        open_encoder(str(tiny_bert), ProbeConfig(layer=3), CPU)
    with pytest.raises(ConfigurationError, match="states=entities needs a LUKE"):
        open_encoder(str(tiny_bert), ProbeConfig(states=["entities"]), CPU)
    assert len(open_encoder(str(tiny_bert), ProbeConfig(states=["words", "entities"]), CPU)) == 1
    with pytest.raises(ConfigurationError, match="--base: .* has a configuration and a tokenizer of its own; leave it out"):
        open_encoder(str(tiny_bert), ProbeConfig(), Execution(device="cpu", base="minilm"))
    with pytest.raises(CheckpointError, match="no such file or folder"):
        open_encoder(str(tmp_path / "none"), ProbeConfig(), CPU)


@pytest.mark.parametrize("kind", CASES)
def test_encoders_of_all_families(kind: str, tmp_path: Path) -> None:
    folder = make_encoder(kind, tmp_path / "encoder")
    encoder = open_encoder(str(folder), ProbeConfig(layer=1), CPU)[0]
    vectors = encoder.vectors([(TEXT, [(0, 3), (13, 25)]), ("bob", [(0, 3)])])
    assert vectors.values.shape == (3, encoder.facts["hidden_size"]) and np.isfinite(vectors.values).all()
    assert np.abs(vectors.values[0] - vectors.values[1]).max() > 1e-3


@pytest.mark.parametrize("luke", [False, True])
def test_a_checkpoint_in_a_run_takes_the_tokenizer_of_the_final_model(
    luke: bool, tiny_bert: Path, tiny_luke: Path, tmp_path: Path
) -> None:
    source = tiny_luke if luke else tiny_bert
    inside = tmp_path / "run" / "checkpoints" / "checkpoint-5"
    inside.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        shutil.copy(source / name, inside / name)
    config = ProbeConfig(states=["words", "entities"] if luke else ["words"])
    with pytest.raises(CheckpointError, match="checkpoint-5: found no word tokenizer; give --base FOLDER"):
        open_encoder(str(inside), config, CPU)
    pairs = [(TEXT, [(0, 3), (13, 17)])]
    expected = [encoder.vectors(pairs).values for encoder in open_encoder(str(source), config, CPU)]
    given = open_encoder(str(inside), config, Execution(device="cpu", base=str(source)))
    shutil.copytree(source, tmp_path / "run" / "model")
    found = open_encoder(str(inside), config, CPU)
    for number, values in enumerate(expected):
        np.testing.assert_array_equal(given[number].vectors(pairs).values, values)
        np.testing.assert_array_equal(found[number].vectors(pairs).values, values)


def test_a_tokenizer_with_more_words_than_the_encoder_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_bert, tmp_path / "bert")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["newword"])
    tokenizer.save_pretrained(folder)
    with pytest.raises(CheckpointError, match="expected the tokenizer of this encoder"):
        open_encoder(str(folder), ProbeConfig(), CPU)

"""Typed sentences: offsets, padding, what was cut, and the text put together again."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from loreweave.models.reconstruction import DecodingConfig
from loreweave.tasks.contract import Execution
from loreweave.tasks.latent_types.model import TypePredictor

TEXTS = ["The old bridge was rebuilt.", "Unaffable!", "A river, a road and a very long railway to Oslo."]


def test_tokens_cover_the_text(folder: Path) -> None:
    typed = list(TypePredictor(folder).predict(TEXTS))
    assert [one.text for one in typed] == TEXTS and all(one.reconstruction is None for one in typed)
    for one in typed:
        assert [token.text for token in one.tokens if token.special] == ["[CLS]", "[SEP]"]
        assert all(one.text[token.start : token.end] == token.text for token in one.words)
        assert "".join(token.text for token in one.words) == one.text.replace(" ", "")
        assert all((token.type != 0) == (token.logit > 0) for token in one.tokens)
    assert {token.type for one in typed for token in one.tokens} == {0, 1}


def test_batches_and_their_order_change_nothing(folder: Path) -> None:
    alone = [next(TypePredictor(folder).predict([text], DecodingConfig())) for text in TEXTS]
    together = list(TypePredictor(folder, Execution(batch_size=3)).predict(TEXTS, DecodingConfig()))
    for one, other in zip(alone, together, strict=True):
        assert [token.type for token in one.tokens] == [token.type for token in other.tokens]
        assert one.reconstruction == other.reconstruction
        assert [token.logit for token in one.tokens] == pytest.approx([token.logit for token in other.tokens], abs=1e-5)


def test_probabilities_are_those_of_the_chosen_type(folder: Path) -> None:
    for token in next(TypePredictor(folder).predict(TEXTS[:1])).tokens:
        wanted = torch.tensor([0.0, token.logit]).softmax(0)[token.type]
        assert token.probability == pytest.approx(float(wanted), abs=1e-5)


def test_long_sentences_are_cut_and_say_so(folder: Path) -> None:
    short = next(TypePredictor(folder, max_length=6).predict(TEXTS[2:]))
    assert [token.text for token in short.tokens] == ["[CLS]", "A", "river", ",", "a", "[SEP]"]
    assert short.cut == 9 and short.to_dict()["sub_words_cut"] == 9
    assert next(TypePredictor(folder).predict(TEXTS[:1])).cut == 0


def test_no_more_is_read_than_the_encoder_has_positions(folder: Path) -> None:
    """512, of which two are special tokens; the rest is counted as cut."""
    (typed,) = TypePredictor(folder, max_length=1000).predict(["river " * 600])
    assert len(typed.tokens) == 512 and typed.cut == 90


def test_details_if_asked_for(folder: Path) -> None:
    assert next(TypePredictor(folder).predict(TEXTS[:1])).details is None
    for one in TypePredictor(folder).predict(TEXTS, with_details=True):
        assert one.details is not None and one.details.rebuilt is None and one.details.next_correct is None
        assert one.details.states.shape == (len(one.tokens), 32) and len(one.details.ids) == len(one.tokens)
        assert one.details.probabilities.argmax(-1).tolist() == [token.type for token in one.tokens]
        assert one.details.probabilities.max(-1).tolist() == pytest.approx([token.probability for token in one.tokens])


def test_details_of_a_rebuilt_sentence(folder: Path) -> None:
    """Padding changes nothing, and what is rebuilt first is what teacher forcing finds likeliest first."""
    predictor = TypePredictor(folder, Execution(batch_size=3))
    for one, alone in zip(predictor.predict(TEXTS, DecodingConfig(), with_details=True), TEXTS, strict=True):
        details, same = one.details, next(TypePredictor(folder).predict([alone], DecodingConfig(), with_details=True)).details
        assert details is not None and same is not None and details.rebuilt == same.rebuilt
        assert details.next_correct is not None and details.next_log_probabilities is not None and details.rebuilt
        assert len(details.next_correct) == len(details.next_log_probabilities) == len(one.tokens) - 1
        assert details.next_log_probabilities == pytest.approx(same.next_log_probabilities, abs=1e-4)
        assert (details.next_log_probabilities < 0).all()
        assert details.next_correct[0] == (details.rebuilt[1] == details.ids[1])


def test_the_marked_text_is_the_text_with_types(folder: Path) -> None:
    for typed in TypePredictor(folder).predict(TEXTS):
        assert typed.marked().replace("(1)", "") == typed.text
        assert typed.marked().count("(1)") == sum(token.type for token in typed.words)


def test_plain_values(folder: Path) -> None:
    row = next(TypePredictor(folder).predict(TEXTS[:1], DecodingConfig())).to_dict()
    assert row["selected"] == sum(token["type"] > 0 for token in row["tokens"])
    assert isinstance(row["reconstruction"], str) and "start" not in row["special_tokens"][0]

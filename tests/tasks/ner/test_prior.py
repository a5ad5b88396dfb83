"""The bias that a classifier starts from, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from loreweave.corpus.annotated_text import Mention
from loreweave.errors import ConfigurationError
from loreweave.tasks.ner.model import NerConfig, build
from loreweave.tasks.ner.prior import start_from_shares
from loreweave.tasks.ner.record import NerRecord, Sentence

TARGETS = [np.array([0, 0, 0, 1]), np.array([0, 0, 2, -100]), None]  # five of no mention, one LOC, one PER, none of MISC
CLASSES = ["NIL", "LOC", "PER", "MISC"]


class Tagger(torch.nn.Module):
    """A linear classifier over two features."""

    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        self.classifier = torch.nn.Linear(2, 4, bias=bias)


def test_the_bias_is_the_logarithm_of_the_shares() -> None:
    model = Tagger()
    line = start_from_shares(model, TARGETS, CLASSES, None)  # type: ignore[arg-type]
    expected = [math.log(count / 8) for count in (5, 1, 1, 1)]  # MISC counts as one
    assert model.classifier.bias.tolist() == pytest.approx(expected)
    assert line.startswith("prior_bias: 71.4% of 7 labels are NIL")  # 5 of the 7 that exist
    assert torch.softmax(model.classifier(torch.zeros(2)), 0).tolist() == pytest.approx([5 / 8, 1 / 8, 1 / 8, 1 / 8])


def test_weights_of_the_loss_count_in_the_shares() -> None:
    model = Tagger()
    start_from_shares(model, TARGETS, CLASSES, (0.2, 1, 1, 1))  # type: ignore[arg-type]
    assert model.classifier.bias.tolist() == pytest.approx([math.log(1 / 4)] * 4)  # 5 x .2 = 1


def test_a_classifier_without_bias_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="prior_bias: Tagger has no linear classifier with a bias"):
        start_from_shares(Tagger(bias=False), TARGETS, CLASSES, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("encoder", ["tiny_luke", "tiny_bert"])
def test_a_model_starts_from_the_shares_of_its_spans_or_words_if_asked(encoder: str, request: pytest.FixtureRequest) -> None:
    source = str(request.getfixturevalue(encoder))
    text = "Ann lives in Oslo"
    records = [NerRecord("0", Sentence.of(text), (Mention(0, 3, label="PER"), Mention(13, 17, label="LOC")))]
    for asked in (False, True):
        made = build(source, ["LOC", "PER"], NerConfig(prior_bias=asked, max_mention_length=2))
        line = made.prepare(made.encoding.encode(records, made.labels))
        bias = made.model.get_parameter("classifier.bias")
        if not asked:
            assert line == "" and not bias.any()
        elif encoder == "tiny_luke":  # four words, four of one and three of two sub-words: 7 spans
            assert bias.tolist() == pytest.approx([math.log(5 / 7), math.log(1 / 7), math.log(1 / 7)])
        else:  # O, B-LOC, I-LOC, B-PER, I-PER: I- counts as one
            assert bias.tolist() == pytest.approx([math.log(2 / 6), *[math.log(1 / 6)] * 4])

from pathlib import Path

import numpy as np
import torch
from family_cases import make_encoder
from transformers import AutoModelForSequenceClassification

from loreweave.attention.capture.relevance import relevance


def test_relevance_is_that_of_the_paper_computed_layer_by_layer(tmp_path: Path) -> None:
    folder = make_encoder("bert", tmp_path, AutoModelForSequenceClassification, num_labels=3)
    model = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    inputs = {"input_ids": torch.tensor([[2, 5, 6, 7, 3]])}
    found = relevance(model, inputs, [2, 0])
    for number, matrix in zip([2, 0], found, strict=True):
        output = model(**inputs, output_attentions=True)
        for layer in output.attentions:
            layer.retain_grad()
        output.logits[0, number].backward()
        expected = np.eye(5)
        for layer in output.attentions:
            weights, gradient = layer.detach()[0].numpy(), layer.grad[0].numpy()
            expected = expected + np.maximum(weights * gradient, 0).mean(0) @ expected
        np.testing.assert_allclose(matrix, expected - np.eye(5), atol=1e-6)
    assert not np.allclose(found[0], found[1])


def test_inputs_of_inference_are_taken_too(tmp_path: Path) -> None:
    folder = make_encoder("roberta", tmp_path, AutoModelForSequenceClassification, num_labels=2)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.inference_mode():
        ids = torch.tensor([[0, 9, 8, 2]])
    (found,) = relevance(model, {"input_ids": ids}, [1])
    assert found.shape == (4, 4) and (found >= 0).all() and found.any()
    assert model.config._attn_implementation == "sdpa"

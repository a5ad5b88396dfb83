from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from made_attention import made_attention
from transformers import AutoModel, AutoTokenizer

from loreweave.attention.asked import Asked
from loreweave.attention.capture.latent_types import with_latent_types
from loreweave.attention.sources import captured_attention
from loreweave.checkpoints import latent_typing
from loreweave.models.sparse_typing import SparseTypingHead
from loreweave.tasks.contract import Execution
from loreweave.tasks.latent_types.model import TypePredictor


@pytest.fixture
def typer(tiny_bert: Path, tmp_path: Path) -> Path:
    AutoModel.from_pretrained(tiny_bert).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(tmp_path)
    torch.manual_seed(3)
    latent_typing.save(tmp_path, SparseTypingHead.of(AutoModel.from_pretrained(tmp_path), types=8), {})
    return tmp_path


def test_every_token_has_the_type_that_the_typer_gives_it(typer: Path) -> None:
    text = "Ann lives in Oslo, Bob in Paris."
    (found,) = captured_attention([str(typer)], Asked(texts=[text], device="cpu"))
    (typed,) = TypePredictor(str(typer), Execution(device="cpu")).predict([text])
    assert found.types is not None and found.types.of == [0, *(token.type for token in typed.words), 0]
    assert found.types.scores[1:-1] == pytest.approx([token.probability for token in typed.words])
    assert any(found.types.of)


def test_the_blank_before_a_token_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some tokenizers count it to the characters of the token, such as those of SentencePiece."""

    class Typer:
        def __init__(self, *given: object, **named: object) -> None:
            pass

        def predict(self, texts: list[str]) -> list[SimpleNamespace]:
            words = [SimpleNamespace(start=start, end=end, type=3, probability=0.5) for start, end in ((0, 3), (3, 9))]
            return [SimpleNamespace(words=words)]

    monkeypatch.setattr("loreweave.attention.capture.latent_types.TypePredictor", Typer)
    (found,) = with_latent_types("a typer", [made_attention()], "cpu")
    assert found.types is not None and found.types.of == [0, 3, 3, 0, 0, 3]  # the last one is the entity of the first word


def test_an_encoder_without_a_typer_has_no_types(tiny_bert: Path) -> None:
    (found,) = captured_attention([str(tiny_bert)], Asked(texts=["Ann lives."], device="cpu"))
    assert found.types is None

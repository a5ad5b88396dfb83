"""Models with and without the heads that answer; every encoder family answers as transformers does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from family_cases import CASES, make_encoder
from transformers import AutoModelForMaskedLM, AutoTokenizer, pipeline

from loreweave.checkpoints.conversion import load_luke
from loreweave.checkpoints.formats.hugging_face import save
from loreweave.corpus.knowledge.relation_templates import Question
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.models import LukeConfig, LukeForMaskedLM
from loreweave.tasks.contract import Execution
from loreweave.tasks.fact_probing.model import load_entities, load_words
from loreweave.tasks.fact_probing.ranking import Wanted, answer_questions
from loreweave.tasks.fact_probing.settings import PredictionSettings

CPU = Execution(device="cpu")
TEXTS = ["ann lives in [MASK] .", "the [MASK] is long and bob works at a bank in paris .", "[MASK] works ."]


@pytest.mark.parametrize("model_type", [name for name in CASES if name != "luke"])
def test_answers_are_those_of_the_fill_mask_pipeline(model_type: str, tmp_path: Path) -> None:
    folder = make_encoder(model_type, tmp_path, AutoModelForMaskedLM)
    filler = load_words(folder, PredictionSettings(), CPU)
    inputs = filler.questions.encode([Question(text) for text in TEXTS])
    found = answer_questions(
        filler.scorer, inputs, [Wanted() for _ in TEXTS], filler.questions.collate, top=5, batch_size=2, precision="fp32"
    )
    tokenizer = AutoTokenizer.from_pretrained(folder)
    fill: Any = pipeline("fill-mask", model=AutoModelForMaskedLM.from_pretrained(folder), tokenizer=tokenizer, device="cpu")
    for text, answer in zip(TEXTS, found, strict=True):
        theirs = fill(text.replace("[MASK]", tokenizer.mask_token), top_k=5)
        ours = torch.tensor([probability for _, probability in answer.best])
        assert torch.allclose(ours, torch.tensor([row["score"] for row in theirs]), atol=1e-6, rtol=1e-5)
        assert [id for id, _ in answer.best] == [row["token"] for row in theirs]


def test_an_encoder_without_masked_word_head_says_so(tiny_bert: Path) -> None:
    with pytest.raises(
        CheckpointError, match=r"without a masked-word head \(it lacks cls.*cannot fill \[MASK\]; 'loreweave pre"
    ):
        load_words(tiny_bert, PredictionSettings(), CPU)


def test_minilm_as_it_is_packaged_has_no_masked_word_head(minilm_dir: Path) -> None:
    with pytest.raises(CheckpointError, match="found an encoder without a masked-word head"):
        load_words(minilm_dir, PredictionSettings(), CPU)


def test_a_luke_whose_masked_word_head_was_never_trained_says_so(tiny_luke: Path) -> None:
    with pytest.raises(CheckpointError, match="found a LUKE without a trained masked-word head"):
        load_words(tiny_luke, PredictionSettings(), CPU)


def test_the_masked_word_head_of_a_luke(tiny_luke: Path, tmp_path: Path) -> None:
    loaded = load_luke(tiny_luke, LukeForMaskedLM)
    loaded.model.config.untrained_modules = []
    save(loaded.model, loaded.tokenizer, tmp_path / "luke")
    filler = load_words(tmp_path / "luke", PredictionSettings(), CPU)
    inputs = filler.questions.encode([Question(text) for text in TEXTS])
    found = answer_questions(
        filler.scorer, inputs, [Wanted() for _ in TEXTS], filler.questions.collate, top=3, batch_size=1, precision="fp32"
    )
    for one, answer in zip(inputs, found, strict=True):
        with torch.no_grad():
            logits = loaded.model(input_ids=torch.tensor([one.ids])).logits[0, one.position]
        values, ids = logits.softmax(-1).topk(3)
        assert [id for id, _ in answer.best] == ids.tolist()
        assert torch.allclose(torch.tensor([value for _, value in answer.best]), values, rtol=1e-5)


def test_the_entity_head_is_that_of_the_model(tiny_luke: Path) -> None:
    filler = load_entities(tiny_luke, PredictionSettings(head="entities"), CPU)
    (one,) = filler.questions.encode([Question("Oslo is in [MASK] .", (0, 4))], [filler.names.id_of("Oslo")])
    (answer,) = answer_questions(
        filler.scorer, [one], [Wanted(pool=filler.pool)], filler.questions.collate, top=2, batch_size=1, precision="fp32"
    )
    loaded = load_luke(tiny_luke, LukeForMaskedLM)
    batch = loaded.tokenizer(["Oslo is in [MASK] ."], [[(11, 17), (0, 4)]], [[None, "Oslo"]])
    with torch.no_grad():
        values = loaded.model(**batch).entity_logits[0, 0].softmax(-1)
    for id, probability in answer.best:
        assert probability == pytest.approx(float(values[id]), rel=1e-5)


def test_rows_of_the_entity_table_without_a_name_are_no_answers(tiny_luke: Path, tmp_path: Path) -> None:
    """Tables may be padded to a round number of rows."""
    loaded = load_luke(tiny_luke, LukeForMaskedLM)
    vocabulary = loaded.vocabulary
    assert vocabulary is not None
    config = LukeConfig.from_dict(loaded.model.config.to_dict() | {"entity_vocab_size": len(vocabulary) + 3})
    save(LukeForMaskedLM(config), loaded.tokenizer, tmp_path / "padded")
    filler = load_entities(tmp_path / "padded", PredictionSettings(head="entities"), CPU)
    assert len(filler.pool) == len(vocabulary) + 3
    assert filler.pool.nonzero().flatten().tolist() == sorted(vocabulary.id_of(title) for title in ("Oslo", "Paris"))
    inputs = filler.questions.encode([Question("Oslo is in [MASK] .", (0, 4))], [filler.names.id_of("Oslo")])
    (answer,) = answer_questions(
        filler.scorer, inputs, [Wanted(pool=filler.pool)], filler.questions.collate, top=9, batch_size=1, precision="fp32"
    )
    assert sorted(filler.name_of(id) for id, _ in answer.best) == ["Oslo", "Paris"]


def test_an_encoder_without_entities_has_no_entity_head(known_bert: Path) -> None:
    with pytest.raises(CheckpointError, match="found an encoder without entities, expected a LUKE for head=entities"):
        load_entities(known_bert, PredictionSettings(head="entities"), CPU)


def test_a_base_is_for_a_luke(known_bert: Path) -> None:
    with pytest.raises(ConfigurationError, match="--base is for a LUKE in an older format"):
        load_words(known_bert, PredictionSettings(), Execution(device="cpu", base="x"))


def test_words_of_other_models_and_of_a_file(known_bert: Path, tmp_path: Path) -> None:
    make_encoder("roberta", tmp_path, AutoModelForMaskedLM)
    both = load_words(known_bert, PredictionSettings(other_models=[str(tmp_path)]), CPU)
    assert both.allowed is not None and {"oslo", "bank"} <= set(both.allowed) and "zzz" not in both.allowed
    assert both.notes == [f"{len(both.allowed)} allowed words of all 2 models"]
    words = tmp_path / "words.txt"
    words.write_text("Oslo\nBergen\nbank\n")
    listed = load_words(known_bert, PredictionSettings(vocabulary=words), CPU)
    assert listed.notes == ["1 of 3 allowed words are not one token of the model"]
    pool = listed.pool(True)
    assert pool is not None and int(pool.sum()) == 2
    some = load_words(known_bert, PredictionSettings(vocabulary=words, other_models=[str(tmp_path)]), CPU)
    assert some.allowed == ["Oslo", "bank"]
    words.write_text("Bergen\n")
    with pytest.raises(ConfigurationError, match="words.txt: found no word that is one token of the model"):
        load_words(known_bert, PredictionSettings(vocabulary=words), CPU)

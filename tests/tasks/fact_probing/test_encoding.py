"""Questions as tensors: the place of the mask, texts that are too long, and the entities of a LUKE."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from loreweave.corpus.knowledge.relation_templates import Question
from loreweave.encoding import EntityTokenizer
from loreweave.tasks.fact_probing.encoding import EntityQuestions, WordQuestions


def test_the_first_mask_is_asked_for(tiny_bert: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    (found,) = WordQuestions(tokenizer, None).encode([Question("ann lives in [MASK] and [MASK] .")])
    assert tokenizer.convert_ids_to_tokens(found.ids) == [
        "[CLS]", "ann", "lives", "in", "[MASK]", "and", "[MASK]", ".", "[SEP]",
    ]  # fmt: skip
    assert found.position == 4 and found.cut == 0


@pytest.mark.parametrize(("before", "after"), [(20, 0), (0, 20), (10, 10), (18, 3)])
def test_of_a_long_text_the_words_around_the_mask_are_kept(tiny_bert: Path, before: int, after: int) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    text = " ".join(["ann"] * before + ["[MASK]"] + ["bob"] * after)
    (found,) = WordQuestions(tokenizer, 12).encode([Question(text)])
    tokens = tokenizer.convert_ids_to_tokens(found.ids)
    assert len(tokens) == 12 and tokens[0] == "[CLS]" and tokens[-1] == "[SEP]" and tokens[found.position] == "[MASK]"
    assert found.cut == before + after + 3 - 12 and tokens.count("[MASK]") == 1
    assert tokens[1 : found.position] == ["ann"] * (found.position - 1)
    assert tokens[found.position + 1 : -1] == ["bob"] * (10 - found.position)


def test_the_entity_mask_covers_the_mask_tokens_and_the_subject_follows(tiny_luke: Path) -> None:
    tokenizer = EntityTokenizer.from_pretrained(tiny_luke)
    oslo, mask = tokenizer.entity_vocabulary.id_of("Oslo"), tokenizer.entity_vocabulary.mask_id
    questions = EntityQuestions(tokenizer, None, mask_tokens=2)
    before, after, alone = questions.encode(
        [Question("Oslo is in [MASK] .", (0, 4)), Question("[MASK] is in Oslo .", (13, 17)), Question("[MASK] is long .")],
        [oslo, oslo, None],
    )
    assert before is not None and after is not None and alone is not None
    words = tokenizer.word_tokenizer.convert_ids_to_tokens(before.encoded.input_ids)
    assert words == ["[CLS]", "oslo", "is", "in", "[MASK]", "[MASK]", ".", "[SEP]"]
    assert before.encoded.entity_ids == [mask, oslo] and before.encoded.entity_position_ids == [[4, 5], [1]]
    assert after.encoded.entity_ids == [mask, oslo] and after.encoded.entity_position_ids == [[1, 2], [5]]
    assert alone.encoded.entity_ids == [mask] and before.with_subject and not alone.with_subject


def test_a_mask_beyond_the_limit_gives_no_input(tiny_luke: Path) -> None:
    questions = EntityQuestions(EntityTokenizer.from_pretrained(tiny_luke), 8)
    far, near = questions.encode([Question("ann " * 10 + "[MASK]"), Question("[MASK] is" + " long" * 10)], [None, None])
    assert far is None and near is not None and near.cut == 6

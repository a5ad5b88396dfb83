"""P@1, P@10 and MRR as LAMA's evaluation computes them: one sentence at a time, over the columns of a common vocabulary."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from family_cases import make_encoder
from task_jobs import evaluate
from tiny_encoders import WORDS
from transformers import AutoModelForMaskedLM, AutoTokenizer

from loreweave.tasks.registry import load_task

TASK = load_task("fact-probing")
TEMPLATES = {"P19": "[X] was born in [Y] .", "P106": "The job of [X] is [Y] ."}
NAMES = ["Ann", "Bob", "Mia Long", "He", "The River"]
COMMON = [*(word for word in WORDS if word.isalpha() and len(word) > 1), "zz", "Oslo"]


def rows(relation: str) -> list[dict[str, str]]:
    """Each name with five objects; some are no words of the model, some no common words, and some facts are there twice."""
    objects = ["oslo", "paris", "bank", "long river", "ann", "river", "qqq"]
    pairs = [(name, objects[(number + step) % 7]) for number, name in enumerate(NAMES) for step in range(5)]
    return [
        {"uuid": f"{relation}-{number}", "predicate_id": relation, "sub_label": name, "obj_label": object, "sub_uri": name}
        for number, (name, object) in enumerate([*pairs, pairs[0]])
    ]


def lama(folder: Path, relation: str) -> list[float]:
    """The mean of P@1, P@10 and MRR over the distinct facts whose object is one token and a common word."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForMaskedLM.from_pretrained(folder).eval()
    vocabulary = tokenizer.get_vocab()
    columns = [vocabulary[word] for word in COMMON if word in vocabulary]
    facts = dict.fromkeys((row["sub_label"], row["obj_label"]) for row in rows(relation))
    found = []
    for subject, object in facts:
        if object not in COMMON or object not in vocabulary:
            continue
        sentence = TEMPLATES[relation].replace("[X]", subject).replace("[Y]", tokenizer.mask_token)
        inputs = tokenizer(sentence, return_tensors="pt")
        place = inputs["input_ids"][0].tolist().index(tokenizer.mask_token_id)
        with torch.no_grad():
            scores = model(**inputs).logits[0, place].log_softmax(-1)[columns]
        order = scores.argsort(descending=True).tolist()
        rank = 1 + order.index(columns.index(vocabulary[object]))
        found.append([float(rank == 1), float(rank <= 10), 1 / rank])
    return torch.tensor(found).mean(0).tolist()


def test_the_numbers_of_lama(tmp_path: Path) -> None:
    model = make_encoder("bert", tmp_path / "model", AutoModelForMaskedLM)
    data = tmp_path / "data" / "TREx"
    data.mkdir(parents=True)
    for relation in TEMPLATES:
        (data / f"{relation}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows(relation)))
    templates = [{"relation": relation, "template": template, "type": "N-M"} for relation, template in TEMPLATES.items()]
    (data.parent / "relations.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in templates))
    words = tmp_path / "common_vocab.txt"
    words.write_text("\n".join(word for word in COMMON if word != "Oslo"))
    ours, results = evaluate(TASK, model, data, settings=[f"vocabulary={words}", "filtered=false", "bootstrap=0"])
    theirs = {relation: lama(model, relation) for relation in TEMPLATES}
    for row in ours.tables["per_relation"]:
        assert [row["p_at_1"], row["p_at_10"], row["mrr"]] == pytest.approx(theirs[row["relation"]], abs=1e-6)
    assert ours.metrics["macro_p_at_10"] == pytest.approx(sum(found[1] for found in theirs.values()) / 2)
    assert 0 < ours.metrics["p_at_1"] < ours.metrics["p_at_10"] < 1 and results["not_asked"]

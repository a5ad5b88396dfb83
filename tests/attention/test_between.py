import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_attention import made_attention

from loreweave.attention.between import ALL, Mentions, attention_on, mentions_by_group, read_groups
from loreweave.attention.captured import CapturedAttention
from loreweave.attention.summary import SummarySettings, summarise
from loreweave.errors import DataError
from loreweave.metrics.analysis.groups import compare_groups


def named(name: str, seed: int, id: str = "1") -> CapturedAttention:
    """An example whose mention is another name of three letters."""
    return made_attention(seed=seed, id=id, text=f"{name} lives.")


def every(example: CapturedAttention) -> Mentions:
    """All mentions."""
    return mentions_by_group(example, {})[ALL]


def test_attention_on_a_word_by_hand() -> None:
    weights = np.zeros((1, 2, 6, 6), dtype=np.float32)
    weights[..., 0] = 1
    weights[0, :, 5] = [[0.1, 0.4, 0.2, 0.1, 0.1, 0.1], [0, 0.2, 0.6, 0.1, 0.1, 0]]
    weights[0, :, 1] = [[0.5, 0.2, 0.3, 0, 0, 0], [1, 0, 0, 0, 0, 0]]
    example = made_attention(1, 2, weights=weights)
    assert {name: values[0] for name, values in attention_on(example, "LIVES", every(example)).items()} == {
        "entity": pytest.approx(0.4), "mention": pytest.approx(0.15)
    }  # fmt: skip
    assert attention_on(example, "live", every(example)) == {} == attention_on(example, "nurse", every(example))
    twice = replace(
        example, text="Ann   Ann.", queries=replace(example.queries, text=["[CLS]", "Ann", "Ann", ".", "[SEP]", "x"])
    )
    twice = replace(twice, queries=replace(twice.queries, starts=[-1, 0, 6, 9, -1, 0], ends=[-1, 3, 9, 10, -1, 3]))
    assert attention_on(twice, "ann", every(twice))["entity"][0] == pytest.approx((0.4 + 0.2 + 0.2 + 0.6) / 2), (
        "both places are summed"
    )


def test_a_mention_of_a_decoder_does_not_see_the_words_after_it() -> None:
    weights = np.tril(np.ones((1, 1, 6, 6), dtype=np.float32)) / np.arange(1, 7, dtype=np.float32)[:, None]
    decoder = replace(made_attention(1, 1, weights=weights), entities=[])
    assert attention_on(decoder, "lives", every(decoder)) == {}
    later = replace(
        decoder, queries=replace(decoder.queries, classes=["special", "word", "word", "mention", "separator", "word"])
    )
    assert {name: values.item() for name, values in attention_on(later, "lives", every(later)).items()} == {
        "mention": pytest.approx(1 / 4)
    }
    found = summarise([decoder, later], SummarySettings(["between"], keys=["lives"]))
    assert found.not_counted() == ["between.csv leaves out 1 example without 'lives' or a mention that sees it"]


def test_groups_are_those_of_mentions_or_of_the_id() -> None:
    groups = {"ann": "female", "17": "male"}
    ann, bob = named("Ann", 0), named("Bob", 0, id="17")
    assert mentions_by_group(ann, groups) == {"female": every(ann)} and mentions_by_group(named("Bob", 0), groups) == {}
    assert mentions_by_group(bob, groups) == {"male": every(bob)} and list(mentions_by_group(bob, {})) == ["all"]
    bare = replace(made_attention(), entities=[])
    assert mentions_by_group(bare, groups) == {"female": Mentions([], [1])}, "without entities, marked words"


def test_each_mention_counts_for_its_own_group() -> None:
    weights = np.zeros((1, 1, 6, 6), dtype=np.float32)
    weights[..., 0] = 1
    for query, share in ((1, 0.25), (3, 0.5), (5, 0.75)):  # Ann, Oslo and the entity of Ann on "met"
        weights[0, 0, query, [0, 2]] = [1 - share, share]
    both = made_attention(1, 1, weights=weights)
    tokens = replace(
        both.queries, text=["[CLS]", "Ann", "met", "Bob", "[SEP]", "x"], starts=[-1, 0, 4, 8, -1, 0],
        ends=[-1, 3, 7, 11, -1, 3], classes=["special", "mention", "word", "mention", "separator", "entity"],
    )  # fmt: skip
    both = replace(both, text="Ann met Bob", queries=tokens)
    settings = SummarySettings(["between"], keys=["met"], groups={"ann": "female", "bob": "male"})
    values = summarise([both], settings).values["between"]
    assert {place: value.item() for place, (value,) in values.items()} == {
        ("entity", "met", "female"): 0.75, ("mention", "met", "female"): 0.25,
    }, "Bob has no entity here"  # fmt: skip
    values = summarise([replace(both, entities=[])], settings).values["between"]
    assert {place: value.item() for place, (value,) in values.items()} == {
        ("mention", "met", "female"): 0.25, ("mention", "met", "male"): 0.5,
    }  # fmt: skip


def test_groups_are_compared_on_the_mean_over_the_layers(tmp_path: Path) -> None:
    examples = [named(name, seed) for seed, name in enumerate(["Ann", "Eva", "Bob", "Ann", "Bob", "Tom"])]
    examples.append(made_attention(text="Zoe walks."))
    settings = SummarySettings(
        ["between"], keys=["lives"], groups={"ann": "female", "eva": "female", "bob": "male", "zoe": "female"}
    )
    found = summarise(examples, settings)
    assert found.left_out == {"in no group": 1, "without 'lives' or a mention that sees it": 1}
    names = found.write(tmp_path / "tables")
    assert names == ["between.csv", "between.png", "between.svg", "between_tests.csv"]
    with (tmp_path / "tables" / "between_tests.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["query"]: row for row in csv.DictReader(file)}
    values = [example.weights[:, :, 5, 2].mean(axis=(0, 1)) for example in examples]
    female, male = [values[0], values[1], values[3]], [values[2], values[4]]
    expected = compare_groups(female, male)
    row = rows["entity"]
    assert (row["first"], row["second"], row["values_first"], row["values_second"]) == ("female", "male", "3", "2")
    assert float(row["difference"]) == pytest.approx(np.mean(female) - np.mean(male), abs=1e-6)
    assert float(row["p"]) == pytest.approx(expected.permutation_p, abs=1e-6)
    assert expected.cohens_d is not None and float(row["cohens_d"]) == pytest.approx(expected.cohens_d.value, abs=1e-6)
    smaller, larger = sorted((float(rows[query]["p"]), float(rows[query]["p_holm"])) for query in rows)
    assert smaller[1] == pytest.approx(min(1, 2 * smaller[0]), abs=1e-5) and larger[1] >= smaller[1]


def test_without_groups_there_is_a_table_and_no_test(tmp_path: Path) -> None:
    found = summarise([named("Ann", 0), named("Bob", 1)], SummarySettings(["between"], keys=["lives"]))
    assert found.write(tmp_path / "tables") == ["between.csv", "between.png", "between.svg"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "found no groups, expected groups of names"),
        ({"female": "Ann"}, "field 'female': found 'Ann', expected groups of names"),
        ({"female": ["Ann", " "]}, "field 'female'"),
        ({"female": ["Ann"], "male": ["Bob", "ANN"]}, "field 'male': found 'ANN' here and in 'female', expected it once"),
    ],
)
def test_wrong_groups_are_named(content: object, said: str, tmp_path: Path) -> None:
    path = tmp_path / "groups.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DataError, match=said) as caught:
        read_groups(path)
    assert "groups.json" in str(caught.value)

"""Tags to spans and back, against the definitions of conlleval and seqeval."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.corpus.column_formats.tag_schemes import (
    TokenSpan,
    WrittenScheme,
    find_scheme,
    legacy_spans,
    schemes_of,
    spans_of_tags,
    tags_of_spans,
)
from loreweave.errors import DataError

SEQEVAL: Any = None
if find_spec("seqeval") is not None:
    SEQEVAL = import_module("seqeval.metrics.sequence_labeling")
WITH_SEQEVAL = pytest.mark.skipif(
    SEQEVAL is None, reason="seqeval is not installed (pip install seqeval==1.2.2: a peer without wheels, in no extra)"
)

PREFIXED = st.lists(st.sampled_from(["O", *(f"{prefix}-{label}" for prefix in "BIES" for label in ("PER", "LOC", "a-b"))]))
BARE = st.lists(st.sampled_from(["O", "location-other", "organization-other", "location-GPE", "person", "Building-x-other"]))
SPANS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from(["PER", "LOC"])))


def by_runs(tags: list[str]) -> list[TokenSpan]:
    """The same rule told another way: runs of one type, cut after E and S and before B and S."""
    spans, place = [], 0
    for label, run in groupby(tags, key=lambda tag: tag[2:]):
        prefixes = [tag[0] for tag in run]
        cuts = [i for i in range(1, len(prefixes)) if prefixes[i - 1] in "ES" or prefixes[i] in "BS"]
        if label:
            bounds = [0, *cuts, len(prefixes)]
            spans += [TokenSpan(place + a, place + b, label) for a, b in zip(bounds, bounds[1:], strict=False)]
        place += len(prefixes)
    return spans


@given(PREFIXED)
def test_spans_are_runs_of_one_type_cut_at_their_prefixes(tags: list[str]) -> None:
    assert spans_of_tags(tags) == by_runs(tags)


@WITH_SEQEVAL
@given(st.one_of(PREFIXED, BARE))
def test_the_legacy_mode_is_that_of_seqeval(tags: list[str]) -> None:
    assert [(span.label, span.start, span.end - 1) for span in legacy_spans(tags)] == SEQEVAL.get_entities(tags)


@given(st.lists(st.sampled_from(["O", "location-other", "organization-other", "location-GPE", "art-x-other"])))
def test_bare_labels_are_runs_of_what_follows_the_first_hyphen(tags: list[str]) -> None:
    cut = [tag if tag == "O" else "I-" + tag.split("-", 1)[1] for tag in tags]
    assert legacy_spans(tags) == by_runs(cut)


@given(PREFIXED)
def test_with_prefixes_the_legacy_mode_differs_only_in_hyphens_of_types(tags: list[str]) -> None:
    plain = [tag.replace("a-b", "ab") for tag in tags]
    assert legacy_spans(plain) == spans_of_tags(plain)


def test_the_legacy_type_is_what_follows_the_first_hyphen() -> None:
    touching = ["location-other", "organization-other", "O", "person"]
    assert legacy_spans(touching) == [TokenSpan(0, 2, "other"), TokenSpan(3, 4, "erson")]
    assert spans_of_tags(touching, "io") == [
        TokenSpan(0, 1, "location-other"), TokenSpan(1, 2, "organization-other"), TokenSpan(3, 4, "person"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("I-PER I-PER B-PER O I-LOC", [(0, 2, "PER"), (2, 3, "PER"), (4, 5, "LOC")]),  # IOB1
        ("B-PER I-PER B-PER O B-LOC", [(0, 2, "PER"), (2, 3, "PER"), (4, 5, "LOC")]),  # IOB2
        ("B-PER E-PER S-PER O S-LOC", [(0, 2, "PER"), (2, 3, "PER"), (4, 5, "LOC")]),  # BIOES
        ("B-PER L-PER U-PER O U-LOC", [(0, 2, "PER"), (2, 3, "PER"), (4, 5, "LOC")]),  # BILOU
        ("B I O B", [(0, 2, "_"), (3, 4, "_")]),
        ("", []),
    ],
)
def test_every_scheme_with_prefixes(tags: str, spans: list[tuple[int, int, str]]) -> None:
    assert spans_of_tags(tags.split()) == spans


@given(SPANS, st.sampled_from(["iob1", "iob2", "bioes"]))
def test_tags_of_spans_give_the_spans_back(parts: list[tuple[int, int, str]], scheme: WrittenScheme) -> None:
    spans, place = [], 0
    for gap, length, label in parts:
        spans.append(TokenSpan(place + gap, place + gap + length, label))
        place += gap + length
    assert spans_of_tags(tags_of_spans(spans, place + 1, scheme)) == spans


def test_bare_labels_join_touching_spans() -> None:
    spans = [TokenSpan(0, 1, "PER"), TokenSpan(1, 2, "PER"), TokenSpan(2, 3, "LOC")]
    assert tags_of_spans(spans, 4, "io") == ["PER", "PER", "LOC", "O"]
    assert spans_of_tags(["PER", "PER", "LOC", "O"], "io") == [TokenSpan(0, 2, "PER"), TokenSpan(2, 3, "LOC")]


def test_the_scheme_is_found_and_a_mixture_refused() -> None:
    assert find_scheme(["O", "B-PER", "I-PER"]) == "prefixed" and find_scheme(["O", "person-actor"]) == "io"
    assert find_scheme(["O", "Building"]) == "io"
    with pytest.raises(DataError, match="found the tags 'B-PER' and 'person', expected all with a prefix"):
        find_scheme(["B-PER", "person"])
    with pytest.raises(DataError, match="found the tag 'person'"):
        spans_of_tags(["person"])


def test_spans_that_overlap_have_no_tags() -> None:
    with pytest.raises(ValueError, match="in 3 tokens"):
        tags_of_spans([TokenSpan(0, 2, "a"), TokenSpan(1, 3, "a")], 3)


@given(SPANS, st.sampled_from(["iob1", "iob2", "bioes"]))
def test_tags_fit_the_scheme_that_wrote_them(pieces: list[tuple[int, int, str]], scheme: WrittenScheme) -> None:
    spans, end = [], 0
    for gap, length, label in pieces:
        spans.append(TokenSpan(end + gap, end + gap + length, label))
        end += gap + length
    tags = tags_of_spans(spans, end, scheme)
    assert scheme in schemes_of(tags) and spans_of_tags(tags) == spans


def test_schemes_that_tags_fit() -> None:
    assert schemes_of(["B-PER", "I-PER"]) == {"iob2"}
    assert schemes_of(["I-PER", "B-PER"]) == {"iob1"}
    assert schemes_of(["B-PER", "L-PER", "O", "U-LOC"]) == {"bilou"}
    assert schemes_of(["B-PER", "E-PER", "O", "S-LOC"]) == {"bioes"}
    assert schemes_of(["B-PER", "L-PER", "O", "S-LOC"]) == set()
    assert schemes_of(["S-PER", "B-LOC"]) == schemes_of(["O", "I-PER", "S-LOC"]) == set()
    assert schemes_of(["B", "I", "O"]) == {"iob2"}
    assert schemes_of(["PER", "O"]) == {"io"}
    assert schemes_of(["O"]) == {"iob1", "iob2", "bioes", "bilou"}

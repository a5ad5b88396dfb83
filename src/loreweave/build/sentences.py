"""Sentence boundaries as character spans: nupunkt for English, punctuation rules for other languages."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import accumulate

from loreweave.corpus.files.rows import Span, trimmed

# Full stops of scripts without spaces after them.
_UNSPACED_STOPS = "。！？｡．︒"
# Stops that need white space after them: Latin and related scripts, Arabic, Urdu, Indic, Ethiopic, Burmese, Armenian.
_SPACED_STOPS = ".!?…؟۔।॥።፧၊။។׃։"
_CLOSING = "\"'”’“‘»›)\\]}」』）】〉》］"
_BOUNDARY = re.compile(rf"[{_UNSPACED_STOPS}]+[{_CLOSING}]*\s*|[{_SPACED_STOPS}]+[{_CLOSING}]*\s+")
_LAST_WORD = re.compile(r"[^\s(\[{\"'’“‘«„]+$")

# Words that end in a full stop in the middle of a sentence, by language; compared without case.
_ABBREVIATIONS = {
    "de": "bzw ca dr etc evtl geb gest ggf hl hrsg inkl jh mio mrd nr prof sog st str u.a usw vgl z.b d.h v.chr n.chr",
    "es": "av dr dra etc ej gral núm p.ej pág prof sr sra srta sta sto ud uds",
    "fr": "art av cf dr éd etc ex m mm mme mlle n° p.ex st ste vol",
    "it": "art avv cfr dott ecc es ing on pag prof sig sig.ra ss vol",
    "nl": "b.v blz bv ca dhr dr drs enz etc evt ir jhr mevr mr nl nr o.a prof st vgl",
    "pl": "dr godz im inż itd itp m.in mgr np nr ok pl prof św tj tys ul ur wg",
    "pt": "av d dr dra etc ex pág prof profa sr sra sto vol",
    "ru": "г гг и.о им н.э обл проф ред св см стр т т.д т.е т.к т.н т.п тыс ул",
}
# "3. Oktober": a short number before a full stop is an ordinal.
_ORDINAL_LANGUAGES = frozenset(["cs", "da", "de", "et", "fi", "hr", "hu", "lv", "nb", "nn", "no", "pl", "sk", "sl", "sr", "tr"])


def split_sentences(text: str, language: str | None = None, mentions: Iterable[Span] = ()) -> list[Span]:
    """Spans of the sentences of a paragraph, in order, without surrounding white space.

    English (`en`, `en-...`, `simple`) is split by nupunkt (Punkt with trained abbreviations), every other language by
    punctuation. A boundary inside a mention is ignored.

    Args:
        text: one paragraph.
        language: code of the language; None for the rules without abbreviations.
        mentions: character spans that must stay whole.
    """
    code = (language or "").lower().replace("_", "-").partition("-")[0]
    ends = _english_ends(text) if code in ("en", "simple") else _rule_ends(text, code)
    spans, start = [], 0
    for end in _outside(ends, mentions):
        span = trimmed(text, start, end)
        if span[0] < span[1]:
            spans.append(span)
        start = end
    span = trimmed(text, start, len(text))
    return [*spans, span] if span[0] < span[1] else spans


def _outside(ends: Sequence[int], mentions: Iterable[Span]) -> list[int]:
    """Boundaries outside all mentions: no mention that starts before one ends after it."""
    inner = sorted(mentions)
    starts = [start for start, _ in inner]
    furthest = [0, *accumulate((end for _, end in inner), max)]  # end of the first i mentions
    return [cut for cut in ends if furthest[bisect_left(starts, cut)] <= cut]


@lru_cache(maxsize=1)
def _nupunkt_spans() -> Callable[[str], list[Span]]:
    from nupunkt import sent_spans  # reads its model

    return sent_spans


def _english_ends(text: str) -> list[int]:
    return [end for _, end in _nupunkt_spans()(text)]


def _rule_ends(text: str, language: str) -> list[int]:
    abbreviations = frozenset(_ABBREVIATIONS.get(language, "").split())
    ends = []
    for match in _BOUNDARY.finditer(text):
        if match.end() == len(text):
            break
        if match[0][0] in _UNSPACED_STOPS or _ends_sentence(text, match, abbreviations, language):
            ends.append(match.end())
    return ends


def _ends_sentence(text: str, match: re.Match[str], abbreviations: frozenset[str], language: str) -> bool:
    """Whether a stop that is followed by white space ends its sentence."""
    if text[match.end()].islower():
        return False
    if not match[0].startswith(".") or match[0].startswith(".."):
        return True
    word = _LAST_WORD.search(text, max(0, match.start() - 40), match.start())
    if word is None:
        return True
    initial = len(word[0]) == 1 and word[0].isupper()
    ordinal = language in _ORDINAL_LANGUAGES and word[0].isdecimal() and len(word[0]) <= 2
    return not (initial or ordinal or word[0].lower() in abbreviations)

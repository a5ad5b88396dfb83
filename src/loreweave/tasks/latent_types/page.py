"""Page of a corpus by its latent types: one HTML file without scripts or external files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.tasks.latent_types.analysis import MIN_COUNT
from loreweave.tasks.latent_types.picture import legend

Numbers = Mapping[str, Any]

_STYLE = """
:root { --line: #dfe3e8; --soft: #f5f7f9; --dim: #5c6670; --ink: #1b2126; --blue: #1f6fb4; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 28px 24px 60px; color: var(--ink); background: #fff;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 38px 0 8px; } h3 { font-size: 15px; margin: 18px 0 6px; }
p { margin: 6px 0 10px; max-width: 78ch; } .dim { color: var(--dim); } code { font-size: 13px; overflow-wrap: anywhere; }
.cards { display: flex; flex-wrap: wrap; gap: 10px; margin: 18px 0 0; }
.card { border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; min-width: 128px; }
.card b { display: block; font-size: 22px; line-height: 1.25; } .card span { color: var(--dim); font-size: 13px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 10px; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; font-size: 13px; color: var(--dim); } td.n, th.n { text-align: right; white-space: nowrap; }
.heat td, .heat th { padding: 2px 7px; font-size: 13px; text-align: right; white-space: nowrap; }
.heat td:first-child { text-align: left; } .selected td { font-weight: 600; background: var(--soft); }
.heat th { position: sticky; top: 0; background: #fff; }
.low { max-height: 560px; overflow: auto; border-bottom: 1px solid var(--line); }
.bar { position: relative; display: inline-block; width: 70px; height: 9px; background: var(--soft); margin-left: 8px; }
.bar i { position: absolute; inset: 0 auto 0 0; background: var(--blue); }
.types td { font-size: 14px; } .types span, .share { white-space: nowrap; } .types td:first-child { font-weight: 600; }
small { color: var(--dim); font-size: 12px; } .contexts { margin: 4px 0; padding-left: 16px; } mark { background: #ffe8a3; }
details summary { cursor: pointer; color: var(--blue); font-size: 13px; }
svg { width: 100%; height: auto; display: block; overflow: visible; } svg text { font: 13px sans-serif; fill: var(--dim); }
.frame { fill: none; stroke: var(--line); } .dots { fill: none; stroke-width: 3.4; stroke-linecap: round; stroke-opacity: .8; }
.legend { display: flex; flex-wrap: wrap; gap: 3px 18px; margin: 8px 0; padding: 0; list-style: none; font-size: 13px; }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 50%; margin-right: 6px; }
@media print { details { display: none; } .low { max-height: none; } }
"""


def page(numbers: Numbers, picture: str | None, names: Mapping[int, str]) -> str:
    """The whole page.

    Args:
        numbers: results of `analysis.analyse`, with `model` and `files`.
        picture: SVG, if there is one.
        names: names of the types that have a colour in it.
    """
    sections = [
        _head(numbers),
        _cards(numbers),
        _usage(numbers["usage"]),
        _rebuilding(numbers["reconstruction"]),
        _picture(numbers, picture, names),
        _gold(numbers, "labels", "Gold labels of mentions", "label"),
        _gold(numbers, "parts_of_speech", "Gold parts of speech", "part of speech"),
        _types(numbers["types"]),
        _method(numbers),
    ]
    title = "Latent types of a corpus"
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n" + "\n".join(filter(None, sections)) + "\n</body>\n</html>\n"
    )


def _head(numbers: Numbers) -> str:
    files = ", ".join(f"<code>{escape(str(file))}</code>" for file in numbers.get("files", []))
    return (
        "<h1>Latent types of a corpus</h1>\n"
        f'<p class="dim">Model <code>{escape(str(numbers.get("model", "")))}</code> over {files or "the sentences given"}: '
        f"{counted(numbers['texts'], 'text')}, {counted(numbers['words'], 'word')}, "
        f"{counted(numbers['usage']['sub_words']['sub_words'], 'sub-word')}.</p>"
    )


def _cards(numbers: Numbers) -> str:
    use, rebuilt = numbers["usage"]["sub_words"], numbers["reconstruction"]
    cards = [(_percent(use["share_selected"]), "of sub-words selected")]
    cards += [(f"{use['types_in_use']} of {len(numbers['types']) - 1}", "types in use")]
    for key, name in (("labels", "labels"), ("parts_of_speech", "parts of speech")):
        scores = numbers[key]["agreement"]["all"] if key in numbers else None
        cards += [(f"{scores['nmi']:.3f}", f"NMI with {name}")] if scores else []
    cards += [(_percent(rebuilt["token_accuracy"]), "of sub-words rebuilt in place")] if rebuilt else []
    shown = "".join(f'<div class="card"><b>{value}</b><span>{name}</span></div>' for value, name in cards)
    return f'<div class="cards">{shown}</div>'


def _usage(usage: Numbers) -> str:
    shown = [
        ("sub-words", "sub_words", _count),
        ("selected (a type other than 0)", "selected", _count),
        ("share selected", "share_selected", _percent),
        ("mean probability of type 0", "soft_unselected", _decimal),
        ("types in use", "types_in_use", _count),
        ("perplexity of the types, hard", "hard_perplexity", _two),
        ("perplexity of the types, soft", "soft_perplexity", _two),
    ]
    rows = [[name, form(usage["sub_words"][key]), form(usage["with_special_tokens"][key])] for name, key, form in shown]
    return (
        "<h2>How the types are used</h2>\n"
        "<p>Type 0 means not selected. The perplexity is the number of types, with type 0, that would give this spread if all "
        "were equally frequent: hard by the type of each sub-word, soft by the mean of the probabilities.</p>\n"
        + _table(["", "text", "with start and end tokens"], rows, numeric={1, 2})
    )


def _rebuilding(rebuilt: Numbers | None) -> str:
    if rebuilt is None:
        return "<h2>Sentences rebuilt</h2>\n<p>Not requested.</p>"
    rows = [
        ["sub-words equal at the same place, rebuilt greedily", _percent(rebuilt["token_accuracy"])],
        ["texts rebuilt without a mistake", _percent(rebuilt["exact_match"])],
        ["next sub-word right, given those before it", _percent(rebuilt["next_accuracy"])],
        ["perplexity of the next sub-word", _two(rebuilt["perplexity"])],
    ]
    return (
        "<h2>Sentences rebuilt</h2>\n"
        "<p>The decoder reads the states of the selected sub-words, each times the vector of its type (the others are zero), "
        f"and the words generated before. {counted(rebuilt['texts'], 'text')}, "
        f"{counted(rebuilt['sub_words'], 'sub-word')} without start and "
        "end tokens. In the first row, one word too many or too few shifts all following words.</p>\n"
        + _table(["", ""], rows, numeric={1})
    )


def _picture(numbers: Numbers, picture: str | None, names: Mapping[int, str]) -> str:
    if picture is None:
        return ""
    items = "".join(f'<li><i style="background:{colour}"></i>{escape(name)}</li>' for colour, name in legend(names))
    return (
        f"<h2>States by type</h2>\n<p>{numbers['picture']['sub_words']:,} sub-words drawn at random, without start and end "
        "tokens, by the encoder's last states. A type is named by its most characteristic words.</p>\n"
        f'{picture}\n<ul class="legend">{items}</ul>'
    )


def _gold(numbers: Numbers, key: str, title: str, one: str) -> str:
    if key not in numbers:
        return f"<h2>{title}</h2>\n<p>The files have none.</p>"
    gold = numbers[key]
    columns = [("all words that have one", gold["agreement"]["all"]), ("those selected", gold["agreement"]["selected"])]
    shown = [
        ("words", "items", _count),
        ("normalised mutual information (= V-measure)", "nmi", _decimal),
        ("adjusted mutual information (0 by chance)", "adjusted_mi", _decimal),
        (f"homogeneity (a type has one {one})", "homogeneity", _decimal),
        (f"completeness (a {one} has one type)", "completeness", _decimal),
        ("purity", "purity", _decimal),
        ("purity of a single type for all", "majority", _decimal),
    ]
    rows = [[name, *(form(scores[value]) if scores else "-" for _, scores in columns)] for name, value, form in shown]
    scores = _table(["", *(name for name, _ in columns)], rows, numeric={1, 2})
    heading = f"Of 100 words of a type, how many have which {one}; and how many words of each are selected"
    return f"<h2>{title}</h2>\n{scores}\n<h3>{heading}</h3>\n{_heat(gold)}"


def _heat(gold: Numbers) -> str:
    table, shares = gold["contingency"], gold["share_selected"]
    classes = table["classes"]
    head = "".join(f"<th>{escape(name)}</th>" for name in classes)
    selected = "".join(f"<td>{_percent(shares[name])}</td>" for name in classes)
    body = [f'<tr class="selected"><td>selected</td><td></td>{selected}</tr>']
    for kind, words in zip(table["types"], table["words"], strict=True):
        total = sum(words)
        cells = (_heat_cell(count / total if total else 0.0, count) for count in words)
        body.append(f"<tr><td>{kind}</td><td>{total:,}</td>{''.join(cells)}</tr>")
    rows = f"<tr><th>type</th><th>words</th>{head}</tr>{''.join(body)}"
    return f'<div class="scroll low"><table class="heat">{rows}</table></div>'


def _heat_cell(share: float, count: int) -> str:
    text = f"{100 * share:.0f}" if share >= 0.005 else ""
    words = counted(count, "word")
    return f'<td style="background:rgba(31,111,180,{0.75 * share:.2f})" title="{words}">{text}</td>'


def _types(rows: Sequence[Numbers]) -> str:
    used = [row for row in rows if row["sub_words"]]
    unused = [str(row["type"]) for row in rows if not row["sub_words"]]
    most = max((row["share"] for row in used if row["type"]), default=1.0)
    gold = [(key, name) for key, name in (("labels", "labels"), ("parts_of_speech", "parts of speech")) if key in rows[0]]
    head = ["type", "share of sub-words", "characteristic words", "most frequent words", *(name for _, name in gold)]
    body = "".join(_type_row(row, most, [key for key, _ in gold]) for row in used)
    cells = "".join(f"<th>{name}</th>" for name in head)
    more = f'<p class="dim">Not in use here: {", ".join(unused)}.</p>' if unused else ""
    return (
        "<h2>The types</h2>\n<p>Characteristic words: by pointwise mutual information of word and type, of words that it has "
        f"{MIN_COUNT} times or more; the number is the count.</p>\n"
        f'<div class="scroll"><table class="types"><tr>{cells}</tr>{body}</table></div>{more}'
    )


def _type_row(row: Numbers, most: float, gold: Sequence[str]) -> str:
    own = _listed((item["word"], item["count"]) for item in row["pmi_words"])
    common = _listed((item["word"], item["count"]) for item in row["top_words"])
    if not row["top_words"] and row["top_sub_words"]:
        common = f"parts of words: {_listed((item['sub_word'], item['count']) for item in row['top_sub_words'])}"
    bar = _percent(row["share"])
    if row["type"]:
        bar += f'<span class="bar"><i style="width:{100 * row["share"] / most:.1f}%"></i></span>'
    shares = "".join(f"<td>{_shares(row[key])}</td>" for key in gold)
    name = "0<br><small>not selected</small>" if row["type"] == 0 else str(row["type"])
    return f'<tr><td>{name}</td><td class="share">{bar}</td><td>{own}{_more(row)}</td><td>{common}</td>{shares}</tr>'


def _more(row: Numbers) -> str:
    """Examples and neighbours, in a collapsed section."""
    examples = "".join(
        f"<li>{escape(one['before'])}<mark>{escape(one['word'])}</mark>{escape(one['after'])}</li>" for one in row["contexts"]
    )
    parts = [f'<ul class="contexts">{examples}</ul>'] if examples else []
    if near := row.get("nearest_words"):
        parts.append(f"<div>words near its vector: {_listed((item['word'], round(item['cosine'], 2)) for item in near)}</div>")
    if near := row.get("nearest_types"):
        parts.append(f"<div>types near it: {_listed((str(item['type']), round(item['cosine'], 2)) for item in near)}</div>")
    return f"<details><summary>examples and neighbours</summary>{''.join(parts)}</details>" if parts else ""


def _method(numbers: Numbers) -> str:
    settings = numbers["settings"]
    points = [
        "A sub-word is selected if the logit of a type other than 0 is above 0; its type has the largest logit.",
        "A word is a token of the file if the file has tokens, otherwise a run of letters and digits or any single character. "
        "Its type is that of the sub-word with its first character, and it is counted in lower case.",
        "The label of a word is that of the shortest mention with its first character; words outside all mentions are "
        "“outside”, which is shown but not part of the agreement.",
        "In the agreement, type 0 is a type like the others; “those selected” excludes its words.",
        "Neighbours are by the cosine of type vectors, and of type vector and the encoder's word table. A type vector "
        "multiplies a state element by element, so these words show what it resembles, not what it means.",
        "Examples are drawn uniformly from all words of a type.",
        f"t-SNE uses the first 50 principal components, perplexity 30. Seed {settings['seed']}; at most "
        f"{settings['max_length']} sub-words of a text are read.",
    ]
    left = [f"{escape(reason)}: {count:,}" for reason, count in numbers["left_out"].items()]
    left_out = f"<h3>Left out or special</h3>\n{_bullets(left)}" if left else "<p>Nothing was left out.</p>"
    return f"<h2>How this was counted</h2>\n{_bullets(points)}\n{left_out}"


def _bullets(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numeric: set[int]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        places = (f'<{tag} class="n">' if place in numeric else f"<{tag}>" for place in range(len(cells)))
        return f"<tr>{''.join(f'{start}{cell}</{tag}>' for start, cell in zip(places, cells, strict=True))}</tr>"

    return f"<table>{line(head, 'th') if any(head) else ''}{''.join(line(row, 'td') for row in rows)}</table>"


def _listed(items: Iterable[tuple[str, float]]) -> str:
    return ", ".join(f"<span>{escape(word)} <small>{value:,}</small></span>" for word, value in items) or "–"


def _shares(counts: Mapping[str, int], top: int = 3) -> str:
    total = sum(counts.values())
    first = list(counts.items())[:top]
    return "<br>".join(f"<span>{escape(name)} <small>{count / total:.0%}</small></span>" for name, count in first) or "–"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _decimal(value: float) -> str:
    return f"{value:.3f}"


def _two(value: float) -> str:
    return f"{value:,.2f}"


def _count(value: float) -> str:
    return f"{value:,}"

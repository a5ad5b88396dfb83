"""The demo's results as one HTML page, without scripts or external files."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from loreweave.miniworld.demo_result import ATTENTION_PAGE, DemoResult
from loreweave.miniworld.sentence_reading import ReadSentence

_COLOURS = ("#ffe1b3", "#cfe8ff", "#d8f2d0", "#f6d3e6", "#e3dcff", "#fff3b0")

_STYLE = """
body { margin: 0 auto; max-width: 860px; padding: 32px 24px 60px; color: #1b2126; background: #fff;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 27px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 36px 0 8px; } .dim { color: #5c6670; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: 5px 12px 5px 0; border-bottom: 1px solid #dfe3e8; text-align: left; vertical-align: top; }
th { font-size: 13px; color: #5c6670; } td.n, th.n { text-align: right; white-space: nowrap; width: 5em; }
.bar { position: relative; display: block; height: 9px; min-width: 120px; background: #f0f2f4; margin-top: 8px; }
.bar i { position: absolute; inset: 0 auto 0 0; background: #1f6fb4; }
.bar b { position: absolute; top: -3px; bottom: -3px; width: 2px; background: #1b2126; }
mark { border-radius: 5px; padding: 2px 5px; color: inherit; } mark small { color: #5c6670; padding-left: 4px; }
.sentence { margin: 14px 0 2px; } .relation { margin: 0 0 0 18px; color: #5c6670; }
.right { color: #14713a; } .wrong { color: #a5371f; }
pre { background: #f5f7f9; border-radius: 8px; padding: 12px 14px; overflow-x: auto; font-size: 13px; }
"""


def page(result: DemoResult) -> str:
    """The whole page."""
    parts = [_head(result), _measured(result), _answers(result), _sentences(result), _commands(result.commands)]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>loreweave demo</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n" + "\n".join(parts) + "\n</body>\n</html>\n"
    )


def _head(result: DemoResult) -> str:
    return (
        "<h1>What MiniLM learned in the demo</h1>\n"
        f'<p class="dim">{result.seconds:.0f} seconds on this machine. MiniLM, an encoder of words, became a LUKE, an encoder '
        "of words and entities. Its training data are pages with links to entities, and a graph of the same entities.</p>"
    )


def _measured(result: DemoResult) -> str:
    rows = "\n".join(
        f'<tr><td>{escape(what)}</td><td class="n">{before:.3f}</td><td class="n">{after:.3f}</td>'
        f'<td><span class="bar"><i style="width:{after:.1%}"></i><b style="left:{before:.1%}"></b></span></td></tr>'
        for what, before, after in result.rows
    )
    return (
        "<h2>Before and after</h2>\n<p>Measured on pages, facts and entities that are not in the training data. "
        "The line in a bar is the number before.</p>\n"
        f'<table><tr><th>measured</th><th class="n">before</th><th class="n">after</th><th></th></tr>\n{rows}</table>'
    )


def _answers(result: DemoResult) -> str:
    rows = "\n".join(
        f"<tr><td>{escape(answer.head)}, {escape(answer.relation)}?</td><td>{escape(answer.before)}</td>"
        f'<td class="{"right" if answer.right else "wrong"}">{escape(answer.after)}</td></tr>'
        for answer in result.answers
    )
    right = sum(answer.right for answer in result.answers)
    return (
        "<h2>Facts that are not in the training data</h2>\n"
        f"<p>The top-ranked entity by the texts only; {right} of {len(result.answers)} are right after training.</p>\n"
        f"<table><tr><th>question</th><th>before</th><th>after</th></tr>\n{rows}</table>"
    )


def _sentences(result: DemoResult) -> str:
    scores = ", ".join(f"{escape(task)} {value:.3f}" for task, value in result.tests.items())
    shown = "\n".join(_sentence(sentence, _colours(result.sentences)) for sentence in result.sentences)
    return (
        "<h2>Names, entities and relations in new sentences</h2>\n"
        f'<p class="dim">The entity follows the type if its label is not the name itself. Scores on the test files (micro F1; '
        f"accuracy of entity linking): {scores}.</p>\n{shown}\n"
        f'<p><a href="{ATTENTION_PAGE}">Where the words and entities of the first sentence look</a></p>'
    )


def _colours(sentences: Iterable[ReadSentence]) -> dict[str, str]:
    """A colour for each type of name, in the order of their appearance."""
    labels = dict.fromkeys(name.label for sentence in sentences for name in sentence.names)
    return {label: _COLOURS[number % len(_COLOURS)] for number, label in enumerate(labels)}


def _sentence(sentence: ReadSentence, colours: dict[str, str]) -> str:
    text = "".join(
        escape(part)
        if name is None
        else f'<mark style="background:{colours[name.label]}">{escape(part)}<small>{escape(name.described())}</small></mark>'
        for part, name in sentence.parts()
    )
    relations = "".join(
        f'\n<p class="relation">{escape(each.head)} &rarr; {escape(each.label)} &rarr; {escape(each.tail)} '
        f"({each.probability:.2f})</p>"
        for each in sentence.relations
    )
    return f'<p class="sentence">{text}</p>{relations}'


def _commands(commands: Iterable[str]) -> str:
    return f"<h2>Commands for the same steps</h2>\n<pre>{escape(chr(10).join(commands))}</pre>"

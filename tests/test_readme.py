"""What the documents show works: every `loreweave` and `make` line parses, and blocks after `<!-- run -->` run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from loreweave.cli.main import COMMANDS, load_command
from loreweave.training.settings.recipes import recipe_names

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
RESULTS = sorted((ROOT / "benchmarks").glob("*.md"))
PAGES = [*DOCUMENTS, ROOT / "CHANGELOG.md", *RESULTS]
LONGEST_LINE = 120
BLOCK = re.compile(
    r"(?P<mark><!-- run -->\n)?^```bash\n(?P<code>.*?)^```$"
    r"(?:\n+^```python\n(?P<python>.*?)^```$)?"
    r"(?:\n+<!-- output -->\n```text\n(?P<output>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
TOLERANCE = 0.05
"""Tolerance of shown numbers: the same training gives slightly different results on another processor."""


class Block(NamedTuple):
    """Commands of a document, whether they are marked to run, the Python that follows, and what both are said to print."""

    document: str
    code: str
    runs: bool
    python: str
    output: str


def blocks() -> Iterator[Block]:
    """Every block of commands."""
    for path in DOCUMENTS:
        for match in BLOCK.finditer(path.read_text(encoding="utf-8")):
            runs = match["mark"] is not None
            yield Block(path.name, match["code"], runs, (match["python"] or "") if runs else "", match["output"] or "")


def shown(program: str) -> list[str]:
    """Every use of a program in the bash blocks, one line each, from its name to the end of the command."""
    found = []
    for block in blocks():
        for line in block.code.replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>")
            lexer.whitespace_split = True
            words: list[str] = []
            for word in [*lexer, ";"]:
                if set(word) <= set("|;&<>"):
                    if words[:1] == [program]:
                        found.append(shlex.join(words))
                    words = []
                else:
                    words.append(word)
    return found


def parse(command: Any, name: str, arguments: list[str]) -> Any:
    """Let the command line read the arguments, without running the command."""
    context = command.make_context(name, list(arguments))
    if hasattr(command, "commands"):  # a command with commands of its own
        rest = [*context._protected_args, *context.args]
        sub_name, sub_command, sub_arguments = command.resolve_command(context, rest)
        return parse(sub_command, sub_name, sub_arguments)
    return context


@pytest.mark.parametrize("line", shown("loreweave"))
def test_every_shown_command_line_parses(line: str) -> None:
    _, name, *arguments = shlex.split(line)
    assert name in COMMANDS
    context = parse(load_command(name), name, arguments)
    recipe = context.params.get("recipe") or (context.params.get("name") if name == "recipes" else None)
    models = {known.partition("/")[0] for known in recipe_names()} if name == "recipes" else set()
    assert recipe is None or recipe in recipe_names() or recipe in models or recipe.endswith(".yaml")


def test_the_documents_show_command_lines() -> None:
    assert {shlex.split(line)[1] for line in shown("loreweave")} >= {
        "finetune",
        "evaluate",
        "predict",
        "pretrain",
        "recipes",
    }


@pytest.mark.parametrize("line", shown("make"))
def test_every_shown_make_target_exists(line: str) -> None:
    targets = {match for match in re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)}
    assert {word for word in shlex.split(line)[1:] if "=" not in word} <= targets


def test_a_page_names_every_recipe() -> None:
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    for name in recipe_names():
        model, job = name.split("/")
        assert model in text and job in text, name


def links(path: Path) -> list[tuple[str, str]]:
    """File and heading of every link of a page that stays in the repository, `[a](b.md#c)` and `[a]: b.md`."""
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^\[[^\]]+\]: (\S+)$", text, re.MULTILINE)
    return [(file, heading) for file, _, heading in (target.partition("#") for target in targets) if ":" not in file]


def headings(path: Path) -> set[str]:
    """Anchors of a page in the form of links: lower case, hyphens for spaces, no punctuation."""
    found = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_file_and_heading_that_a_page_links_exists(path: Path) -> None:
    for file, heading in links(path):
        target = path.parent / file if file else path
        assert target.exists(), file
        assert not heading or heading in headings(target), f"{file}#{heading}"


def test_every_page_is_linked_from_another() -> None:
    linked = {(path.parent / file).resolve() for path in PAGES for file, _ in links(path) if file}
    assert not {path for path in PAGES if path not in linked} - {ROOT / "README.md"}


def test_the_benchmarks_are_one_screen_that_links_every_page() -> None:
    screen = ROOT / "benchmarks" / "README.md"
    shown = re.sub(r"^\[.+\]: .+\n", "", screen.read_text(encoding="utf-8"), flags=re.MULTILINE)  # without link targets
    assert len(shown.splitlines()) <= 60
    assert {file for file, _ in links(screen)} == {path.name for path in RESULTS} - {screen.name}


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.name)
def test_every_script_that_a_page_of_results_names_exists(path: Path) -> None:
    for name in re.findall(r"(\w+\.(?:py|sh))\b", path.read_text(encoding="utf-8")):
        assert (ROOT / "benchmarks" / name).exists(), name


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.name)
def test_numbers_of_results_have_one_notation(path: Path) -> None:
    """61.7, not .617; 2.10x in a column of ratios; 61.7 ± 0.6 with as many decimals on both sides."""
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"(?<![\w.`])\.\d+", text)
    assert not [pair for pair in re.findall(r"(\d\.\d+) ± (\d\.\d+)", text) if len(pair[0]) != len(pair[1])]
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        header, _, *lines = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()]
        for name in (name for name in header if name.startswith("ratio")):
            cells = [line[header.index(name)] for line in lines]
            assert all(cell.endswith("x") for cell in cells if cell), f"{name}: {cells}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_line_of_a_page_is_too_long(path: Path) -> None:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    records = '{"'  # of JSON Lines, which cannot be broken
    assert not [number for number, line in lines if len(line) > LONGEST_LINE and not line.startswith(records)]


def says(printed: str, shown: str) -> bool:
    """Whether a printed line is the shown one, numbers with a decimal point within the tolerance."""
    words, expected = printed.split(), shown.split()
    if len(words) != len(expected):
        return False
    pairs = zip(words, expected, strict=True)
    return all(one == other or ("." in other and near(one, other)) for one, other in pairs)


def near(one: str, other: str) -> bool:
    """Whether two words are numbers that are close."""
    try:
        return abs(float(one) - float(other)) <= TOLERANCE
    except ValueError:
        return False


def test_numbers_are_compared_loosely_and_words_exactly() -> None:
    assert says("mrr\t0.49", "mrr 0.51")
    assert not says("mrr\t0.49", "mrr 0.55")
    assert not says("Warsaw is a place", "Warsaw is a person")
    assert not says("steps 12", "steps 13")


@pytest.mark.slow
@pytest.mark.parametrize("block", [pytest.param(b, id=f"{b.document}-{n}") for n, b in enumerate(blocks()) if b.runs])
def test_marked_blocks_run_and_print_what_is_shown(block: Block, tmp_path: Path) -> None:
    (tmp_path / "src").symlink_to(ROOT / "src")
    (tmp_path / "block.py").write_text(block.python, encoding="utf-8")
    binaries = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "HF_HUB_OFFLINE": "1"}
    bash = shutil.which("bash")
    assert bash is not None
    code = f"{block.code}\npython block.py\n" if block.python else block.code
    result = subprocess.run(
        [bash, "-euo", "pipefail", "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    printed = result.stdout.splitlines()
    for line in block.output.splitlines():
        assert any(says(found, line) for found in printed), f"{line!r} is not in:\n{result.stdout}"

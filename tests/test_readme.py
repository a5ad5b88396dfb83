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
from typing import Any

import pytest

from loreweave.cli.main import COMMANDS, load_command
from loreweave.training.recipes import recipe_names

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"(?P<mark><!-- run -->\n)?^```bash\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> Iterator[tuple[str, str, bool]]:
    """(document, code, whether it is marked to run) of every bash block."""
    for path in DOCUMENTS:
        for match in BLOCK.finditer(path.read_text(encoding="utf-8")):
            yield path.name, match["code"], match["mark"] is not None


def shown(program: str) -> list[str]:
    """Every use of a program in the bash blocks, one line each, from its name to the end of the command."""
    found = []
    for _, code, _ in blocks():
        for line in code.replace("\\\n", " ").splitlines():
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
    assert recipe is None or recipe in recipe_names() or recipe.endswith(".yaml")


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


def test_the_readme_names_every_recipe() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in recipe_names():
        model, job = name.split("/")
        assert model in text and job in text, name


def test_every_file_that_the_documents_link_exists() -> None:
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


@pytest.mark.slow
@pytest.mark.parametrize("code", [code for _, code, run in blocks() if run])
def test_marked_blocks_run(code: str, tmp_path: Path) -> None:
    (tmp_path / "src").symlink_to(ROOT / "src")
    binaries = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "HF_HUB_OFFLINE": "1"}
    bash = shutil.which("bash")
    assert bash is not None
    result = subprocess.run(
        [bash, "-euo", "pipefail", "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert result.returncode == 0, result.stderr[-2000:]

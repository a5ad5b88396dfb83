"""The page's scripts: their own unit tests under node, their size, and what they may not contain."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from loreweave.attention import page_files
from loreweave.attention.packing import unpacked
from loreweave.attention.page_files import LOADER, SCRIPTS, bundle, page_file, page_html, script

PAGE = Path(page_files.__file__).parent / "page"
UNIT_TESTS = sorted((Path(__file__).parent / "page").glob("*.test.js"))


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_unit_tests_of_the_scripts(path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")
    result = subprocess.run([node, "--test", str(path)], capture_output=True, text=True, env={**os.environ, "PAGE": str(PAGE)})
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_script_is_part_of_the_page() -> None:
    assert sorted(SCRIPTS + LOADER) == sorted(path.stem for path in PAGE.glob("*.js"))


def test_the_scripts_are_small_and_plain() -> None:
    files = [PAGE / f"{name}.js" for name in SCRIPTS + LOADER]
    assert len(page_html("", "")) < 75_000
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 400, path
        for word in ("innerHTML", "outerHTML", "AdjacentHTML", "document.write", "eval(", "</script", "fetch(", "HttpRequest"):
            assert word not in text, f"{path}: {word}"


def test_placeholders_are_filled_once() -> None:
    page = page_html("<b> & /*STYLE*/", "<!--TITLE--> /*SCRIPT*/")
    assert "&lt;b&gt; &amp; /*STYLE*/" in page
    assert page.count("<!--TITLE--> /*SCRIPT*/") == 1
    assert page.count("const Packed = ") == 1
    assert page.count(bundle()) == 1 and "</script" not in bundle()
    assert json.loads(unpacked(bundle())) == {"style": page_file("style.css"), "script": script()}
    assert script().count("const Numbers = ") == 1
    assert "<!--DATA-->" not in page

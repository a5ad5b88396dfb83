"""Groups of settings whose names come from a registry: each name has a configuration class, or is left out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import make_dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, PlainSerializer, ValidatorFunctionWrapHandler, WrapValidator

from loreweave.errors import ConfigurationError


class RegisteredGroup(Mapping[str, Any]):
    """The settings that were given, by name, in the order of the registry. As an attribute, a name that was not given is None.

    `fill` reads it as it reads a dataclass whose fields are all `X | None = None`.
    """

    def __init__(self, **given: Any) -> None:
        members = self.members()
        for name in given:
            if name not in members:
                raise ConfigurationError(f"unknown setting {name!r}; known: {', '.join(members)}")
        self._given = {name: given[name] for name in members if given.get(name) is not None}

    @classmethod
    @abstractmethod
    def members(cls) -> dict[str, type]:
        """Name -> configuration dataclass, of all that the registry has now."""

    @classmethod
    @abstractmethod
    def texts(cls) -> dict[str, str]:
        """Name -> what it is, for the help."""

    def __getitem__(self, name: str) -> Any:
        return self._given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.members():
            raise AttributeError(f"{type(self).__name__} has no setting {name!r}")
        return self._given.get(name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.items())})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> Any:
        """As a dataclass with a field for each member that the registry has now."""
        fields = [(name, kind | None, None) for name, kind in cls.members().items()]
        members = make_dataclass(cls.__name__, fields, kw_only=True)

        def validated(value: Any, inner: ValidatorFunctionWrapHandler) -> RegisteredGroup:
            return value if isinstance(value, cls) else cls(**vars(inner(value)))

        return handler.generate_schema(Annotated[members, WrapValidator(validated), PlainSerializer(dict)])

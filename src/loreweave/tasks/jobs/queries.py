"""Queries of `loreweave predict` and their answers: in order, a block at a time, an error in the place of a bad one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from loreweave.corpus.files.surrogates import field_with_half
from loreweave.errors import DataError

if TYPE_CHECKING:
    from loreweave.training.task_model import TaskModel

Row = Mapping[str, Any]

ERROR = "error"
"""The field of an answer that says why a query has none."""
GIVEN = "given"
"""The field of an answer with those fields of its query that have the names of ours and other values."""
BLOCK = 1024
"""Queries of a file that are answered together: enough for batches by length, few enough to stream."""


@dataclass(frozen=True, slots=True)
class Query:
    """One question as it was read.

    Attributes:
        place: for messages ("queries.jsonl, line 3").
        id: its name where it has none of its own: its number, from 1.
        row: its fields, or what is wrong with it.
        where: what an answer says of its place: `line` (or `record` of a list), and `file` where several are read.
    """

    place: str
    id: str
    row: Row | DataError
    where: Mapping[str, Any] = field(default_factory=dict)


class Answerer:
    """Answers queries by one model.

    Args:
        read: (fields of a query, its id) -> what is asked; raises a DataError.
        answer: what is asked by a block of queries -> one list of answers a query, which may raise a DataError for any.
        finish: called once after the last query, to say what was cut.
        loaded: the model with its encoding, if the task has one such.
    """

    def __init__(
        self,
        read: Callable[[Row, str], Any],
        answer: Callable[[list[Any]], Sequence[Sequence[dict[str, Any]]]],
        finish: Callable[[], object] = lambda: None,
        loaded: TaskModel | None = None,
    ) -> None:
        self._read, self._answer, self._finish, self.loaded = read, answer, finish, loaded

    def __call__(self, rows: Iterable[tuple[str, Row]], block: int = BLOCK) -> Iterator[dict[str, Any]]:
        """Answers to JSON objects, each with its place for messages.

        Raises:
            DataError: names the place of the first bad query, after the answers to those before it.
        """
        queries = (Query(place, str(number), row) for number, (place, row) in enumerate(rows, 1))
        yield from self.answers(queries, block, strict=True)

    def answers(self, queries: Iterable[Query], block: int, *, strict: bool = False) -> Iterator[dict[str, Any]]:
        """Answers in the order of the queries. An answer has `id`, what the task says, and the query's own fields.

        Own fields with a name of ours and another value stand in `given`. A bad query is answered with `id`, its place and
        `error`.

        Args:
            queries: read as they are needed.
            block: how many are read before they are answered.
            strict: raise an error at the first bad query.

        Raises:
            DataError: `strict`, and a query is bad.
        """
        stream = iter(queries)
        while part := list(islice(stream, block)):
            asked = [self._asked(query) for query in part]
            good = iter(self._answered([item for item in asked if not isinstance(item, DataError)]))
            for query, item in zip(part, asked, strict=True):
                found = item if isinstance(item, DataError) else next(good)
                if not isinstance(found, DataError):
                    yield from (_with_own_fields(answer, query) for answer in found)
                elif strict:
                    raise DataError(f"{query.place}: {_reason(found)}") from None
                else:
                    yield {"id": _id_of(query), **query.where, ERROR: _reason(found)}
        self._finish()

    def _asked(self, query: Query) -> Any:
        """What a query asks, or what is wrong with it."""
        if isinstance(query.row, DataError):
            return query.row
        try:
            if (half := field_with_half(query.row)) is not None:
                raise DataError("found an unpaired surrogate, which is not a character", field=half)
            return self._read(query.row, query.id)
        except DataError as error:
            return error

    def _answered(self, asked: list[Any]) -> list[Sequence[dict[str, Any]] | DataError]:
        """The answers of each, or what is wrong with it; a block that fails is halved until the bad ones stand alone."""
        if not asked:
            return []
        try:
            return list(self._answer(asked))
        except DataError as error:
            if len(asked) == 1:
                return [error]
        half = len(asked) // 2
        return self._answered(asked[:half]) + self._answered(asked[half:])


def _id_of(query: Query) -> Any:
    return query.row["id"] if isinstance(query.row, Mapping) and "id" in query.row else query.id


def _reason(error: DataError) -> str:
    return error.message if error.field is None else f"field {error.field!r}: {error.message}"


def _with_own_fields(answer: dict[str, Any], query: Query) -> dict[str, Any]:
    """The answer with what its query brought along."""
    assert isinstance(query.row, Mapping)
    found = {"id": answer.get("id", query.id)} | answer
    if "file" in query.where:
        found["file"] = query.where["file"]
    if "id" in query.row:
        found["id"] = query.row["id"]  # as it was given, also a number
    hidden = {name: value for name, value in query.row.items() if name in found and not _says(found[name], value)}
    own = {name: value for name, value in query.row.items() if name not in found}
    if hidden and GIVEN in own:
        hidden[GIVEN] = own.pop(GIVEN)
    return found | own | ({GIVEN: hidden} if hidden else {})


def _says(ours: Any, theirs: Any) -> bool:
    """Whether our field says what the query's field of the same name says, such as a mention with its surface."""
    if isinstance(ours, Mapping):
        if isinstance(theirs, Mapping):
            return all(name in ours and _says(ours[name], value) for name, value in theirs.items())
        return theirs in ours.values()
    return bool(ours == theirs)

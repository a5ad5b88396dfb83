"""Queries of `loreweave predict` and their answers: in order, in blocks, with an error for a bad query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from loreweave.corpus.files.rows import NO_ID
from loreweave.corpus.files.surrogates import check_halves
from loreweave.errors import DataError

if TYPE_CHECKING:
    from loreweave.training.task_model import TaskModel

Row = Mapping[str, Any]

ERROR = "error"
"""Field of an answer with the reason why a query has none."""
GIVEN = "given"
"""Field of an answer for those fields of its query that have our names and other values."""
BLOCK = 1024
"""Number of queries of a file that are answered together: enough for batches by length, and few enough to stream."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query as read.

    Attributes:
        place: for messages ("queries.jsonl, line 3").
        id: name if it has none of its own: its number, from 1.
        row: its fields, or its error.
        where: place in the answer: `line` (or `record` of a list), and `file` if several are read.
    """

    place: str
    id: str
    row: Row | DataError
    where: Mapping[str, Any] = field(default_factory=dict)


class Answerer:
    """Answers queries with one model.

    Args:
        read: (fields of a query, its id) -> parsed query; raises a DataError.
        answer: parsed queries of a block -> one list of answers per query; may raise a DataError for any of them.
        finish: called once after the last query, to report what was truncated.
        loaded: the model with its encoding, if the task has one such.
        of_outputs: (records, outputs of the model) -> one answer per record; None: answers are not made from outputs alone.
    """

    def __init__(
        self,
        read: Callable[[Row, str], Any],
        answer: Callable[[list[Any]], Sequence[Sequence[dict[str, Any]]]],
        finish: Callable[[], object] = lambda: None,
        loaded: TaskModel | None = None,
        of_outputs: Callable[[Sequence[Any], Any], Sequence[dict[str, Any]]] | None = None,
    ) -> None:
        self._read, self._answer, self._finish, self.loaded = read, answer, finish, loaded
        self.of_outputs = of_outputs

    def __call__(self, rows: Iterable[tuple[str, Row]], block: int = BLOCK) -> Iterator[dict[str, Any]]:
        """Answers to JSON objects, each with its place for messages.

        Raises:
            DataError: names the place of the first bad query, after the answers to those before it.
        """
        queries = (Query(place, str(number), row) for number, (place, row) in enumerate(rows, 1))
        yield from self.answers(queries, block, strict=True)

    def answers(self, queries: Iterable[Query], block: int, *, strict: bool = False) -> Iterator[dict[str, Any]]:
        """Answers in the order of the queries. An answer has `id`, the task's fields, and the query's own fields.

        Fields of the query with our names and other values are in `given`. A bad query is answered with `id`, its place and
        `error`.

        Args:
            queries: queries, read as needed.
            block: number of queries that are read before they are answered.
            strict: raise an error at the first bad query.

        Raises:
            DataError: a query is bad, and `strict` is true.
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
        """The parsed query, or its error."""
        if isinstance(query.row, DataError):
            return query.row
        try:
            check_halves(query.row)
            return self._read(query.row, query.id)
        except DataError as error:
            return error

    def _answered(self, asked: list[Any]) -> list[Sequence[dict[str, Any]] | DataError]:
        """Answers of each query, or its error; a block that fails is halved until the bad queries are isolated."""
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
    return query.row["id"] if isinstance(query.row, Mapping) and query.row.get("id") not in NO_ID else query.id


def _reason(error: DataError) -> str:
    return error.message if error.field is None else f"field {error.field!r}: {error.message}"


def _with_own_fields(answer: dict[str, Any], query: Query) -> dict[str, Any]:
    """The answer with the fields of its query."""
    assert isinstance(query.row, Mapping)
    found = {"id": answer.get("id", query.id)} | answer
    if "file" in query.where:
        found["file"] = query.where["file"]
    given = {name: value for name, value in query.row.items() if name != "id" or value not in NO_ID}
    if "id" in given:
        found["id"] = given["id"]  # unchanged, even if it is a number
    hidden = {name: value for name, value in given.items() if name in found and not _says(found[name], value)}
    own = {name: value for name, value in given.items() if name not in found}
    if hidden and GIVEN in own:
        hidden[GIVEN] = own.pop(GIVEN)
    return found | own | ({GIVEN: hidden} if hidden else {})


def _says(ours: Any, theirs: Any) -> bool:
    """Whether our field is equivalent to the query's field of the same name, such as a mention with its surface."""
    if isinstance(ours, Mapping):
        if isinstance(theirs, Mapping):
            return all(name in ours and _says(ours[name], value) for name, value in theirs.items())
        return theirs in ours.values()
    return bool(ours == theirs)

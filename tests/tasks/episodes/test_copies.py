"""Queries that stand in their own support."""

from __future__ import annotations

from loreweave.tasks.episodes.copies import copied_queries, describe_copies


def test_copies_are_found_and_the_first_are_named() -> None:
    assert copied_queries(["a", "b"], ["c", "b", "a", "b"]) == [1, 2, 3] and copied_queries([], ["a"]) == []
    assert copied_queries([("Mia", "left")], [("mia", "\N{NO-BREAK SPACE}LEFT"), ("Mia", "leaves")]) == [0]
    assert copied_queries(["Mia  left"], ["mia left", "mialeft"]) == [0]
    assert describe_copies([], 9) == []
    (line,) = describe_copies([("0", 1), ("0", 2), ("4", 0), ("5", 0), ("6", 0), ("7", 0)], 20)
    assert line.startswith("6 of 20 queries, in 5 episodes: the text")
    assert "(episode/query 0/1, 0/2, 4/0, 5/0, 6/0 and 1 more)" in line
    assert describe_copies([("0", 0)], 1)[0].startswith("1 of 1 query, in 1 episode: the text is also in the support set")

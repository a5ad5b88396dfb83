"""One spelling for the entities of links: titles of Wikipedia, its addresses, DBpedia's and Wikidata's, and YAGO's names."""

from __future__ import annotations

import re
from unicodedata import normalize
from urllib.parse import unquote

_ADDRESS = re.compile(
    r"https?://(?:[a-z-]+\.(?:m\.)?wikipedia\.org/wiki/|(?:[a-z]+\.)?dbpedia\.org/(?:resource|page)/"
    r"|(?:www\.|m\.)?wikidata\.org/(?:wiki|entity)/|yago-knowledge\.org/resource/)"
)
_QID = re.compile(r"Q[1-9][0-9]*")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_QUALIFIER = re.compile(r"\s+\([^()]*\)$")


def is_qid(name: str) -> bool:
    """Whether a name is an id of Wikidata."""
    return _QID.fullmatch(name) is not None


def canonical_entity(name: str) -> str:
    """The entity of a link as one spelling: the title with spaces and a first capital, or the id.

    Example:
        >>> canonical_entity("https://en.wikipedia.org/wiki/Acetic_acid"), canonical_entity("acetic_acid")
        ('Acetic acid', 'Acetic acid')
        >>> canonical_entity("http://www.wikidata.org/entity/Q47512"), canonical_entity("/m/0bm9")
        ('Q47512', '/m/0bm9')
    """
    address = _ADDRESS.match(name)
    if address is not None:
        name = unquote(name[address.end() :].partition("#")[0])  # without the section of an article
    elif "\\u" in name:  # AIDA writes YAGO's names with such escapes
        name = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), name)
    name = normalize("NFC", " ".join(name.replace("_", " ").split()))
    return name[:1].upper() + name[1:]


def without_qualifier(title: str) -> str:
    """A title, with spaces, without what tells it apart from entities of the same name, in brackets at its end.

    There is a space before it; other brackets are part of the name.

    Example:
        >>> without_qualifier("Mercury (planet)"), without_qualifier("Iron(III)")
        ('Mercury', 'Iron(III)')
    """
    return _QUALIFIER.sub("", title)

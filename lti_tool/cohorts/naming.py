"""Who is meant by a name that somebody typed, where a list of hundreds helps nobody."""

from __future__ import annotations

from lti_tool.cohorts.people import plain
from lti_tool.cohorts.words import Names, _, listed

LONGEST = 200


class UnclearError(Exception):
    """A name that fits nobody, or several people; the text is the sentence to show."""


class Naming:
    """People by what they are called; `names` has that by id.

    >>> naming = Naming({"7": "Ana Berg (a@x)", "8": "Ana Berg (b@x)", "9": "Tom Berg"})
    >>> naming.person("ana berg  (A@X)"), naming.person("8"), naming.person("ana b@"), naming.person("to")
    ('7', '8', '8', '9')
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self._by_name: dict[str, list[str]] = {}
        for person, name in names.items():
            self._by_name.setdefault(plain(name), []).append(person)

    def person(self, typed: str) -> str:
        """The id of who is meant: by the whole name, the id, or the beginnings of its words if those are enough.

        Raises UnclearError.
        """
        typed = " ".join(typed[:LONGEST].split())
        if not typed:
            raise UnclearError(_("Choose a name from the list."))
        whole = [typed] if typed in self.names else []
        fitting = self._by_name.get(plain(typed)) or whole or self._begun(_words(plain(typed)))
        if not fitting:
            raise UnclearError(_("Nobody here is called “%(typed)s”. Choose a name from the list.", typed=typed))
        if len(fitting) > 1:
            people = listed([self.names[person] for person in fitting])
            raise UnclearError(
                _("“%(typed)s” can be %(people)s. Write more of the name.", typed=typed, people=people)
            )
        return fitting[0]

    def _begun(self, starts: list[str]) -> list[str]:
        return [
            person
            for name, people in self._by_name.items()
            if all(any(word.startswith(start) for word in _words(name)) for start in starts)
            for person in people
        ]


def _words(name: str) -> list[str]:
    """The words of a name; an address in brackets is one of them."""
    return [word.strip("()") for word in name.split()]

"""Requests to be left alone in other words: "please stop", "s t o p", "don't message me" (responsible-sending.md 6). Pure.

The phrases are data (`intents.json`), written in a small language of words:

    a b        the words one after the other          a|b      one of them; `do_not` is two words in one choice
    a?         perhaps                                <set>    one of a named set of the same language
    ~  ~4      up to two (four) words of any kind     ^  $     the message begins, ends here

Each is matched by words, never by parts of words, in one pass over the message whatever its length. A Chinese character
counts as a word. `shields` are said first: what they cover ("don't stop", "bus stop") says nothing any more.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

Fold = Callable[[str], str]
_CHINESE = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORDS = re.compile(f"[{_CHINESE}]|[^ {_CHINESE}]+")
_JOINED = {
    pair: "".join(pair).replace("donot", "dont").replace("didnot", "didnt").replace("cannot", "cant")
    for pair in (
        *(("don", "t"), ("do", "not"), ("didn", "t"), ("did", "not"), ("can", "t"), ("can", "not"), ("won", "t")),
        *(("doesn", "t"), ("haven", "t"), ("i", "m"), ("i", "d"), ("i", "ll"), ("i", "ve")),
    )
}
"""Pieces of one English word that folding took apart at the apostrophe, and their long forms."""
_FIRST = frozenset(first for first, _ in _JOINED)
_SHIELDED = "\0"
_OTHER = ""
"""Stands for every word that occurs in no phrase."""
_LONGEST_WHOLE = 40
"""Words of a message that is nothing but a stop word and politeness."""
_SHORTEST_STRETCHED = 4
"""Letters of a word that is known when some are doubled (`stooop`): shorter ones become other words."""

_MOST_KEPT = 20_000
"""Steps of the automaton that are remembered: a few megabytes; ordinary chat needs a few thousand."""

Tokens = tuple[str, ...]


def tokens(folded: str) -> list[str]:
    """The words of a folded text; each Chinese character is one."""
    parts = folded.split() if folded.isascii() else _WORDS.findall(folded)
    if _FIRST.isdisjoint(parts):
        return parts
    found: list[str] = []
    for each in parts:
        joined = _JOINED.get((found[-1], each)) if found else None
        if joined:
            found[-1] = joined
        else:
            found.append(each)
    return found


class Sequences:
    """Fixed sequences of words, found in a text from left to right, the longest first."""

    def __init__(self, sequences: Iterable[Tokens]) -> None:
        self._by_first: dict[str, list[Tokens]] = {}
        for each in sorted({*sequences} - {()}, key=len, reverse=True):
            self._by_first.setdefault(each[0], []).append(each)

    def replaced(self, text: Sequence[str], by: str | None) -> list[str]:
        """The text with each sequence replaced by one word, or taken out."""
        found: list[str] = []
        at = 0
        while at < len(text):
            length = self._longest(text, at)
            if not length:
                found.append(text[at])
            elif by is not None:
                found.append(by)
            at += length or 1
        return found

    def _longest(self, text: Sequence[str], at: int) -> int:
        """Words of the sequence that stands here; 0: none."""
        following = text[at + 1] if at + 1 < len(text) else None
        for each in self._by_first.get(text[at], ()):
            if len(each) == 1 or (each[1] == following and tuple(text[at : at + len(each)]) == each):
                return len(each)
        return 0


class Net:
    """All phrases of all languages in one automaton over words; which of its states go together is worked out when first met."""

    def __init__(self) -> None:
        self._edges: list[dict[str, list[int]]] = [{}, {}]
        self._any: list[list[int]] = [[], []]
        self._ends: set[int] = set()
        self._ends_at_the_end: set[int] = set()
        self._shared: dict[tuple[Any, ...], Any] = {}
        self._words: set[str] = set()
        self._places: dict[frozenset[int], _Place] = {}
        self._kept = 0

    def _new(self) -> int:
        self._edges.append({})
        self._any.append([])
        return len(self._edges) - 1

    def _after(self, origins: frozenset[int], words: Tokens, target: int) -> None:
        """A path of these words from the origins to the target; what paths from there have in common is laid once."""
        for at, word in enumerate(words[:-1]):
            path = ("path", origins, words[: at + 1])
            if path not in self._shared:
                self._shared[path] = self._new()
                self._lead(origins if at == 0 else (self._shared["path", origins, words[:at]],), word, self._shared[path])
        self._lead(origins if len(words) == 1 else (self._shared["path", origins, words[:-1]],), words[-1], target)

    def _lead(self, origins: Iterable[int], word: str, target: int) -> None:
        self._words.add(word)
        for origin in origins:
            self._edges[origin].setdefault(word, []).append(target)

    def _gap(self, origins: frozenset[int], longest: int) -> frozenset[int]:
        reached = origins
        for _ in range(longest):
            after = self._new()
            for origin in origins:
                self._any[origin].append(after)
            origins = frozenset({after})
            reached |= origins
        return reached

    def _step(self, here: frozenset[int], element: str, choices: tuple[Tokens, ...]) -> frozenset[int]:
        if element == "^":
            return frozenset({1})
        if element[0] == "~":
            return self._gap(here, int(element[1:] or 2))
        after = self._new()
        for words in choices:
            self._after(here, words, after)
        return here | {after} if element.endswith("?") else frozenset({after})

    def add(self, phrase: str, read: Callable[[str], Iterable[Tokens]]) -> None:
        """One phrase; `read` gives the choices behind an element."""
        here = frozenset({0})
        elements = phrase.split()
        for element in elements[:-1] if elements[-1] == "$" else elements:
            choices = () if element[0] in "^~" else tuple(read(element.removesuffix("?")))
            step = ("step", here, element, choices)
            if step not in self._shared:
                self._shared[step] = self._step(here, element, choices)
            here = self._shared[step]
        if here & {0, 1}:
            raise ValueError(f"This phrase matches everything: {phrase}")
        if elements[-1] == "$":
            self._ends_at_the_end |= here
        else:
            self._ends |= here

    def finds(self, text: Sequence[str]) -> bool:
        """Whether one of the phrases stands in this text."""
        here = self._place(frozenset({1}))
        for word in text:
            following = here.moves.get(word if word in self._words else _OTHER)
            here = self._moved(here, word) if following is None else following
            if here.is_end:
                return True
        return not self._ends_at_the_end.isdisjoint(here.states)

    def _moved(self, here: "_Place", word: str) -> "_Place":
        """Where this word leads from here; remembered for the next message, within bounds."""
        following = {*self._edges[0].get(word, ())}
        for state in here.states:
            following.update(self._edges[state].get(word, ()), self._any[state])
        if self._kept >= _MOST_KEPT:
            self._places, self._kept = {}, 0
        self._kept += 1
        found = self._place(frozenset(following))
        here.moves[word if word in self._words else _OTHER] = found
        return found

    def _place(self, states: frozenset[int]) -> "_Place":
        found = self._places.get(states)
        if found is None:
            found = self._places[states] = _Place(states, not self._ends.isdisjoint(states))
        return found


class _Place:
    """Some states of the automaton at once, and where words lead from there as far as that was asked."""

    __slots__ = ("is_end", "moves", "states")

    def __init__(self, states: frozenset[int], is_end: bool) -> None:
        self.states, self.is_end = states, is_end
        self.moves: dict[str, _Place] = {}


def _stretched(text: str) -> str:
    """Each letter once where it stands several times in a row."""
    return "".join(each for at, each in enumerate(text) if at == 0 or each != text[at - 1])


class Phrases:
    """Knows whether a folded message asks to be left alone in other words than the stop words themselves."""

    def __init__(self, fold: Fold, stop: Iterable[str], languages: Iterable[Mapping[str, Any]]) -> None:
        self._net = Net()
        self._whole: set[Tokens] = {tuple(tokens(word)) for word in stop}
        joined = {"".join(words) for words in self._whole}
        self._joined = {word for word in joined if len(word) > 1}
        self._stretched = {_stretched(word) for word in joined if len(word) >= _SHORTEST_STRETCHED}
        shields: list[Tokens] = []
        polite: list[Tokens] = []
        for language in languages:
            read = _Reader(fold, language.get("sets", {}))
            shields += (words for each in language.get("shields", ()) for words in read.sequences(each))
            polite += (words for each in language.get("polite", ()) for words in read.sequences(each))
            self._whole |= {words for each in language.get("whole", ()) for words in read.sequences(each)}
            for phrase in language.get("phrases", ()):
                self._net.add(phrase, read.choices)
        self._shields, self._polite = Sequences(shields), Sequences(polite)

    def asks(self, folded: str, own: Mapping[str, str]) -> bool:
        """Whether this message, which is no stop word by itself, asks for the same."""
        said = tokens(folded)
        if len(said) <= _LONGEST_WHOLE:
            plain = self._polite.replaced(said, None)
            if self._is_whole(said, own) or (plain and self._is_whole(plain, own)):
                return True
        return self._net.finds(said) and self._net.finds(self._shields.replaced(said, _SHIELDED))

    def _is_whole(self, said: Sequence[str], own: Mapping[str, str]) -> bool:
        """A stop word that is spaced out, stretched, repeated, or one of the whole phrases."""
        joined = "".join(said)
        if tuple(said) in self._whole or own.get(" ".join(said)) == "stop":
            return True
        if joined in self._joined or (len(joined) >= _SHORTEST_STRETCHED and _stretched(joined) in self._stretched):
            return True
        return any(len(said) % n == 0 and tuple(said) == tuple(said[:n]) * (len(said) // n) for n in self._repeated(said))

    def _repeated(self, said: Sequence[str]) -> Iterator[int]:
        """Lengths in words of the stop words with which the message begins."""
        yield from (n for n in range(1, min(5, len(said))) if tuple(said[:n]) in self._whole)


class _Reader:
    """Reads the elements of phrases: choices, sets, several words in one choice."""

    def __init__(self, fold: Fold, sets: Mapping[str, str]) -> None:
        self._fold, self._sets = fold, sets

    def choices(self, element: str) -> list[Tokens]:
        """What may stand for an element: `a|b_c|<set>`."""
        found: list[Tokens] = []
        for each in element.split("|"):
            if each.startswith("<"):
                found += self.choices(self._sets[each[1:-1]].replace(" ", "|"))
            else:
                found.append(tuple(tokens(self._fold(each.replace("_", " ")))))
        if not all(found):
            raise ValueError(f"An empty choice in {element!r}")
        return found

    def sequences(self, phrase: str) -> Iterator[Tokens]:
        """All word sequences of a phrase of choices and perhaps-words, without gaps."""
        parts = [[*self.choices(each.removesuffix("?")), *([()] if each.endswith("?") else [])] for each in phrase.split()]
        for chosen in product(*parts):
            yield tuple(tokens(" ".join(word for words in chosen for word in words)))


def load(fold: Fold, stop: Iterable[str]) -> Phrases:
    """Our phrases, and the stop words they stand for."""
    data = json.loads((Path(__file__).parent / "intents.json").read_text(encoding="utf-8"))
    return Phrases(fold, stop, data["languages"].values())

"""The little language in which sentences are written, and its compiler.

    {hero}          a reference; the word before the dot is a role of the story, the one after it a form
    {Hero}          the same at the start of a sentence: capital letter, and the narrator may say `He`
    [big|huge*3|]   one of these, with weights; an empty one says nothing
    [:glad]         one word of a class in `english.words`; [:Glad] with a capital letter
    a               is written everywhere; the page makes it `an` where it must be
    3* (day !inside) text     a weight and conditions: what must (and must not) be so to say this

A line break starts a new paragraph.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from slmlib.errors import SlmError
from slmlib.storyworld.page import right_articles

_HEAD = re.compile(r"\s*(?:(\d+)\*)?\s*(?:\(([a-z! _-]+)\))?\s*")
_REFERENCE = re.compile(r"\{(\w+)(?:\.(\w+))?\}")
_SENTENCE_END = re.compile(r"[.!?]\"?(?=\s)")


@dataclass(frozen=True, slots=True)
class Literal:
    """Words that stand as they are."""

    text: str
    sentences: int
    """How many sentences end in it."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Something of the story: role, form, and whether a sentence starts with it."""

    role: str
    form: str
    capital: bool


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of several."""

    name: str
    options: tuple["Parts", ...]
    weights: tuple[int, ...]


Part: TypeAlias = Literal | Reference | Alternatives
Parts: TypeAlias = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """One way to say something."""

    source: str
    parts: Parts
    weight: int
    needs: frozenset[str]
    forbids: frozenset[str]
    certain: tuple[str, ...]
    """Words that are told whenever this is: longer literals outside of all alternatives."""


def compile_template(source: str, name: str, classes: Mapping[str, str]) -> Template:
    """Read one template; SlmError says what cannot be read.

    name: prefix for the names of the choices inside; classes: word classes by name.
    """
    head = _HEAD.match(source)
    assert head is not None  # the pattern matches the empty string
    conditions = (head[2] or "").split()
    reader = _Reader(source[head.end() :], name, classes)
    parts = reader.parts("")
    if reader.position != len(reader.source):
        raise SlmError(f"Template {name} has a loose `]`: {source!r}.", "Balance the brackets.")
    return Template(
        source,
        parts,
        int(head[1] or 1),
        frozenset(word for word in conditions if word[0] != "!"),
        frozenset(word[1:] for word in conditions if word[0] == "!"),
        tuple(part.text[1:-2] for part in parts if isinstance(part, Literal) and len(part.text) > 5),
    )


class _Reader:
    """Recursive descent over one template."""

    def __init__(self, source: str, name: str, classes: Mapping[str, str]):
        self.source, self.name, self.classes = source, name, classes
        self.position = 0

    def parts(self, stops: str) -> Parts:
        """Everything up to one of the characters in `stops`, or to the end."""
        found: list[Part] = []
        while self.position < len(self.source) and self.source[self.position] not in stops + "]":
            character = self.source[self.position]
            if character == "[":
                found.append(self.alternatives())
            elif character == "{":
                found.append(self.reference())
            else:
                found.append(self.literal(stops))
        return tuple(found)

    def literal(self, stops: str) -> Literal:
        start = self.position
        while self.position < len(self.source) and self.source[self.position] not in "[]{" + stops:
            self.position += 1
        return literal(self.source[start : self.position])

    def reference(self) -> Reference:
        found = _REFERENCE.match(self.source, self.position)
        if not found:
            raise SlmError(
                f"Template {self.name} has an unreadable reference: {self.source!r}.", "Write {role.form}."
            )
        self.position = found.end()
        role = found[1]
        return Reference(role.lower(), found[2] or "", role[0].isupper())

    def alternatives(self) -> Part:
        start = self.position
        self.position += 1
        if self.source.startswith(":", self.position):
            end = self.source.index("]", self.position)
            word = self.source[self.position + 1 : end]
            self.position = end + 1
            return word_class(word, self.classes)
        options: list[Parts] = []
        weights: list[int] = []
        while True:
            option = self.parts("|*")
            options.append(option)
            weight = re.compile(r"\*(\d+)").match(self.source, self.position)
            if weight:
                self.position = weight.end()
            weights.append(int(weight[1]) if weight else 1)
            if self.position >= len(self.source):
                raise SlmError(f"Template {self.name} has an open `[`: {self.source!r}.", "Close it.")
            self.position += 1
            if self.source[self.position - 1] == "]":
                return Alternatives(f"{self.name}@{start}", tuple(options), tuple(weights))


def literal(text: str) -> Literal:
    """A literal with its articles put right and its sentence ends counted."""
    text = right_articles(text)
    return Literal(text, len(_SENTENCE_END.findall(text)) + text.count("\n"))


def word_class(word: str, classes: Mapping[str, str]) -> Alternatives:
    """The alternatives behind [:word]: `glad happy*3 so pleased` with commas between longer phrases."""
    if word.lower() not in classes:
        raise SlmError(f"There is no word class {word!r}.", "Add it to english/words.py.")
    listed = classes[word.lower()]
    entries = [
        entry.strip().partition("*") for entry in (listed.split(",") if "," in listed else listed.split())
    ]
    texts = [text[:1].upper() + text[1:] if word[0].isupper() else text for text, _, _ in entries]
    return Alternatives(
        f":{word.lower()}",
        tuple((literal(text),) for text in texts),
        tuple(int(weight or 1) for _, _, weight in entries),
    )

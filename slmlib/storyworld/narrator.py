"""The narrator: the one place where words are put in order.

It chooses how to say a thing, introduces people before it uses their names, describes things the first
time they appear, and says `he`, `she` or `his` only where a listener knows who is meant. Every mention
of somebody or something is kept with its place in the text.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slmlib.errors import SlmError
from slmlib.storyworld.choices import Chooser
from slmlib.storyworld.english.grammar import (
    CALLS,
    NUMBER_FORMS,
    PRONOUNS,
    SIZE_WEIGHTS,
    SIZES_BEFORE_COLOR,
    indefinite,
    possessive,
)
from slmlib.storyworld.page import Page
from slmlib.storyworld.template import Alternatives, Literal, Parts, Reference, Template
from slmlib.storyworld.vocabulary.kinds import Name, Place
from slmlib.storyworld.vocabulary.things import COLORS
from slmlib.storyworld.world import Character, Item

Phrasebook = Mapping[str, tuple[Template, ...]]


@dataclass(frozen=True, slots=True)
class Mention:
    """Where in the text somebody or something is meant: characters `start` to `end`."""

    start: int
    end: int
    id: str


@dataclass(frozen=True, slots=True)
class Language:
    """What a narrator needs to know to speak: its phrases, and the names and traits it may give."""

    phrases: Phrasebook
    child_names: tuple[Name, ...]
    animal_names: tuple[Name, ...]
    traits: tuple[tuple[str, int], ...]


class Narrator:
    """Tells phrases of a phrasebook about a cast, and remembers who was spoken of."""

    def __init__(
        self, language: Language, chooser: Chooser, page: Page, cast: dict[str, Any], tags: set[str]
    ):
        """cast: who or what each role stands for; tags: what is so at the moment (conditions of templates)."""
        self.language, self.chooser, self.page, self.cast, self.tags = language, chooser, page, cast, tags
        self.mentions: list[Mention] = []
        self.used: set[str] = set()
        self._names: set[str] = set()
        self._sentence = 0
        self._seen: dict[Character, int] = {}
        self._subject: Character | None = None
        self._capital = False

    # ---- telling

    def tell(self, key: str) -> None:
        """Say one of the phrases under `key` that fit; none is said twice in a story while others are left."""
        tags, used = self.tags, self.used
        fitting = [one for one in self.language.phrases[key] if one.needs <= tags and not one.forbids & tags]
        fresh = [one for one in fitting if one.source not in used] or fitting
        if not fresh:
            raise SlmError(f"No phrase of {key!r} fits {sorted(tags)}.", "Add one with fewer conditions.")
        if self.page.text and self.page.text[-1] != "\n" and not self.page.text.endswith(" "):
            self.page.write(" ")
        template = self.chooser.choose(key, fresh, [one.weight for one in fresh])
        used.add(template.source)
        self._next_sentence(1)
        self._parts(template.parts)

    def paragraph(self) -> None:
        """Begin a new paragraph; pronouns start afresh with it."""
        if self.page.text and self.page.text[-1] != "\n":
            self.page.write("\n")
        self._next_sentence(2)

    def _next_sentence(self, count: int) -> None:
        self._sentence += count
        self._subject = None

    def _parts(self, parts: Parts) -> None:
        for part in parts:
            if isinstance(part, Literal):
                self._write(part.text)
                if part.sentences:
                    self._next_sentence(part.sentences)
            elif isinstance(part, Alternatives):
                self._parts(self.chooser.choose(part.name, part.options, part.weights))
            else:
                self._reference(part)

    def _write(self, piece: str) -> int:
        if self._capital and piece:
            piece, self._capital = piece[0].upper() + piece[1:], False
        return self.page.write(piece)

    # ---- speaking of somebody or something

    def _reference(self, reference: Reference) -> None:
        try:
            entity = self.cast[reference.role]
        except KeyError:
            raise SlmError(f"Nobody plays {reference.role!r}.", f"The cast is {sorted(self.cast)}.") from None
        if reference.capital:
            self._capital = True
        if isinstance(entity, Character):
            self._character(entity, reference)
        elif isinstance(entity, Item):
            self._item(entity, reference.form)
        elif isinstance(entity, Place):
            self._place(entity, reference.form)
        else:
            self._write(getattr(entity, reference.form) if reference.form else entity)

    def _mention(self, entity: Character | Item | Place, words: str, subject: bool = True) -> None:
        start = self._write(words)
        self.mentions.append(
            Mention(start, start + len(words), entity.noun if isinstance(entity, Place) else entity.id)
        )
        if isinstance(entity, Character):
            self._seen[entity] = self._sentence
            if subject and self._subject is None:
                self._subject = entity

    def _clear(self, who: Character) -> bool:
        """Whether a pronoun for `who` would be understood here: spoken of just now, and no rival of the same pronoun."""
        seen = self._seen.get(who, -9)
        if seen < self._sentence - 1:
            return False
        for other, when in self._seen.items():
            if other is not who and other.pronoun == who.pronoun and when >= self._sentence - 1:
                return self._subject is who
        return True

    def _character(self, who: Character, reference: Reference) -> None:
        form = reference.form
        if form == "":
            if (
                reference.capital
                and self._clear(who)
                and self.chooser.choose("pronoun", (True, False), (3, 2))
            ):
                self._mention(who, who.pronoun)
            else:
                self._by_name(who)
        elif form in PRONOUNS:
            if self._clear(who):
                self._mention(who, PRONOUNS[form][who.pronoun])
            elif form == "his":
                self._by_name(who, possessive)
            else:
                self._by_name(who)
        elif form == "name":
            self._mention(who, self._call(who))
        elif form == "s":
            self._by_name(who, possessive)
        elif form == "known":
            self._introduce(who, form)
        elif form == "trait":
            self._write(self._trait(who))
        elif form == "kind":
            self._mention(who, who.relation or who.kind.noun)
        else:
            self._write(getattr(who.kind, form))

    def _by_name(self, who: Character, change: Callable[[str], str] = str) -> None:
        """`Lily`, `the baker`, `his mom`; with an introduction if nobody knows them yet."""
        if who.of is not None:
            if self._clear(who.of):
                self._mention(who.of, PRONOUNS["his"][who.of.pronoun], subject=False)
            elif who in self._seen:
                self._mention(who, change(CALLS[who.relation]))
                return
            else:
                self._mention(who.of, possessive(self._call(who.of)), subject=False)
            self._write(" ")
            self._mention(who, change(who.relation))
        elif not who.introduced:
            self._introduce(who, "first")
            if change is not str:
                raise SlmError(f"{who.id} owns something before being introduced.", "Introduce them first.")
        elif who.name:
            self._mention(who, change(who.name))
        else:
            self._mention(who, change("the " + who.kind.noun))

    def _introduce(self, who: Character, way: str) -> None:
        """Tell who somebody is, by a phrase of `introduce.<way>.<group>`."""
        if who.introduced:
            self._by_name(who)
            return
        who.introduced = True
        size = {who.kind.size} if who is not self.cast["hero"] else set()
        phrases = [
            one
            for one in self.language.phrases[f"introduce.{way}.{who.kind.group}"]
            if one.needs <= size and not one.forbids & size
        ]
        template = self.chooser.choose(f"introduce.{way}", phrases, [one.weight for one in phrases])
        before = self.cast.get("who")
        self.cast["who"] = who
        self._parts(template.parts)
        self.cast["who"] = before

    def _call(self, who: Character) -> str:
        """How one calls somebody: the name (given here if there is none yet), `Mom`, or the kind."""
        if who.relation:
            return CALLS[who.relation]
        if who.kind.group == "grown-up":
            return who.kind.noun.capitalize()
        if not who.name:
            names = self.language.child_names if who.kind.group == "child" else self.language.animal_names
            wanted = who.pronoun or who.kind.pronoun
            free = [
                one for one in names if one.text not in self._names and (not wanted or one.pronoun == wanted)
            ]
            name = self.chooser.choose("name", free, [one.weight for one in free])
            who.name, who.pronoun, who.introduced = name.text, name.pronoun, True
            self._names.add(name.text)
        return who.name

    def _trait(self, who: Character) -> str:
        if not who.trait:
            traits = self.language.traits
            who.trait = self.chooser.choose("trait", traits, [weight for _, weight in traits])[0]
        return who.trait

    def _item(self, item: Item, form: str) -> None:
        thing = item.thing
        if form in NUMBER_FORMS:
            words = NUMBER_FORMS[form][thing.number]
            if form in ("it", "they"):
                self._mention(item, words)
            else:
                self._write(words)
        elif form == "noun":
            self._mention(item, thing.noun)
        elif form == "use":
            self._write(self.chooser.choose("use", thing.uses))
        elif form in ("his", "a") or not item.introduced:
            self._first_look(item)
            words = f"{item.look} {thing.noun}".strip()
            if form == "his" and item.owner is not None:
                self._character(item.owner, Reference("", "his", False))
                self._write(" ")
                self._mention(item, words)
            elif form == "the":
                self._mention(item, "the " + words)
            else:
                self._mention(item, indefinite(words, thing.number))
        else:
            self._mention(item, "the " + thing.noun)

    def _first_look(self, item: Item) -> None:
        """Choose, when a thing is first told, how it looks."""
        if not item.introduced:
            item.introduced = True
            look = self.chooser.choose("look", item.thing.looks)
            sizes = SIZES_BEFORE_COLOR if look in COLORS else ("",)
            size = self.chooser.choose("size", sizes, SIZE_WEIGHTS[: len(sizes)])
            item.look = f"{size} {look}".strip()

    def _place(self, place: Place, form: str) -> None:
        if form == "at":
            self._mention(place, f"{place.into} the {place.noun}")
        elif form == "noun":
            self._mention(place, place.noun)
        elif form == "sight":
            fresh = [sight for sight in place.sights if sight not in self.used]
            sight = self.chooser.choose("sight", fresh)
            self.used.add(sight)
            self._write(sight)
        elif form == "to":
            self._mention(place, "to the " + place.noun)
        else:
            self._mention(place, "the " + place.noun)

"""The small world in which a story happens: who is where, who has what, who feels what and why.

Plots change it only through the methods below. Each refuses what cannot be (to give what one does not
hold, to climb without hands or claws, to break a promise nobody made), and writes down what happened.
Nothing here knows any English beyond the nouns of the vocabulary.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from slmlib.errors import SlmError
from slmlib.storyworld.vocabulary.kinds import Kind, Place, Thing


class ImpossibleEvent(SlmError, ValueError):
    """A plot asked for something that cannot happen in this world."""


@dataclass(slots=True, eq=False)
class Character:
    """Somebody in one story. The name may come later than the person: it is chosen when it is first told."""

    id: str
    kind: Kind
    name: str = ""
    pronoun: str = ""
    relation: str = ""
    """mom, dad, ... of `of`; empty for everybody else."""
    of: "Character | None" = None
    trait: str = ""
    introduced: bool = False
    place: Place | None = None


@dataclass(slots=True, eq=False)
class Item:
    """A thing in one story. How it looks is chosen when it is first told."""

    id: str
    thing: Thing
    look: str = ""
    introduced: bool = False
    owner: Character | None = None
    holder: "Character | Place | None" = None
    broken: bool = False
    gone: bool = False


@dataclass(slots=True)
class Promise:
    """A word given: kept, broken, or still open (`kept` is None)."""

    who: Character
    to: Character
    what: str
    kept: bool | None = None


@dataclass(slots=True)
class World:
    """The state of one story. `now` tells where in the text we are, so that events can be found in it."""

    now: Callable[[], int] = lambda: 0
    characters: list[Character] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    weather: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)

    def record(self, event: str, **facts: str) -> None:
        """Write an event into the book. Facts are ids and plain words."""
        self.events.append({"event": event, **facts, "at": self.now()})

    # ---- who and where

    def arrive(self, who: Character, place: Place) -> None:
        """`who` comes to `place`. What lives only in water stays in water."""
        if "afloat" in who.kind.can and "water" not in place.tags:
            raise ImpossibleEvent(
                f"A {who.kind.noun} cannot go to the {place.noun}.", "Choose a place with water."
            )
        who.place = place
        self.record("arrive", who=who.id, place=place.noun)

    def act(self, who: Character, ability: str) -> None:
        """`who` climbs, flies, swims, digs: only who can, may."""
        if ability not in who.kind.can:
            raise ImpossibleEvent(f"A {who.kind.noun} cannot {ability}.", "Choose a kind that can.")
        self.record("act", who=who.id, ability=ability)

    def feel(self, who: Character, feeling: str, because: str) -> None:
        """`who` begins to feel something, for a reason."""
        if not because:
            raise ImpossibleEvent(f"{who.id} cannot feel {feeling} for no reason.", "Say why.")
        self.record("feel", who=who.id, feeling=feeling, because=because)

    # ---- things

    def appear(self, item: Item, owner: Character | None, at: Character | Place | None) -> None:
        """A thing comes into the story, owned by somebody or nobody, with somebody or at a place."""
        self.items.append(item)
        item.owner, item.holder = owner, at
        self.record("appear", what=item.id, owner=_id(owner), place=_id(at))

    def _take(self, item: Item, giver: Character) -> None:
        if not isinstance(item, Item):
            raise ImpossibleEvent(
                "Only things can change hands: nobody can lend a lake.", "Hand over an item."
            )
        if item.holder is not giver:
            raise ImpossibleEvent(f"{giver.id} does not hold {item.id}.", "Let them get it first.")

    def give(self, item: Item, giver: Character, taker: Character) -> None:
        """The thing and its ownership pass from giver to taker."""
        self._take(item, giver)
        if item.owner not in (giver, None):
            raise ImpossibleEvent(f"{giver.id} cannot give away {item.id} of another.", "Lend or return it.")
        item.owner = item.holder = taker
        self.record("give", who=giver.id, what=item.id, to=taker.id)

    def lend(self, item: Item, giver: Character, taker: Character) -> None:
        """The thing passes on, its owner stays."""
        self._take(item, giver)
        item.holder = taker
        self.record("lend", who=giver.id, what=item.id, to=taker.id)

    def give_back(self, item: Item, giver: Character) -> None:
        """The thing returns to its owner."""
        self._take(item, giver)
        owner = item.owner
        if owner is None or owner is giver:
            raise ImpossibleEvent(f"{item.id} has no other owner to return to.", "Give it instead.")
        item.holder = owner
        self.record("give back", who=giver.id, what=item.id, to=owner.id)

    def lose(self, item: Item, to: Place | None = None) -> None:
        """The thing slips away from who held it, to a place or to nobody knows where."""
        loser = item.holder
        if not isinstance(loser, Character):
            raise ImpossibleEvent(
                f"Nobody holds {item.id}, so nobody can lose it.", "Let somebody hold it first."
            )
        item.holder = to
        self.record("lose", who=loser.id, what=item.id)

    def find(self, item: Item, who: Character) -> None:
        """`who` picks up a thing that nobody holds."""
        if isinstance(item.holder, Character):
            raise ImpossibleEvent(f"{item.id} is not lost.", "Somebody holds it; let them give it.")
        item.holder = who
        self.record("find", who=who.id, what=item.id)

    def grab(self, item: Item, who: Character) -> None:
        """`who` takes a thing from another without asking."""
        victim = item.holder
        if not isinstance(victim, Character) or victim is who:
            raise ImpossibleEvent(
                f"{who.id} cannot grab {item.id}: no other holds it.", "Let another hold it."
            )
        item.holder = who
        self.record("grab", who=who.id, what=item.id, victim=victim.id)

    def damage(self, item: Item, who: Character) -> None:
        """The thing breaks or tears."""
        if item.broken:
            raise ImpossibleEvent(f"{item.id} is broken already.", "Mend it first.")
        item.broken = True
        self.record("break", who=who.id, what=item.id)

    def mend(self, item: Item, who: Character) -> None:
        """The thing is whole again."""
        if not item.broken:
            raise ImpossibleEvent(f"{item.id} is not broken.", "Break it first.")
        item.broken = False
        self.record("mend", who=who.id, what=item.id)

    def consume(self, item: Item, who: Character) -> None:
        """Food is eaten; it is gone from the world."""
        if "food" not in item.thing.tags or item.gone:
            raise ImpossibleEvent(f"{item.id} cannot be eaten.", "Only food that is still there can.")
        item.gone, item.holder = True, None
        self.record("eat", who=who.id, what=item.id)

    # ---- words given

    def promise(self, who: Character, to: Character, what: str) -> Promise:
        """`who` gives a word to another."""
        given = Promise(who, to, what)
        self.promises.append(given)
        self.record("promise", who=who.id, to=to.id, what=what)
        return given

    def settle(self, promise: Promise, kept: bool) -> None:
        """The promise is kept or broken, once."""
        if promise.kept is not None:
            raise ImpossibleEvent("A promise is settled only once.", "Make a new one.")
        promise.kept = kept
        self.record("keep promise" if kept else "break promise", who=promise.who.id, what=promise.what)


def _id(entity: Character | Place | None) -> str:
    if entity is None:
        return ""
    return entity.noun if isinstance(entity, Place) else entity.id

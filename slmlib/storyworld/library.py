"""The library: everything a story can be made of, gathered once and looked up quickly.

A smaller library is a smaller world; nothing in a plot reads the vocabulary by itself.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slmlib.storyworld.narrator import Language
from slmlib.storyworld.vocabulary.kinds import Kind, Place, Thing

if TYPE_CHECKING:
    from slmlib.storyworld.tale import Tale


@dataclass(frozen=True, slots=True)
class Plot:
    """A way a story can go: its name (also the prefix of its phrases), how common it is, and who may live it."""

    name: str
    tell: Callable[["Tale"], None]
    weight: int
    when: str
    """`main`: carries a story. `meanwhile`: told inside another plot, about the character in the role `other`.
    `afterwards`: follows another plot."""
    hero: str
    """child, animal or any."""
    place: str
    """Tags of the place where it happens; empty when the plot sees to that itself."""
    fits: Callable[["Tale"], bool]


def plot(
    weight: int = 3,
    when: str = "main",
    hero: str = "any",
    place: str = "",
    fits: Callable[["Tale"], bool] = lambda tale: True,
) -> Callable[[Callable[["Tale"], None]], Plot]:
    """Make a plot of a function; its name becomes the plot's."""
    return lambda function: Plot(function.__name__, function, weight, when, hero, place, fits)


def suits(tags: Set[str], wanted: str) -> bool:
    """Whether all the wanted tags are there, and none of those written with a `!`, as in "carried !food"."""
    return all(tag[1:] not in tags if tag[0] == "!" else tag in tags for tag in wanted.split())


class Library:
    """Vocabulary, plots and language of one world. Look-ups are remembered, for they never change."""

    def __init__(
        self,
        language: Language,
        children: Sequence[Kind],
        animals: Sequence[Kind],
        heroes: Sequence[Kind],
        grown_ups: Sequence[Kind],
        family: Mapping[str, tuple[str, int]],
        places: Sequence[Place],
        things: Sequence[Thing],
        plots: Sequence[Plot],
    ):
        """heroes: who may be the hero; family: pronoun and weight of each word for one's own people."""
        self.language, self.children, self.animals, self.heroes = language, children, animals, heroes
        self.grown_ups, self.family = {kind.noun: kind for kind in grown_ups}, family
        self.places, self.things = places, things
        self.plots = {plot.name: plot for plot in plots}
        self.main_plots, self.side_plots, self.after_plots = (
            tuple(plot for plot in plots if plot.when == when) for when in ("main", "meanwhile", "afterwards")
        )
        self._things: dict[str, tuple[Thing, ...]] = {}
        self._places: dict[tuple[str, str], tuple[Place, ...]] = {}
        self._company: dict[tuple[str, str, str, str, str], tuple[Kind, ...]] = {}

    def things_with(self, tags: str) -> tuple[Thing, ...]:
        """Things with these tags, see `suits`."""
        if tags not in self._things:
            self._things[tags] = tuple(one for one in self.things if suits(one.tags, tags))
        return self._things[tags]

    def places_for(self, hero: Kind, tags: str) -> tuple[Place, ...]:
        """Places with these tags, see `suits`, where such a hero may go: a child anywhere safe, an animal near its
        home; maybe none."""
        key = (hero.noun, tags)
        if key not in self._places:
            self._places[key] = tuple(
                place
                for place in self.places
                if suits(place.tags, tags)
                and (
                    "town" in place.tags or "child" in place.tags
                    if hero.group == "child"
                    else place.tags & {*hero.homes}
                )
            )
        return self._places[key]

    def company(self, hero: Kind, place: Place | None, can: str, size: str, group: str) -> tuple[Kind, ...]:
        """Who may be met at this place: kinds that live there, are able to do it, and are of this size and group."""
        key = (hero.group, place.noun if place else "", can, size, group)
        if key not in self._company:
            everybody = (*self.children, *self.animals) if hero.group == "child" else self.animals
            able = [
                kind
                for kind in everybody
                if (can in kind.can if can else "afloat" not in kind.can)
                and (not size or kind.size in size.split())
                and group in ("", kind.group)
            ]
            near = [
                kind for kind in able if place is None or kind.group == "child" or place.tags & {*kind.homes}
            ]
            walkers = [kind for kind in able if "afloat" not in kind.can]
            self._company[key] = tuple(near if len(near) > 1 else walkers)
        return self._company[key]

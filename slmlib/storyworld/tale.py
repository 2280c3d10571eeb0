"""The tale: what a plot holds in its hands.

Roles (`hero`, `friend`, `toy`) stand for people, things and places. A method changes the world, or has the
narrator say something, or both; a plot needs nothing else.
"""

from collections.abc import Callable, Iterable
from typing import Any

from slmlib.storyworld.choices import Chooser
from slmlib.storyworld.library import Library
from slmlib.storyworld.narrator import Narrator
from slmlib.storyworld.page import Page
from slmlib.storyworld.vocabulary.kinds import Kind, Place, Thing
from slmlib.storyworld.world import Character, Item, World

LONG_ENOUGH = 700
"""Characters after which nothing is added that the plot can do without."""


class Tale:
    """One story being told."""

    def __init__(self, library: Library, chooser: Chooser, page: Page):
        """library: what there is; chooser: decides; page: where the text grows."""
        self.library, self.chooser, self.page = library, chooser, page
        self.world = World(now=lambda: len(page.text))
        self.cast: dict[str, Any] = {}
        self.tags: set[str] = set()
        self.narrator = Narrator(library.language, chooser, page, self.cast, self.tags)
        self.plots: list[str] = []
        self.plot = ""
        self.lessons = self.lesson = self.problem = self.helper = self.resolution = ""

    # ---- telling

    def tell(self, *keys: str) -> None:
        """Say these in a row. A key without a dot belongs to the plot that is being told."""
        for key in keys:
            self.narrator.tell(key if "." in key else f"{self.plot}.{key}")

    def paragraph(self, *keys: str) -> None:
        """Begin a new paragraph, and say these in it."""
        self.narrator.paragraph()
        self.tell(*keys)

    def choose(self, role: str, options: Iterable[Any], weights: Iterable[int] | None = None) -> Any:
        """Let chance decide what a role stands for; the plot must tell it soon, so that the choice shows."""
        chosen = self.chooser.choose(role, tuple(options), tuple(weights) if weights is not None else None)
        self.cast[role] = chosen
        return chosen

    def maybe(self, name: str, yes: int, no: int) -> bool:
        """A turn of the story that happens or does not; what follows must show which."""
        return self.chooser.choose(name, (True, False), (yes, no))

    @property
    def short(self) -> bool:
        """Whether there is room for something the plot can do without."""
        return len(self.page.text) < LONG_ENOUGH

    # ---- people

    @property
    def hero(self) -> Character:
        """Whom the story is about."""
        hero: Character = self.cast["hero"]
        return hero

    def who(self, role: str) -> Character:
        """The character in a role."""
        character: Character = self.cast[role]
        return character

    def add(self, role: str, kind: Kind) -> Character:
        """Somebody of this kind comes into the story, at the place where the hero is."""
        character = Character(f"{role}{len(self.world.characters)}", kind, pronoun=kind.pronoun)
        self.world.characters.append(character)
        self.cast[role] = character
        if "hero" in self.cast:
            character.place = self.hero.place
        return character

    def family(self, role: str = "parent", only: str = "") -> Character:
        """One of the hero's own people: mom, dad, grandma ... (`only`: which, in one string)."""
        words = [word for word in self.library.family if not only or word in only.split()]
        word = self.chooser.choose("family", words, [self.library.family[word][1] for word in words])
        for character in self.world.characters:
            if character.relation == word and character.of is self.hero:
                self.cast[role] = character
                return character
        pronoun = self.library.family[word][0]
        character = Character(f"{word}{len(self.world.characters)}", self.hero.kind, pronoun=pronoun)
        character.relation, character.of, character.introduced = word, self.hero, True
        character.place = self.hero.place
        self.world.characters.append(character)
        self.cast[role] = character
        return character

    def friend(
        self,
        role: str = "friend",
        can: str = "",
        size: str = "",
        group: str = "",
        fits: Callable[[Kind], bool] = lambda kind: True,
    ) -> Character:
        """Somebody to meet here: of the hero's world, living near this place, able to do what is needed."""
        present = [character.kind for character in self.world.characters if character.kind.group == "animal"]
        kinds: list[Kind] = []
        for place in (self.hero.place, None):  # neighbors first; else somebody from far away
            company = self.library.company(self.hero.kind, place, can, size, group)
            kinds = kinds or [kind for kind in company if kind not in present and fits(kind)]
        return self.add(role, self.chooser.choose(role, kinds, [kind.weight for kind in kinds]))

    def grown_up(self, role: str, noun: str) -> Character:
        """The farmer, the baker, the doctor: somebody known by what they do."""
        return self.add(role, self.library.grown_ups[noun])

    # ---- places, weather, time

    def place(self, tags: str = "") -> Place:
        """Choose a place with all these tags that suits the hero: the role `place`."""
        places = self.library.places_for(self.hero.kind, tags)
        place: Place = self.choose("place", places, [place.weight for place in places])
        return place

    def go(self) -> None:
        """The hero comes to the place."""
        place: Place = self.cast["place"]
        self.world.arrive(self.hero, place)
        for tag in ("outside", "inside"):
            self.tags.discard(tag)
        self.tags.update(place.tags & {"outside", "inside", "water", "trees", "home", "wild"})

    def scene(self) -> Place:
        """The hero goes on a certain day to the kind of place the plot asks for."""
        place = self.place(self.library.plots[self.plot].place)
        self.go()
        self.set_weather()
        self.paragraph("scene.go")
        extras = ("", "scene.sight", "passing.outside" if "outside" in self.tags else "passing.inside")
        extra = self.chooser.choose("extra", extras, (3, 2, 2))
        if extra:
            self.tell(extra)
        return place

    def set_weather(self) -> None:
        """The day is fine unless a plot said otherwise."""
        if not self.world.weather:
            self.world.weather = "sunny"
            self.tags.update(("day", "sunny"))

    def tell_or_not(self, key: str, yes: int, no: int) -> bool:
        """Say something, or leave it out."""
        told = self.maybe(key + "?", yes, no)
        if told:
            self.tell(key)
        return told

    # ---- things

    def thing(self, role: str, tags: str, owner: str | None = None, at: str | None = None) -> Item:
        """A thing with all these tags comes into the story: somebody's, or lying at a place, or nobody's."""
        present = [item.thing for item in self.world.items]
        kinds = [thing for thing in self.library.things_with(tags) if thing not in present]
        return self.add_thing(
            role, self.chooser.choose(role, kinds, [kind.weight for kind in kinds]), owner, at
        )

    def add_thing(self, role: str, thing: Thing, owner: str | None = None, at: str | None = None) -> Item:
        """This very kind of thing comes into the story."""
        item = Item(f"{role}{len(self.world.items)}", thing)
        somebody = self.who(owner) if owner else None
        self.world.appear(item, somebody, self.cast[at] if at else somebody)
        self.cast[role] = item
        return item

    def add_found(self, role: str, tags: str, owner: str) -> Item:
        """A thing lies here that somebody lost."""
        return self.thing(role, tags, owner, at="place")

    def give(self, what: str, to: str) -> None:
        """Who holds it gives it away for good."""
        item: Item = self.cast[what]
        self.world.give(item, _holder(item), self.who(to))

    def lend(self, what: str, to: str) -> None:
        """Who holds it lets another have it for a while."""
        item: Item = self.cast[what]
        self.world.lend(item, _holder(item), self.who(to))

    def give_back(self, what: str) -> None:
        """It returns to its owner."""
        item: Item = self.cast[what]
        self.world.give_back(item, _holder(item))

    # ---- moods and words given

    def feel(self, role: str, feeling: str, because: str, say: bool = True) -> None:
        """A mood with its reason; told by a phrase of `feel.<feeling>` unless the plot tells it itself."""
        self.world.feel(self.who(role), feeling, because)
        if say:
            before = self.cast.get("who")
            self.cast["who"] = self.who(role)
            self.tell("feel." + feeling)
            self.cast["who"] = before

    # ---- plots in plots

    def end(self, problem: str, helper: str, resolution: str, lessons: str) -> None:
        """What it was all about: for the facts, and for the moral. A plot told inside another one does not end like this.

        lessons: what may be learned, by name (see english/endings.py), parted by commas.
        """
        self.problem, self.resolution, self.lessons = problem, resolution, lessons
        self.helper = self.who(helper).id

    def run(self, name: str) -> None:
        """Tell another plot here, with the cast as it stands."""
        before = self.plot
        self.plot = name
        self.plots.append(name)
        self.library.plots[name].tell(self)
        self.plot = before

    def detour(self, role: str) -> None:
        """Before `role` can help, perhaps something must be done for them first, or something happens."""
        if not self.short:
            return
        fitting = [plot for plot in self.library.side_plots if plot.fits(self)]
        names = ["", "passing", *(plot.name for plot in fitting)]
        total = sum(plot.weight for plot in fitting)
        name = self.chooser.choose(
            "detour", names, [total // 2, total // 3, *(plot.weight for plot in fitting)]
        )
        if name == "passing":
            self.tell("passing.outside" if "outside" in self.tags else "passing.inside")
        elif name:
            before = self.cast.get("other")
            self.cast["other"] = self.who(role)
            self.run(name)
            self.cast["other"] = before


def _holder(item: Item) -> Character:
    assert isinstance(item.holder, Character), f"nobody holds {item.id}"
    return item.holder

"""The whole world of StoryWorld in English: vocabulary, plots and phrases gathered into one library."""

from collections.abc import Mapping, Sequence
from functools import cache
from types import ModuleType

from slmlib.storyworld.english import ROOMS as PHRASE_ROOMS
from slmlib.storyworld.english.words import CLASSES, TRAITS
from slmlib.storyworld.library import Library, Plot
from slmlib.storyworld.narrator import Language, Phrasebook
from slmlib.storyworld.plots import ROOMS as PLOT_ROOMS
from slmlib.storyworld.template import compile_template
from slmlib.storyworld.vocabulary.animals import ANIMALS, HEROES
from slmlib.storyworld.vocabulary.people import ANIMAL_NAMES, CHILD_NAMES, CHILDREN, FAMILY, GROWN_UPS
from slmlib.storyworld.vocabulary.places import PLACES
from slmlib.storyworld.vocabulary.things import EVERYTHING


@cache
def full_library() -> Library:
    """Everything there is. Built once; it never changes."""
    return Library(
        language=Language(read_phrases(PHRASE_ROOMS), CHILD_NAMES, ANIMAL_NAMES, TRAITS),
        children=CHILDREN,
        animals=ANIMALS,
        heroes=(*CHILDREN, *HEROES),
        grown_ups=GROWN_UPS,
        family=FAMILY,
        places=PLACES,
        things=EVERYTHING,
        plots=read_plots(PLOT_ROOMS),
    )


def read_phrases(rooms: Sequence[Mapping[str, Mapping[str, Sequence[str]]]]) -> Phrasebook:
    """Compile phrases {plot: {beat: templates}} to {plot.beat: compiled templates}."""
    return {
        f"{plot}.{beat}": tuple(
            compile_template(source, f"{plot}.{beat}#{number}", CLASSES)
            for number, source in enumerate(sources)
        )
        for room in rooms
        for plot, beats in room.items()
        for beat, sources in beats.items()
    }


def read_plots(rooms: Sequence[ModuleType]) -> list[Plot]:
    """The plots of these modules, in the order they are written there."""
    return [value for room in rooms for value in vars(room).values() if isinstance(value, Plot)]

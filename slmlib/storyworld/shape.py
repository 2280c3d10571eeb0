"""The shape of every story: who it is about, what happens, what was learned, how it closes."""

from slmlib.storyworld.library import Plot
from slmlib.storyworld.tale import Tale

ENOUGH = 420
"""Characters before which a story certainly needs something more."""
ROOMY = 950
"""Characters up to which there is room for something more."""


def tell_story(tale: Tale) -> None:
    """Tell one whole story."""
    open_story(tale)
    plot = choose_plot(tale)
    tale.run(plot.name)
    go_on(tale)
    close_story(tale)


def open_story(tale: Tale) -> None:
    """Choose the hero, and introduce them."""
    kinds = tale.library.heroes
    hero = tale.add("hero", tale.chooser.choose("hero", kinds, [kind.weight for kind in kinds]))
    tale.tags.add(hero.kind.group)
    way = tale.chooser.choose("opening", ("open", "begin"), (3, 1))
    tale.tell(f"{way}.{hero.kind.group}")
    if way == "begin":
        tale.tags.add("begun")
    else:
        tale.tell_or_not("about." + hero.kind.group, 3, 2)


def choose_plot(tale: Tale) -> Plot:
    """Choose what happens, among the plots such a hero can live."""
    kind = tale.hero.kind
    fitting = [
        plot
        for plot in tale.library.main_plots
        if plot.hero in ("any", kind.group) and tale.library.places_for(kind, plot.place) and plot.fits(tale)
    ]
    chosen: Plot = tale.chooser.choose("plot", fitting, [plot.weight for plot in fitting])
    return chosen


def go_on(tale: Tale) -> None:
    """Some stories have an afterwards."""
    fitting = [plot for plot in tale.library.after_plots if plot.fits(tale)]
    if fitting:
        tale.tags.add("friends")
    if len(tale.page.text) > ROOMY or not fitting:
        return
    names = ["", *(plot.name for plot in fitting)]
    total = sum(plot.weight for plot in fitting)
    name = tale.chooser.choose("afterwards", names, [total, *(plot.weight for plot in fitting)])
    if name:
        tale.run(name)


def close_story(tale: Tale) -> None:
    """Say what was learned, or close, or both; a short story always gets both."""
    length = len(tale.page.text)
    endings = ("both",) if length < ENOUGH else ("moral", "close", "both", "none")
    ending = tale.chooser.choose("ending", endings, (2, 2, 1, 3)[: len(endings)])
    if ending != "none":
        tale.narrator.paragraph()
    if ending != "none" and length < ROOMY:
        tale.tell_or_not("evening." + tale.hero.kind.group, 1, 2)
    if ending in ("moral", "both"):
        tale.lesson = tale.chooser.choose("lesson", tale.lessons.split(", "))
        tale.tell("moral." + tale.lesson)
    if ending in ("close", "both"):
        tale.tell("close.any")

"""Places, what one sees there, and what can happen there. Nobody can lend a lake: places are not things."""

from slmlib.storyworld.vocabulary.kinds import Place


def _place(noun: str, into: str, tags: str, sights: str, weight: int = 3) -> Place:
    return Place(
        noun, into, frozenset(tags.split()), tuple(part.strip() for part in sights.split(",")), weight
    )


PLACES = (
    _place("park", "in", "outside town play trees walk grass park", "green grass, tall trees, a long slide, ducks on a little lake, children on the swings", 12),
    _place("garden", "in", "outside home trees grass walk soil garden town", "yellow flowers, a green hedge, rows of carrots, bees on the roses, an old apple tree", 8),
    _place("yard", "in", "outside home play grass walk soil garden town", "a wooden fence, a swing, a sandbox, a pile of leaves, white clothes on a line", 5),
    _place("forest", "in", "outside wild trees walk soil berries forest child", "tall trees, soft green moss, red mushrooms, a winding path, birds in the branches", 10),
    _place("woods", "in", "outside wild trees walk soil berries forest child", "old trees, fallen leaves, a narrow path, ferns and moss", 4),
    _place("field", "in", "outside wild grass walk soil farm forest child", "tall yellow grass, wild flowers, a red tractor far away, butterflies", 4),
    _place("meadow", "in", "outside wild grass walk soil berries garden forest child", "daisies and clover, a little stream, bees and butterflies, soft green grass", 4),
    _place("hill", "on", "outside wild grass walk high forest farm child", "the whole town below, white clouds, short green grass, a big gray rock", 3),
    _place("beach", "at", "outside water sea play sand walk child", "white shells, big blue waves, a little boat, seagulls, wet yellow sand", 6),
    _place("pond", "at", "outside water walk grass pond forest child", "lily pads, green frogs, ducks in a row, tall reeds", 6),
    _place("lake", "at", "outside water walk grass trees pond forest child", "blue water, a wooden bridge, a small boat, tall reeds", 4),
    _place("river", "at", "outside water walk trees pond forest child", "smooth stones, a fallen log, fast clear water, little silver fish", 4),
    _place("farm", "on", "outside farm walk grass soil child", "a red barn, fat pink pigs, a noisy rooster, brown cows, a tall stack of hay", 5),
    _place("jungle", "in", "outside jungle trees walk soil wild berries", "long green vines, huge leaves, bright parrots, a tall waterfall", 5),
    _place("playground", "at", "outside town play walk park", "a tall slide, a row of swings, a seesaw, a sandbox, many children", 6),
    _place("school", "at", "inside town school", "small chairs, a big blackboard, bright pictures on the wall, a shelf full of books", 3),
    _place("library", "in", "inside town quiet", "shelves full of books, soft chairs, a globe, a big quiet room", 1),
    _place("market", "at", "outside town shop walk", "piles of red apples, loud sellers, baskets of bread, bright flowers", 3),
    _place("store", "in", "inside town shop", "rows of toys, jars of candy, shelves full of food, a long line of people", 3),
    _place("kitchen", "in", "inside home cook town", "a big pot on the stove, clean plates, a bowl of fruit, a warm oven", 3),
    _place("bedroom", "in", "inside home sleep town", "a soft bed, a shelf with toys, a round rug, a little lamp", 2),
    _place("living room", "in", "inside home town", "a soft couch, a big window, a warm rug", 2),
    _place("zoo", "at", "outside town walk", "sleepy lions, tall giraffes, funny monkeys, a pool full of seals", 2),
    _place("barn", "in", "inside farm child", "piles of hay, an old ladder, a row of hens, a dusty wagon", 2),
)  # fmt: skip

"""Animals: what they can do, where they live, what they eat and say. A fish cannot climb."""

from slmlib.storyworld.vocabulary.kinds import Kind, words


def _animal(
    noun: str,
    can: str,
    homes: str,
    size: str,
    food: str,
    house: str,
    sound: str,
    part: str = "paw",
    weight: int = 3,
    pronoun: str = "",
) -> Kind:
    return Kind(noun, "animal", pronoun, words(can), words(homes), size, food, house, sound, part, weight)


LAND_ANIMALS = (
    _animal("rabbit", "jump dig", "forest garden farm", "small", "carrots", "burrow", "Hop, hop!", weight=8),
    _animal("bunny", "jump dig", "forest garden", "small", "clover", "burrow", "Hop, hop!", weight=8),
    _animal("cat", "climb jump", "garden park farm", "small", "milk", "basket", "Meow!", weight=10),
    _animal("kitten", "climb jump", "garden park", "small", "milk", "basket", "Meow!", weight=5),
    _animal("dog", "dig swim", "garden park", "small", "bones", "kennel", "Woof!", weight=10),
    _animal("puppy", "dig swim", "garden park", "small", "bones", "kennel", "Woof!", weight=5),
    _animal("mouse", "climb dig", "farm garden", "tiny", "cheese", "hole", "Squeak!", weight=7),
    _animal("squirrel", "climb jump", "forest park", "small", "nuts", "nest", "Chirr, chirr!", weight=6),
    _animal("hedgehog", "dig", "forest garden", "small", "apples", "pile of leaves", "Snuff, snuff!"),
    _animal("fox", "dig jump", "forest", "small", "grapes", "den", "Yip!", weight=5),
    _animal("bear", "climb swim", "forest", "big", "honey", "cave", "Grr, hello!", weight=7),
    _animal("deer", "jump", "forest", "big", "grass", "clearing", "Hello, hello!", "leg", 2),
    _animal("raccoon", "climb", "forest", "small", "corn", "hollow tree", "Chitter, chatter!", weight=2),
    _animal("beaver", "swim dig", "forest pond", "small", "leaves", "dam", "Slap, slap!", weight=2),
    _animal("badger", "dig", "forest", "small", "roots", "den", "Hm, hm, hello!", weight=1),
    _animal("mole", "dig", "garden forest", "tiny", "roots", "tunnel", "Hello up there!", weight=2),
    _animal("pig", "dig", "farm", "big", "corn", "pen", "Oink!", "leg", 4),
    _animal("piglet", "dig", "farm", "small", "corn", "pen", "Oink!", "leg", 2),
    _animal("horse", "jump", "farm", "big", "hay", "stable", "Neigh!", "leg", 4),
    _animal("pony", "jump", "farm", "big", "hay", "stable", "Neigh!", "leg", 3),
    _animal("lamb", "jump", "farm", "small", "grass", "barn", "Baa!", "leg", 3),
    _animal("goat", "climb jump", "farm", "small", "turnips", "barn", "Maa!", "leg", 3),
    _animal("donkey", "kick", "farm", "big", "hay", "barn", "Hee-haw!", "leg", 2),
    _animal("monkey", "climb jump", "jungle", "small", "bananas", "tree house", "Ooh, ooh!", "hand", 4),
    _animal("elephant", "swim", "jungle", "big", "peanuts", "clearing", "Toot, toot!", "foot", 4),
    _animal("lion", "climb jump", "jungle", "big", "meat", "den", "Roar!", weight=4),
    _animal("tiger", "climb jump swim", "jungle", "big", "meat", "den", "Roar!", weight=2),
    _animal("giraffe", "reach", "jungle", "big", "leaves", "clearing", "Hello down there!", "leg", 2),
    _animal("zebra", "jump", "jungle", "big", "grass", "clearing", "Neigh!", "leg", 1),
    _animal("panda", "climb", "jungle forest", "big", "bamboo", "den", "Hello, hello!", weight=2),
    _animal("koala", "climb", "jungle", "small", "leaves", "tall tree", "Hello, sleepy head!", weight=1),
    _animal("kangaroo", "jump", "jungle", "big", "grass", "clearing", "Boing, boing!", "leg", 1),
    _animal("wolf", "dig jump", "forest", "big", "meat", "den", "Awoo!", weight=2),
    _animal(
        "lizard", "climb", "garden jungle", "tiny", "berries", "crack in a wall", "Hiss, hello!", "tail", 1
    ),
    _animal("snail", "crawl", "garden", "tiny", "lettuce", "shell", "Slow and steady!", "shell", 2),
    _animal("ant", "climb dig", "garden", "tiny", "crumbs", "ant hill", "One, two, march!", "leg", 2),
    _animal("caterpillar", "climb", "garden", "tiny", "leaves", "leaf", "Munch, munch!", "leg", 2),
)

BIRDS = (
    _animal("bird", "fly", "forest garden park", "tiny", "seeds", "nest", "Tweet, tweet!", "wing", 9),
    _animal("owl", "fly", "forest", "small", "berries", "hollow tree", "Hoo, hoo!", "wing", 5),
    _animal("robin", "fly", "garden park", "tiny", "seeds", "nest", "Chirp, chirp!", "wing", 3),
    _animal("parrot", "fly", "jungle", "small", "nuts", "nest", "Hello, hello!", "wing", 2),
    _animal("crow", "fly", "forest farm", "small", "corn", "nest", "Caw, caw!", "wing", 2),
    _animal("pigeon", "fly", "park", "small", "crumbs", "nest", "Coo, coo!", "wing", 2),
    _animal("penguin", "swim", "sea", "small", "fish", "nest on the ice", "Honk, honk!", "foot", 2),
    _animal("hen", "scratch", "farm", "small", "corn", "hen house", "Cluck, cluck!", "wing", 3, "she"),
    _animal(
        "rooster", "scratch", "farm", "small", "corn", "hen house", "Cock-a-doodle-doo!", "wing", 2, "he"
    ),
    _animal("chick", "scratch", "farm", "tiny", "seeds", "hen house", "Peep, peep!", "wing", 3),
    _animal(
        "butterfly", "fly", "garden park", "tiny", "nectar", "flower bed", "Flutter, flutter!", "wing", 3
    ),
    _animal("bee", "fly", "garden park", "tiny", "honey", "hive", "Buzz, buzz!", "wing", 3),
    _animal("ladybug", "fly", "garden", "tiny", "leaves", "leaf", "Hello, hello!", "wing", 2),
)

WATER_ANIMALS = (
    _animal("duck", "swim fly", "pond park farm", "small", "bread", "nest", "Quack, quack!", "wing", 7),
    _animal("duckling", "swim", "pond farm", "tiny", "bread", "nest", "Quack, quack!", "foot", 3),
    _animal("swan", "swim fly", "pond", "big", "bread", "nest", "Honk!", "wing", 1),
    _animal("frog", "swim jump", "pond", "small", "flies", "hut of reeds", "Ribbit!", "leg", 7),
    _animal("turtle", "swim", "pond sea", "small", "lettuce", "shell", "Slow and steady!", "leg", 6),
    _animal("otter", "swim", "pond sea", "small", "fish", "den", "Splish, splash!", weight=2),
    _animal("fish", "swim afloat", "pond sea", "tiny", "worms", "pond", "Blub, blub!", "fin", 6),
    _animal("dolphin", "swim afloat", "sea", "big", "fish", "bay", "Click, click!", "fin", 3),
    _animal("whale", "swim afloat", "sea", "big", "seaweed", "deep blue sea", "Whoosh!", "fin", 2),
    _animal("crab", "swim climb", "sea", "tiny", "seaweed", "hole in the sand", "Clack, clack!", "claw", 3),
    _animal("seal", "swim", "sea", "big", "fish", "rock", "Ark, ark!", "fin", 2),
    _animal("octopus", "swim afloat", "sea", "small", "crabs", "cave", "Hello with all my arms!", "arm", 2),
)

ANIMALS = LAND_ANIMALS + BIRDS + WATER_ANIMALS
TOO_SMALL_TO_CARRY = words("snail ant caterpillar butterfly bee ladybug lizard")
HEROES = tuple(kind for kind in ANIMALS if "afloat" not in kind.can and kind.noun not in TOO_SMALL_TO_CARRY)
"""Who can carry a toy and walk on land may be the hero of a story."""

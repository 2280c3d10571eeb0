"""Things to learn, with what goes wrong first and what helps."""

from slmlib.storyworld.vocabulary.kinds import Skill


def _skill(
    base: str, past: str, fails: str, advice: str, group: str = "any", part: str = "", weight: int = 3
) -> Skill:
    return Skill(base, past, fails, advice, group, part, weight)


SKILLS = (
    _skill("ride a bike", "rode a bike", "wobbled left, wobbled right, and fell over", "Look at the road, not at your feet", "child", weight=6),
    _skill("tie shoes", "tied both shoes", "made one big knot that would not open", "Make two ears like a bunny and put one through", "child", weight=3),
    _skill("whistle", "whistled a whole song", "blew and blew, but only air came out", "Make your mouth small and round, and blow softly", "child", weight=3),
    _skill("jump rope", "jumped ten times in a row", "got both feet caught in the rope", "Jump when you hear the rope touch the ground", "child", weight=3),
    _skill("skate", "skated in a circle", "slid, slipped, and sat down hard", "Bend your knees and go slowly", "child", weight=2),
    _skill("catch a ball", "caught ten balls in a row", "closed both eyes and missed every ball", "Keep your eyes open and watch the ball", "child", weight=3),
    _skill("draw a horse", "drew a beautiful horse", "drew something like a potato with legs", "Look first, and draw slowly", "child", weight=2),
    _skill("do a handstand", "stood upside down", "fell over like a tree", "Look at one spot and do not hurry", "child", weight=2),
    _skill("stand on one leg", "stood on one leg like a stork", "fell over again and again", "Look at one thing and breathe slowly", weight=2),
    _skill("sing a high note", "sang a note as high as a bird", "made a sound like an old door", "Stand up straight and open your mouth wide", weight=2),
    _skill("do a somersault", "rolled over like a ball", "landed flat on the back", "Tuck your head in and make yourself round", weight=3),
    _skill("jump over the stream", "jumped over the stream", "fell right into the water", "Run first, and then jump", weight=3),
    _skill("climb the big rock", "stood on top of the big rock", "slid down again and again", "Go around to the side where it is not so steep", weight=3),
    _skill("dance", "danced without one wrong step", "stepped on a flower, and then on a snail's house", "Listen to the music first, and then move", weight=4),
    _skill("count to twenty", "counted to twenty", "always forgot what came after twelve", "Make a little song out of it", weight=3),
    _skill("fly high", "flew above the trees", "flapped hard and landed in a bush", "Wait for the wind, and then spread your wings", "animal", "wing", 6),
    _skill("jump far", "jumped farther than ever before", "landed with a bump on the nose", "Run first, and push hard with your back legs", "animal", "paw", 3),
    _skill("dig a tunnel", "dug a long tunnel", "only got dirt in both eyes", "Dig a little, rest a little, and dig again", "animal", "paw", 3),
    _skill("run fast", "ran like the wind", "stumbled over a root after three steps", "Look ahead, and lift your feet", "animal", "leg", 3),
)  # fmt: skip

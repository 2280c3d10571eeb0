"""Phrases of plots/meanwhile.py. The role `other` is the one who is going to help."""

PHRASES = {
    "hungry_helper": {
        "asks": (
            '2* "But first I need something to eat," said {other}. "I have had nothing since [yesterday|breakfast|last night]."',
            'Just then, {other.s} tummy growled. "Sorry," said {other}. "I am so hungry that I can hardly think."',
        ),
        "shares": (
            "2* {Hero} had one [cookie|roll|piece of bread|apple] left and gave it to {other}. \"That was good!\" said {other}. \"Now I am strong again.\"",
            "So they looked for [berries|nuts|something good] together, and {hero} gave {other} the biggest part.",
        ),
    },
    "splinter": {
        "hurts": (
            '2* {Other} took one step and stopped. "Ow! There is a splinter in my {other.part}."',
            'But {other} stopped. "There is something sharp in my {other.part}," said {other}.',
        ),
        "pulls_out": (
            '2* {Hero} looked very closely and pulled it out. "It is gone!" said {other}. "You are a good doctor."',
            "{Hero} blew on it, and put a cool leaf around it. \"Much better,\" said {other}.",
        ),
    },
    "riddle": {
        "asks": (
            '2* "I will help you," said {other}, "if you can solve my riddle."',
            '"I love riddles," said {other}. "One riddle first, and then we start."',
        ),
        "question": (
            '(riddle-hole) "What gets bigger when you take something away?"',
            '(riddle-shadow) "What follows you all day and leaves at night?"',
            '(riddle-egg) "What is a house without doors and windows?"',
            '(riddle-river) "What runs all day and never gets tired?"',
            '(riddle-name) "What is yours, but others use it more than you do?"',
        ),
        "answer": (
            '(riddle-hole) {Hero} thought hard. "A hole!" "Right," said {other}.',
            '(riddle-shadow) {Hero} looked at the ground and laughed. "My shadow!"',
            '(riddle-egg) {Hero} thought of breakfast. "An egg!"',
            '(riddle-river) {Hero} thought for a long time. "A river!"',
            '(riddle-name) {Hero} [:didnot] know. Then {other} called, "{hero.name}!" And {hero} knew. "My name!"',
        ),
    },
    "sudden_rain": {
        "starts": (
            "2* But just then it began to rain, first a little, and then a lot.",
            'Suddenly the sky turned gray. "Rain!" called {other}.',
        ),
        "shelter": (
            "2* They ran and hid [under a big leaf|under an old bridge|in a hollow tree|under a rock], close together, and listened to the drops.",
            "There was no time to lose. They [sat under a thick tree|crept under a bush] and waited, and {other} told {hero} about [the sea|a very fat king|a cat who could whistle].",
        ),
        "stops": (
            "Soon the rain was over, and everything shone.",
            "Then the sun came back, and they went on.",
        ),
    },
    "own_errand": {
        "must": (
            '2* "But I have to {errand} first," said {other}, "and it takes so long."',
            '"I would love to," said {other}, "but I promised to {errand} today."',
        ),
        "together": (
            '2* "I will help you," said {hero}. With two it went twice as fast, and soon it was done.',
            "So they did it together. They sang while they worked, and before the third song it was done.",
        ),
    },
    "shy_helper": {
        "afraid": (
            '2* But then {other} looked at the ground. "I have never done this before. What if it goes wrong?"',
            '"I am not sure I can," said {other} all at once. "I am not very brave."',
        ),
        "encourages": (
            '2* "Then it goes wrong, and we try again," said {hero}. That made {other} smile.',
            '"I think you can," said {hero}. "And I will be right here." {Other} took a deep breath.',
        ),
    },
    "promise_song": {
        "wants": (
            '2* "What will you do for me?" asked {other}. "I will [sing a song for you|tell you a story|scratch your back|teach you a dance]," said {hero}. "I promise."',
            '"And after that, will you play with me?" asked {other}. "I promise," said {hero}.',
        ),
        "keeps": (
            "And because a promise is a promise, {hero} started right away.",
            "\"Here is a little bit of it now,\" said {hero}, and {other} clapped.",
        ),
    },
}  # fmt: skip

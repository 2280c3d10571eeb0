"""Phrases of plots/afterwards.py."""

PHRASES = {
    "favor_returned": {
        "trouble": (
            "2* [A week later|The next day|A few days later|That winter|The next summer], it was {friend} who had a problem. It was {trouble}.",
            "[Two days later|One week later|A month later], {hero} went to visit {friend}. \"I have {trouble},\" said {friend}, \"and I don't know what to do.\"",
        ),
        "helps": (
            '2* "You helped me, and now I will help you," said {hero}. They [worked|thought|talked] about it [together|all morning|for an hour|over a cup of tea], and [soon|in the end|before dinner] everything was fine.',
            "{Hero} didn't have to think about it. [An hour|A day|A moment] later, [the problem was solved|{friend} could laugh about it|all was well again].",
            '"Leave it to me," said {hero}. It took [some time|three tries|a lot of patience|the whole day|all their ideas], but then it was done.',
        ),
    },
    "thank_you_gift": {
        "brings": (
            "2* [The next day|The next morning|On Sunday|A few days later], {friend} came to {hero.s} door with {present}. \"This is for you,\" said {friend}.",
            "[A little later|That same evening|A week later], {friend} had a surprise for {hero}. It was {present}!",
        ),
        "joy": (
            "{Hero} [could not believe it|hugged {friend} tight|said thank you three times|laughed out loud|kept {present.it} forever|put {present.it} in the best place].",
            '"For me? But it isn\'t my birthday!" said {hero}. "I know," said {friend}.',
            '"You didn\'t have to," said {hero}. "But I wanted to," said {friend}.',
        ),
    },
    "passed_on": {
        "meets": (
            "2* [The next day|A week later|On the way home|Not long after that], {hero} saw {stranger}, who [was crying|looked lost|could not reach something|had dropped everything|needed a hand|had nobody to play with].",
            "[A few days later|Some time later], {hero} met {stranger}. {Stranger} [was in trouble, too|had the very same problem|looked just as sad as {hero} had been].",
        ),
        "helps": (
            '2* {Hero} remembered {friend}, and knew what to do. "[Let me help you|Don\'t worry|We can do it together|I know what that is like]," {hero.he} said.',
            '"Somebody helped me once," said {hero}, "and now I can help you."',
        ),
    },
    "supper_together": {
        "invites": (
            '2* "{friend.name}, would you like to stay for dinner?" asked {cook}. There was {meal}.',
            "In the evening, {cook} made {meal}, and {friend} was invited.",
        ),
        "eats": (
            "They ate [two bowls each|every bit of it|until their tummies were full|until it was all gone], and [laughed a lot|told the story again|talked until late|sang a song after that].",
            '"This is the best {meal.noun} in the world," said {friend}, and {cook} [laughed|smiled|turned red].',
            "The {meal.noun} was [:yummy], and {friend} [asked for more|told funny jokes|made everyone laugh|helped to wash the dishes].",
        ),
    },
    "secret_place": {
        "finds": (
            "2* [The next day|A week later|One rainy morning|That summer], {hero} and {friend} found [a hollow tree|an old boat|a tiny cave|a hole in the hedge|a tower with no door|a bridge that nobody used|a garden behind a wall|an empty hut].",
            "{Friend} knew a secret place, [behind the mill|under the bridge|at the end of the path|on top of the hill|behind the old barn], and showed it to {hero}.",
        ),
        "makes_it_theirs": (
            "They [cleaned it|swept it|painted it blue|put a rug in it|made a door for it] and called it [the castle|home|the moon|number one|the club house|the ship]. [Nobody else knew about it.|Only the birds knew.|They never told anyone.]",
            "There they [ate their snacks|made their plans|read books|kept their treasures|told each other everything|watched the rain].",
        ),
    },
    "told_again": {
        "tells": (
            "[That evening|The next day|For weeks after that], {hero} and {friend} told [everyone|all their friends|the whole street|anyone who would listen|every bird and bug] what had happened.",
            "{Hero} told the story first, and then {friend} told it again.",
        ),
        "grows": (
            "Every time, it got a little [longer|bigger|better|scarier|funnier], and in the end there was even a [dragon|giant|pirate|whale|queen|ghost|hippo|rocket] in it.",
            "They [laughed so hard that they cried|told it so well that everyone clapped|acted it out with two spoons and a hat|drew it on a long piece of paper].",
        ),
    },
}  # fmt: skip

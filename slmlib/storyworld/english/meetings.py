"""How people meet, ask, offer, thank: what many plots need."""

PHRASES = {
    "meet": {
        "comes": (
            "4* [:Suddenly], {friend} came by.",
            "2* {Hero} looked up and saw {friend}.",
            "Along came {friend}.",
            '2* "[Hi|Hey|Hello|Good morning|Hi there|Hey there]!" said [a voice|a friendly voice|somebody|someone]. It was {friend}.',
            "Then {hero} noticed {friend}, who was [reading a book|eating a snack|looking for something|taking a nap|drawing in the sand|humming a song|counting clouds].",
            "{Hero} heard [footsteps|a sound|a rustle|someone singing] and turned around. There was {friend}.",
            "Then {hero} [met|saw] {friend}.",
            "Someone was [watching|coming closer|coming down the path]. It was {friend}.",
            "Not far away sat {friend}.",
        ),
        "known": (
            "3* {Hero} was there with {friend.known}.",
            "2* {Hero} met {friend.known} there.",
            "{Friend.known} was there too.",
        ),
        "thanks": (
            '3* "[:Thanks]" said {hero}.',
            '2* "[:Thanks] You are [a true friend|so kind|the best|very kind]," said {hero}.',
            '"[:Thanks]" said {hero}. "[:Welcome]" [:replied] {friend}.',
            "{Hero} thanked {friend} [very much|again and again|with all {hero.his} heart|and gave {friend.him} a kiss|and promised to help one day, too].",
            '"How can I thank you?" asked {hero}. "[Just smile!*2|Play with me!*2|You just did!|Be my friend!*2|Help somebody else some day!]" said {friend}.',
            '{Hero} gave {friend.him} a [big*3|warm|tight] hug. "[:Thanks]"',
        ),
        "play": (
            "{Hero} and {friend} played [together|happily|and laughed] [until the sun went down|all afternoon|for a long time|until it was time to go home].",
            "They [played|laughed and played|had so much fun|ran and played|sang and danced] [together|all day long|until it was time to go home|until the stars came out].",
            "After that, {hero} and {friend} were [good|best|the best of] friends.",
            "They played [hide and seek|tag|pirates|catch|house|a game with stones|leapfrog|school|jump over the stick] [all day|until dinner|until it was dark|until their legs were tired|again and again].",
            "{Hero} and {friend} [decided|agreed] to [meet again the next day|play together every day|always be friends|build a secret place|have a picnic soon].",
        ),
    },
}  # fmt: skip

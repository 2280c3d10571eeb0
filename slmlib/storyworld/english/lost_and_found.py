"""Phrases of plots/lost_and_found.py."""

PHRASES = {
    "lost_toy": {
        "loves": (
            "3* {Hero} had {toy}. {Hero} {toy.use}.",
            "2* {Hero} had {toy} that {hero.he} loved very much.",
            "{Hero} had many nice things, but {hero.he} loved {toy.his} most of all.",
            "For {hero.his} birthday, {hero} got {toy}. {Hero} {toy.use}.",
        ),
        "gone": (
            '3* But when {hero} wanted to play, {toy} {toy.was} gone! "[:Ohno]" {hero.he} said. "Where {toy.is} my {toy.noun}?"',
            "2* Then {hero} saw that {toy} {toy.was} not there any more.",
            '"Where {toy.is} my {toy.noun}?" cried {hero}. {Toy} {toy.was} not [in {hero.his} bag|under {hero.his} arm|where {toy.they} should be].',
            "On the way, {hero} [ran and jumped|skipped and sang|looked at everything]. When {hero.he} stopped, {toy} {toy.was} gone.",
        ),
        "searches": (
            "{Hero} [:looked] under [a bench|a bush|the leaves] and behind [a tree|a big rock|the gate]. No {toy.noun}.",
            "{Hero} [:looked] here and there and everywhere, but {toy} {toy.was} nowhere to be [seen|found].",
            "{Hero} walked all the way back and looked at every [stone|step|corner].",
            "First {hero} looked [up|left]. Then {hero.he} looked [down|right]. Nothing!",
        ),
        "asks": (
            '2* "What are you looking for?" asked {friend}. "My {toy.noun}! I can\'t find {toy.it} anywhere," said {hero}. "Let\'s look together," [:replied] {friend}.',
            '{Hero} told {friend} all about {toy}. "Don\'t [cry|worry|be sad]," said {friend}. "[Four|Two pairs of] eyes are better than [two|one]. I will help you."',
            '"Did you see {toy.a}?" asked {hero}. "No," said {friend}, "but I am very good at finding things."',
            '"You look [:sad]. What happened?" asked {friend}. "I lost my {toy.noun}," said {hero}. "Then we must think," [:replied] {friend}. "Where did you see {toy.it} last?"',
        ),
        "found": (
            "2* They looked [high and low|under every leaf|all around]. [:Suddenly], {friend} started to laugh. {Toy} {toy.was} [hanging from {hero.name}'s own backpack|right behind {hero}|on top of {hero.s} own head|stuck to {hero.s} own back]!",
            'They looked and looked. At last {friend} [pointed|stopped]. "Is that it?" There, [in the tall grass|behind a flower pot|under a pile of leaves|next to a big stone|between two roots], {toy.was} the {toy.noun}!',
            "They followed {hero.s} footprints, step by step. And there, [under a bush|beside a puddle|next to the path], {hero} saw something [shine|move a little in the wind|peek out]. It was the {toy.noun}!",
            '"Think," said {friend}. "What did you do before you came here?" {Hero} thought hard. "I sat down [on a bench|under a tree|on a log] to [tie my shoe|eat a snack|rest]!" They ran there, and {toy} {toy.was} still waiting.',
        ),
    },
    "stuck_high": {
        "plays": (
            "2* {Hero} had brought {toy}. {Hero} [was so proud of {toy.it}|loved {toy.it} very much|showed {toy.it} to everyone].",
            "{Hero} had {toy} with {hero.him}, and {hero.he} {toy.use}.",
            "{Hero} was playing with {toy}.",
        ),
        "blown": (
            "3* [:Suddenly], [a big|a strong|a cold] wind came. Whoosh! It blew {toy} up, up, up, into the top of a [tall|big|very tall] tree.",
            "Then the wind began to blow. It pulled {toy} out of {hero.s} hands and carried {toy.it} up into a [high|tall] tree.",
            "But the wind was [strong|naughty] that day. It took {toy} and dropped {toy.it} on the highest branch of an old tree.",
        ),
        "tries": (
            "2* {Hero} jumped and jumped, but the branch was too high. {Hero} [shook the tree|threw a stick|found a long stick], but {toy} [:didnot] [move|come down].",
            '{Hero} stood on a rock. {Hero} stood on a log. But {hero.he} was still too [short|small]. "It is no use," {hero.he} [said|sighed].',
            '"Come down!" {hero} called. But {toy} stayed where {toy.they} {toy.was}, high up in the leaves.',
            "{Hero} asked the wind to blow again. But now the wind was quiet, and {toy} {toy.was} stuck.",
        ),
        "asks": (
            '2* "What are you looking at?" asked {friend}. "My {toy.noun}! The wind took {toy.it}," said {hero}. "Can you help me?"',
            '"Please, can you help me?" asked {hero}. "My {toy.noun} {toy.is} stuck up there, and I am too small." "Of course," said {friend}.',
            '"Why do you jump like that?" asked {friend}. {Hero} pointed up. "I see," said {friend}. "That is much too high for jumping."',
        ),
        "helped_by_climb": (
            "2* {Friend} put {friend.his} {friend.part} on the tree and climbed up, branch by branch. {Friend} took {toy} and came down [carefully|slowly|again]. \"Here you are!\"",
            '"Climbing is what I do best," said {friend}. Up, up {friend.he} went, and [soon|a moment later] {friend.he} was down again with {toy}.',
            "{Friend} looked at the tree, took a deep breath, and climbed. The leaves shook. Then down came {friend} with {toy}!",
        ),
        "helped_by_fly": (
            "2* {Friend} spread {friend.his} wings and flew up to the top of the tree. {Friend} pulled {toy} free and brought {toy.it} down to {hero}.",
            '"Flying is what I do best," said {friend}. Flap, flap! Up {friend.he} flew, and a moment later {hero} had {toy} again.',
            "{Friend} flew around the tree once, twice, three times. Then {friend.he} gave {toy} a little push, and {toy.they} fell right into {hero.s} arms.",
        ),
    },
    "fell_in_water": {
        "falls": (
            "3* {Hero} had {toy}. {Hero} held {toy.it} over the water to see {toy.it} in the mirror of the waves. Splash! In {toy.they} fell.",
            "{Hero} was [jumping|dancing|running] near the water with {toy}. Then {hero.he} slipped, and {toy} fell in. Splash!",
            '{Hero} washed {toy} in the water, but {toy.they} {toy.was} wet and slippery now. Plop! "[:Ohno]" cried {hero}. {Toy} {toy.was} in the water.',
        ),
        "tries": (
            "{Hero} tried to reach {toy.it} with a [long|] stick, but {toy.they} went farther and farther away.",
            "The water was cold and deep, and {hero} knew not to go in alone.",
            '"Come back!" {hero} called, but the water only [splashed|laughed and rolled on|made little circles].',
        ),
        "asks": (
            '2* "Why are you calling?" asked {friend}. "My {toy.noun} fell into the water," said {hero}. "Don\'t worry," [:replied] {friend}. "I can swim."',
            '"Was that splash you?" {friend} wanted to know. "No, it was my {toy.noun}," said {hero} sadly. "The water is so deep." "Not for me!" [:replied] {friend}.',
            '"Please help me," said {hero}. "My {toy.noun} {toy.is} in there." {Friend} looked at the water and nodded.',
        ),
        "fetches": (
            "2* {Friend} [jumped|dived|slid] into the water and swam [fast|quickly|without a sound]. Soon {friend.he} was back with {toy}.",
            "Splash! {Friend} was gone. {Hero} counted: one, two, three, four. Then up came {friend}, and {friend.he} had {toy}!",
            "{Friend} swam out, out, out. {Friend} gave {toy} a little push, and another, until {toy.they} {toy.was} back on land. {Toy} {toy.was} wet, but fine.",
        ),
    },
    "in_a_hole": {
        "rolls": (
            "2* {Hero} was playing with {toy}. It rolled and rolled, faster and faster, and then, plop! It fell into a [deep|dark|deep, dark] hole.",
            "{Hero} dropped {toy}. Bump, bump, bump! Down it went, right into a hole in the ground.",
            '{Hero} had brought {toy}. "Look how far it rolls!" {hero.he} said. It rolled too far. It rolled into a hole and was gone.',
        ),
        "tries": (
            "{Hero} lay down and put one arm into the hole. {Hero} [:couldnot] reach the bottom.",
            "{Hero} looked into the hole. It was too dark to see anything.",
            "{Hero} tried with a stick. The stick broke.",
            '"Hello?" {hero} called into the hole. "Hello, hello," said the hole.',
        ),
        "asks": (
            '2* "Did you lose something?" asked {friend}. "Yes, my {toy.noun}," said {hero}. "It is down there." {Friend} looked at the hole and smiled. "I love to dig," {friend.he} said.',
            '"Is that your hole?" asked {hero}. "No," said {friend}, "but I know all about holes." {Hero} told {friend.him} about {toy}. "I can help you," [:replied] {friend}.',
        ),
        "digs": (
            "2* {Friend} began to dig. Dig, dig, dig! The dirt flew [left and right|everywhere|into the air]. Soon only the tip of {friend.his} tail could be seen. Then {friend.he} came out with {toy}.",
            "{Friend} dug and dug, and {hero} carried the dirt away. The hole got bigger and bigger. At last they could see {toy}, and {friend} pulled it out.",
        ),
    },
    "not_mine": {
        "finds": (
            "3* [:Suddenly], {hero} saw something [on the ground|in the grass|under a bench|beside the path]. It was {treasure}!",
            "Something was shining on the ground. {Hero} picked it up. It was {treasure}!",
            'Then {hero} stepped on something. "What is this?" {hero.he} said. It was {treasure}.',
        ),
        "wants_it": (
            '2* "[:Wow]" said {hero}. "{Treasure.this} {treasure.is} the [best|prettiest|most beautiful] {treasure.noun} in the whole world. I will keep {treasure.it}."',
            "{Hero} [looked around. Nobody was there. {Hero}|] put the {treasure.noun} into {hero.his} pocket and [ran on|smiled|sang a little song].",
            "{Hero} wanted to take {treasure.it} home and [hide {treasure.it} under {hero.his} bed|never let go of {treasure.it}|show {treasure.it} to everyone].",
        ),
        "sees_owner": (
            "2* Then {hero} heard someone crying. It was {friend}. \"I lost my {treasure.noun},\" said {friend}. \"My grandma gave {treasure.it} to me.\"",
            'A little later, {hero} met {friend}. {Friend} was looking [under every stone|behind every bush|everywhere]. "Have you seen my {treasure.noun}?" {friend.he} asked. "I miss {treasure.it} so much."',
        ),
        "decides": (
            "2* {Hero} thought about it for a long time. {Hero} really wanted to keep the {treasure.noun}. But then {hero.he} thought of how sad {friend} was. \"Here,\" said {hero}. \"I found {treasure.it}.\"",
            '{Hero} could have said nothing. It would have been easy. But it [:wouldnot] have been right. "Is this what you lost?" {hero.he} asked, and held out the {treasure.noun}.',
            "{Hero.s} hand closed around the {treasure.noun}. Then {hero.he} saw the tears on {friend.s} face, and the hand opened again.",
        ),
        "reward": (
            '2* "[:Thanks] You are so honest," said {friend}. "Do you want to play with me?" And they played [all day|until the sun went down|together from that day on].',
            '{Friend} hugged {hero} tight. "You could have kept {treasure.it}," {friend.he} said. "I know," said {hero}, and felt [happier than before|warm inside|very proud].',
            '"I have no gift for you," said {friend}. "But you can be my friend." {Hero} thought that a friend was much better than any {treasure.noun}.',
        ),
    },
    "lost_way": {
        "follows": (
            "2* There {hero} saw a [blue|yellow|white|golden|big and beautiful] [butterfly|leaf dancing in the wind|bird with a long tail]. {Hero} followed it over [a little bridge|a fence|some big stones] and around [a corner|an old tree|a hill], farther and farther.",
            "{Hero} heard [a strange|a pretty|a soft] [song|sound|whistle] and wanted to know where it came from. So {hero.he} walked, and walked, and walked.",
            '"Don\'t go too far," everyone always said. But there was a line of tiny [footprints|mushrooms|flowers], and {hero} wanted to see where it ended. One step, ten steps, a hundred steps.',
        ),
        "lost": (
            "2* When {hero} looked up, nothing looked the same. Every [tree|path|corner] was strange. {Hero} was lost!",
            '{Hero} turned around. Where was the way back? It was getting [late|dark|cold]. "[:Ohno] I am lost," {hero.he} said.',
            "Then it was gone, and {hero} was alone. {Hero} [:didnot] know which way was home.",
        ),
        "asks": (
            '2* "Are you lost?" asked {friend}. "Yes," said {hero} in a small voice. "I want to go home." "Tell me what your home looks like," [:replied] {friend}.',
            '"You are far from home," said {friend}. "I only wanted to look," [:replied] {hero}. "I know," [:replied] {friend}. "Come, I know every path here."',
        ),
        "shows_way": (
            "2* They went [past the big rock|over the little stream|through the tall grass], and {friend} told [funny stories|jokes|a long story] so that {hero} [:wouldnot] be afraid. And then {hero} saw {hero.his} own [house|door|home]!",
            '{Friend} walked in front, and {hero} stayed close behind. "Left at the old tree, right at the stream," said {friend}. "Remember it." And there, at last, was home.',
        ),
        "home": (
            '2* {Parent} was standing at the door and ran to {hero}. "I was so worried!" "I am sorry," said {hero}. "I will never go so far alone again."',
            "{Parent} hugged {hero} for a long time and gave {friend} [a big piece of cake|some warm milk|something good to eat].",
            '"There you are!" said {parent}. {Hero} told the whole story, and {friend} was asked to stay for supper.',
        ),
    },
    "lost_baby": {
        "hears": (
            "2* [:Suddenly], {hero} heard a [tiny|small|sad] voice. Under a [leaf|bush|root] sat {baby}, all alone. \"I can't find my mom,\" said {baby}.",
            "Near [a puddle|an old log|a big stone] {hero} found {baby}. {Baby} was [shaking|crying|very scared]. \"I want my mom!\" {baby.he} said.",
        ),
        "promises": (
            '2* "Don\'t cry," said {hero}. "I will help you find your mom. I promise."',
            '{Hero} sat down beside {baby}. "We will find your mom together," {hero.he} said, "and I will not go home before we do. I promise."',
        ),
        "search_one": (
            "First they looked [by the water|behind the hill|near the tall trees]. But there was only [an old boot|a sleepy snail|a big gray stone].",
            "They asked [a bee|a snail|an old beetle|a worm]. \"I saw nobody,\" it said. \"Try the other side.\"",
            "They called as loud as they could. Nobody answered.",
        ),
        "search_two": (
            "{Baby} got tired, so {hero} [walked more slowly|carried {baby.him} for a while|sang a song to cheer {baby.him} up].",
            "It began to get dark. \"Let's go home,\" said {hero.s} tired feet. But a promise is a promise.",
            "{Hero} shared some {baby.food} with {baby}, and they went on.",
        ),
        "mother": (
            '2* Then they heard a loud "{baby.sound}" and saw a big {baby.kind} running here and there. "Mom!" cried {baby}. The mother [hugged|kissed] {baby} again and again. "[:Thanks]" the mother said to {hero}.',
            'And there, [on the other side of the hill|around the next corner|behind the last tree], was {baby.s} mother! The poor mother had looked everywhere, too. "You kept your promise," {baby} whispered to {hero}.',
        ),
    },
}  # fmt: skip

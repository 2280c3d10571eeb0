"""Phrases of plots/friendship.py."""

PHRASES = {
    "share_food": {
        "has_treat": (
            "2* {Hero} had {treat} for [lunch|a snack|the way]. It looked [:yummy]. It smelled [:yummy], too.",
            "In {hero.his} bag, {hero} had {treat}. {Hero} had waited for it all [day|morning].",
            '{Hero} sat down [on a bench|under a tree|on a rock] and took out {treat}. "This is all for me," {hero.he} said.',
        ),
        "friend_hungry": (
            '2* "That looks [:yummy]," said {friend}. "I have not eaten all day."',
            '{Friend} looked at {treat}. "I forgot my lunch," said {friend} in a small voice.',
            '"Is that {treat.a}?" asked {friend}. "I love {treat.that} so much. I have nothing to eat today."',
        ),
        "thinks": (
            "2* {Hero} looked at {treat}. It [:wasnot] very big. If {hero} shared it, there would be only half. {Hero} thought, and thought.",
            '"But it is mine," said {hero}, and took a little bite. It [:didnot] taste as good as before, with {friend} looking on.',
            "{Hero} wanted to eat it all. {Hero} really did. But nobody can enjoy {treat.a} next to a hungry friend.",
        ),
        "shares": (
            '2* Then {hero} broke the {treat.noun} in two. "Here," {hero.he} said. "Half for you, and half for me."',
            "So {hero} cut it down the middle, and gave {friend} the bigger half.",
            '"Come, sit with me," said {hero} at last. "We can share." They ate slowly, bite by bite, and it was [:yummy].',
        ),
        "returns": (
            "2* The next day, {friend} came back with [a whole basket of berries|two warm rolls|a big bag of nuts|a jar of honey]. \"Half for you,\" said {friend}, \"and half for me.\"",
            '"Now I know a [secret|good] place," said {friend}. "Come!" And {friend} showed {hero} a bush full of sweet red berries.',
            '"You know what?" said {hero}. "Half {treat.a} with a friend tastes better than a whole one alone."',
        ),
    },
    "quarrel": {
        "brings": (
            "2* {Hero} had brought {toy}. \"Can I play with {toy.it}?\" asked {friend}.",
            "{Hero} showed {friend} {toy}. {Friend} wanted to have {toy.it} right away.",
            "{Hero} was playing with {toy} when {friend} [sat down next to {hero.him}|came closer and closer].",
        ),
        "pull": (
            '3* "No! {Toy.they} {toy.is} mine!" said {hero}. "But I want a turn!" [:replied] {friend}. {Friend} pulled, and {hero} pulled back.',
            '"Give {toy.it} to me!" [:shouted] {friend}. "No, I had {toy.it} first!" [:shouted] {hero}. They pulled and pushed.',
            '"It is my turn!" said {friend}. "It is not!" [:replied] {hero}. Soon they were both shouting, and nobody was playing.',
        ),
        "breaks": (
            "2* Crack! The {toy.noun} broke in [two|half|two pieces]. [Now it was very quiet.|They both stopped and stared.|Nobody said a word.]",
            "Then there was a [terrible|loud|sad] sound. One piece was in {hero.s} hands, and one piece was in {friend.s}.",
        ),
        "dropped": (
            "2* The {toy.noun} flew out of their hands and landed in a [big|deep|dirty] puddle. Now {toy.they} {toy.was} [wet and muddy|brown with mud], and nobody wanted {toy.it} any more.",
            "{Hero} took the {toy.noun} and walked away, to play alone. But alone it [:wasnot] [half as much|any] fun.",
        ),
        "sorry": (
            '3* "I am sorry," said {friend}. "I am sorry too," [:replied] {hero}.',
            '"It was my fault," said {friend}. "No, it was my fault," [:replied] {hero}, and then they had to laugh.',
            "They said sorry at the same time.",
        ),
        "mends": (
            "2* They [got some glue|found some tape|asked for some string and glue] and put the pieces together again, very carefully. It was almost as good as new.",
            "Together they fixed it. {Hero} held the pieces, and {friend} put on the [glue|tape]. It had a [crack|line] now, but it was still good.",
        ),
        "idea": (
            '2* "I have an idea," said {friend}. "We can take turns. I count to [ten|twenty|a hundred], and then it is my turn."',
            '"Let\'s play a game that needs two," said {hero}.',
        ),
        "turns": (
            "2* So first it was {hero.s} turn, and then it was {friend.s} turn. [That was much more fun.|Nobody shouted any more.|And the time flew by.]",
            "From then on they took turns, and they played [until the sun went down|all afternoon|until it was time for supper].",
        ),
    },
    "new_friend": {
        "alone": (
            "2* Near [a bench|a tree|the fence] stood {friend}, all alone. {Friend} was new and [:didnot] know anybody.",
            "Everyone was playing. Only {friend} sat [in a corner|under a tree|on the ground] and watched.",
            "{Hero} saw somebody new. It was {friend}. {Friend.he} looked at the others, and then at {friend.his} feet.",
        ),
        "hero_shy": (
            "2* {Hero} wanted to say hello, but {hero.he} was shy, too. What if {friend} [said no|did not want to talk|laughed]?",
            "{Hero} took one step. Then {hero.he} stopped. It is not easy to talk to somebody new.",
            "\"Somebody should say hello,\" {hero} thought. \"Somebody should. Oh, that is me!\"",
        ),
        "says_hello": (
            '2* {Hero} took a deep breath. "Hello," {hero.he} said. "My name is {hero.name}. What is your name?" "I am {friend.name}," said {friend}, very quietly.',
            '"Do you want to play with me?" asked {hero}. {Friend} looked up. "With me? Really?" "Yes, with you!"',
            "{Hero} walked over and sat down. For a while they said nothing at all. Then they both said hello at the same time, and had to laugh.",
        ),
        "shows_toy": (
            "{Friend} had {toy}. \"Nobody has asked to see {toy.it} before,\" said {friend}.",
            "{Friend} showed {hero} {toy}. It was [wonderful|the best {toy.noun} ever]!",
            "It turned out that {friend} had brought {toy}, and that {hero} was very good at playing with {toy.that}.",
        ),
        "joke": (
            "They told each other jokes and laughed until their tummies hurt.",
            "{Hero} showed {friend} [the best place to hide|how to stand on one leg|a secret path], and {friend} showed {hero} [a new song|how to whistle|a funny dance].",
            "They found out that they both loved [rain|the color blue|pancakes|stories about dragons|jumping in puddles].",
        ),
    },
    "broke_it": {
        "visits": (
            "2* {Hero} went to visit {friend}. {Friend} had {toy} that was very special.",
            "{Hero} was at the house of {friend.known}. There on the shelf stood {toy}.",
            "(!begun) One afternoon, {hero} went to play with {friend}. On the table stood {toy}.",
        ),
        "look_dont_touch": (
            '2* "You can look at {toy.it}," said {friend}, "but please be careful. My grandpa gave {toy.it} to me." Then {friend} went [to get some juice|outside for a moment|to the kitchen].',
            '"Please don\'t run in here," said {friend}. "It breaks easily." {Hero} nodded. But {hero.he} soon forgot.',
        ),
        "breaks": (
            "2* {Hero} only wanted to hold the {toy.noun} for one second. But it slipped. Crash! It [broke into pieces|lay on the floor in three pieces].",
            "{Hero} [turned around too fast|jumped like a frog|spun around and around], and bump! The {toy.noun} fell down and broke.",
        ),
        "hides": (
            "{Hero} quickly pushed the pieces under the [rug|bed|couch]. \"Nobody saw me,\" {hero.he} thought.",
            "{Hero} put the pieces in a drawer and closed it. {Hero.his} heart was beating fast.",
        ),
        "asked": (
            '2* Then {friend} came back. "Where is my {toy.noun}?" asked {friend}. "I don\'t know," said {hero}. The words tasted bad.',
            '"Let\'s play!" said {friend}. They played, but {hero} [:couldnot] enjoy it. All the time {hero.he} thought of the pieces.',
        ),
        "could_hide": (
            "2* {Hero} could hide the pieces. Nobody had seen it. But {hero.his} tummy felt cold at the thought.",
            "\"I could say the wind did it,\" thought {hero}. \"But the wind [:didnot] do it. I did.\"",
        ),
        "tells_truth": (
            '2* At last {hero} said, "I have to tell you something. I broke your {toy.noun}. I am very sorry."',
            '"It was me," said {hero}. "I broke it. I am sorry." It was the hardest thing {hero.he} had ever said.',
        ),
        "forgives": (
            '2* {Friend} was sad for a moment. Then {friend.he} said, "I am glad you told me. Everyone breaks things sometimes."',
            '{Friend} was quiet. {Hero} waited. "Thank you for telling the truth," said {friend}. "Now we can fix it."',
        ),
        "mends": (
            "2* They [found some glue|got some glue and tape] and worked all afternoon. In the end the {toy.noun} stood there again. You could see the [cracks|lines], but {friend} said that now it had a story.",
            "{Hero} picked up every piece, even the tiny ones. Together they put the {toy.noun} back together, and {hero} felt as light as a feather.",
        ),
    },
    "envy": {
        "friend_has": (
            "2* {Friend} had {toy}. Everyone wanted to look at it.",
            "\"Look what I got!\" said {friend}, and held up {toy}.",
        ),
        "says_mean": (
            '2* "It is not so nice," said {hero}. "I have seen better ones." That [:wasnot] true, and {hero.he} knew it.',
            '"I don\'t like it at all," said {hero} and turned away.',
        ),
        "friend_wishes": (
            '2* {Friend} put the {toy.noun} down. "I wanted to show it to you first," said {friend}, "because you are my friend. And I always wish I had something like your {own.noun}." {Hero} was surprised. {Hero.his} old {own.noun}?',
            '"You know," said {friend} after a while, "I would rather have something like your {own.noun}." "Really?" [:replied] {hero}. "My {own.noun}?"',
        ),
        "swap": (
            '2* "I am sorry I was mean," said {hero}. "Your {toy.noun} {toy.is} great. Do you want to swap for a day?" And so they did.',
            '{Hero} felt bad. "I am sorry," {hero.he} said. "I only said it because I wanted one, too." "Then let\'s swap," said {friend}, "just until tonight."',
        ),
        "end": (
            "2* They played all afternoon, {hero} with the {toy.noun} and {friend} with the {own.noun}. In the evening, each went home with what belonged to them, and both were happy.",
            "When evening came, they swapped back. \"Yours is great,\" said {hero}, \"but I missed mine.\" \"Me too!\" [:replied] {friend}, and they laughed.",
        ),
    },
    "teased": {
        "feature": (
            "2* {Hero} had {feature}, and {hero.he} [:didnot] like it at all.",
            "There was one thing about {hero} that everyone saw at once: {hero.he} had {feature}.",
        ),
        "laughed_at": (
            '2* {Friend} was there with some others. "Ha, ha! Look at {hero}!" said {friend}. "What a funny {hero.kind}!" And they all laughed.',
            '"Here comes {hero}!" [:shouted] {friend}. "Have you ever seen anything so silly?" Everybody laughed, and {hero} wanted to sink into the ground.',
        ),
        "danger": (
            "2* But then {friend} ran too close to the edge of a [deep|steep] hole, slipped, and fell in. \"Help!\" cried {friend}. The others ran around and [:didnot] know what to do.",
            "A little later, thick [white|gray] fog came up, and {friend} walked the wrong way. \"Help! Where are you?\" [:shouted] {friend}, far away and very scared.",
        ),
        "saves": (
            "(ears) {Hero} pricked up {hero.his} big ears and could hear exactly where {friend} was. \"Stay there!\" {hero.he} called, and [ran|went] straight to {friend} and brought {friend.him} back.",
            "(tail) {Hero} turned around and let {hero.his} long tail hang down. \"Hold on to it!\" {hero.he} called. {Friend} held on, and {hero} pulled {friend} to safety.",
            "(voice) {Hero} took a deep breath and called with that very loud voice, \"[Come to me|This way|Over here], {friend.name}! Help is here!\" It was so loud that the farmer came with a rope, and {friend} was safe.",
            "(feet) {Hero} stood at the edge, and {hero.his} big feet held {hero.him} like a rock. \"Take my {hero.part}!\" {hero.he} said, and pulled {friend} to safety.",
        ),
        "sorry": (
            '2* "I am sorry I laughed," said {friend}. "You saved me. You are just right the way you are."',
            '{Friend} looked at the ground. "I was mean to you, and you helped me," said {friend}. "Will you forgive me?" "Of course," [:replied] {hero}.',
        ),
    },
    "borrowed": {
        "asks": (
            '2* {Hero} went to see {friend.known} and asked, "Can I borrow your {tool.noun}?" It was {tool}, and it was very special.',
            "{Hero} needed {tool}. {Hero} [:didnot] have one, but {friend.known} did. \"May I borrow your {tool.noun}?\" asked {hero}.",
        ),
        "promises": (
            '3* "Yes," said {friend}, "but I need it tonight." "I promise to bring it back before supper," [:replied] {hero}.',
            '"Will you bring it back before supper?" asked {friend}. "I promise," said {hero}, and {hero.he} meant it.',
        ),
        "uses": (
            "{Hero} had a wonderful time. {Hero} {tool.use}, and the hours went by.",
            "All afternoon, {hero} {tool.use}. It was so much fun that {hero.he} forgot the time.",
        ),
        "keeps": (
            "2* Then the sun got low and red. \"Supper!\" thought {hero}. {Hero} wanted to play a little more. But a promise is a promise, so {hero.he} ran all the way and knocked on {friend.s} door. \"Here is your {tool.noun},\" {hero.he} said.",
            "A bell rang far away. It was almost time for supper! {Hero} cleaned the {tool.noun} until it looked like new and brought it back just in time. \"You kept your promise,\" said {friend} with a smile.",
        ),
        "forgets": (
            "2* When {hero} looked up, it was dark. Supper was long over. {Hero} ran to {friend.s} house. {Friend} was sitting on the steps. \"I waited and waited,\" said {friend}.",
            "It got late, and {hero} went to bed. In the middle of the night, {hero.he} sat up. The {tool.noun}! Early in the morning, {hero} brought it back. \"You promised,\" said {friend} quietly.",
        ),
        "makes_up": (
            '2* "I am sorry," said {hero}. "I broke my promise. What can I do?" "Help me with my work today," [:replied] {friend}. So {hero} helped [all day|until everything was done], and then they were friends again.',
            "{Hero} said sorry, and gave {friend} [a drawing|a bunch of flowers|a big red apple|the last cookie]. {Friend} smiled a little, and then a little more.",
        ),
    },
    "left_out": {
        "game": (
            "{Friend} and {second} were playing [a game|tag|ball|catch|pirates]. It looked like a lot of fun.",
            "On the other side, {friend} was building something with {second}.",
        ),
        "no_room": (
            '2* "Can I play too?" asked {hero}. "No," said {friend}. "This game is only for two."',
            '"Go away," said {friend}. "You are too [slow|little|loud]." {Second} said nothing.',
        ),
        "trouble": (
            "2* After a while, {friend} [called|shouted], \"Oh no!\" A big branch had fallen right on their place. They pushed and pulled, {friend} on one side and {second} on the other, but it was too heavy for two.",
            "Then their ball rolled under a thorny bush. {Friend} [:couldnot] reach it. {Second} [:couldnot] reach it. They needed somebody with a good idea.",
        ),
        "hero_helps": (
            '2* {Hero} could have laughed. But {hero.he} got up and said, "Let me help. One, two, three!" And together, the three of them did it.',
            "{Hero} thought for a moment. Then {hero.he} got a long stick, and with the stick it was easy.",
        ),
        "invited": (
            '2* "Thank you," said {friend}. "We were mean to you. Do you want to play with us now?" "It is a much better game for three," [:replied] {second}.',
            "{Friend} looked at {second}, and {second} looked at {friend}. \"Our game was silly,\" they said. \"Let's find one for three.\"",
        ),
    },
}  # fmt: skip

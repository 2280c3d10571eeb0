"""Phrases of plots/making.py."""

PHRASES = {
    "bake_cake": {
        "wish": (
            "2* (!begun) One day, {hero} wanted to bake a cake for {parent}. It was going to be a [big|wonderful|chocolate|honey|birthday] cake.",
            "2* (begun) It was the birthday of {parent}, and {hero} wanted to bake a [big|wonderful|chocolate|honey|strawberry] cake.",
            '"I will bake a [big|wonderful|chocolate|honey] cake," said {hero}, "all by myself." It was for {parent}.',
        ),
        "bakes": (
            "2* {Hero} took flour and eggs, milk and butter, and stirred and stirred. There was flour on the table, on the floor, and on {hero.s} nose.",
            "{Hero} mixed everything in a big bowl. {Hero} licked the spoon. Then the cake went into the oven.",
        ),
        "goes_wrong": (
            "(salt) But what was that? {Hero} tried a piece and made a face. It was [terrible|awful]. {Hero} had used salt and not sugar!",
            "(smoke) {Hero} sat down to wait, and fell asleep. When {hero.he} woke up, the kitchen was full of smoke. The cake was as black as coal.",
            "(flat) But when {hero} opened the oven, the cake was as flat as a plate, and as hard as a stone.",
        ),
        "friend_comes": (
            '2* Then somebody knocked at the door. It was {friend}. "It smells funny in here," said {friend}. {Hero} told the whole story. "We still have time," [:replied] {friend}. "Let\'s bake another one."',
            '{Friend} looked in at the window. "Is that a cake?" asked {friend}. "No," said {hero}, "it is a [sad|big] mistake." "Then we make a new one," [:replied] {friend}. "I know how."',
        ),
        "second_cake": (
            "2* {Friend} read out the recipe, and {hero} did just what it said. They [:didnot] forget anything, and they watched the oven all the time.",
            "They worked side by side. {Hero} broke the eggs, {friend} stirred, and they tasted everything first.",
        ),
        "gives": (
            '2* When {parent} came home, the new cake was on the table. It was a little [crooked|round on one side], but it was beautiful. "For you!" said {hero}.',
            '"Close your eyes," {hero} said to {parent}. "Now open them!" There stood the cake, with [berries|a candle|a flower] on top.',
        ),
        "tastes": (
            '2* "This is the best cake I have ever had," said {parent}. "Our first one was a surprise, too," [:replied] {friend}, and everyone laughed.',
            "They ate it all, down to the last crumb.",
        ),
    },
    "build_it": {
        "builds": (
            "2* {Hero} wanted to build a {work}, the biggest one ever. {Hero} carried and pushed and worked [all morning|for hours|until both arms were tired].",
            '"I will build a {work}," said {hero}. Bit by bit, it grew. It was [so beautiful|almost done|higher than {hero}].',
        ),
        "falls": (
            "2* Then [the wind blew hard|a big dog ran by|one piece slipped|{hero} took one step back too many]. Crash! It all fell down.",
            "It needed just one more piece. {Hero} put it on top, very, very carefully. It shook. It leaned. Crash!",
        ),
        "friend_says": (
            '2* "That was a fine {work}," said {friend}. "It is gone now," [:replied] {hero}. "Then we can build an even better one," [:replied] {friend}. "I know why it fell."',
            '"I saw it fall," said {friend}. "I will never build anything again," [:replied] {hero}. "That would be a pity," [:replied] {friend}. "You carry, and I hold. What do you say?"',
        ),
        "together": (
            "2* So they started at the bottom, with the biggest pieces. {Friend} held, and {hero} put one on top of the other. When one was tired, the other went on.",
            "This time they made the bottom wide and strong. {Hero} had good ideas, and {friend} had good {friend.part}s.",
        ),
        "done": (
            "At last it was done. It was [twice as big|even better|stronger] than the first one. They [put a flag on top|decorated it with leaves and flowers|danced around it].",
            "The new {work} stood firm. The wind came back, and blew, and the {work} [:didnot] even shake.",
        ),
    },
    "plant_seed": {
        "gets_seed": (
            '2* (!begun) One spring day, {parent} gave {hero} a tiny seed. "What is it?" asked {hero}. "That is a {plant}," said {parent}. "It is only still asleep."',
            '2* {Parent} had something small in one hand. It was a seed. "One day this will be a {plant}," said {parent}. "Would you like to have it?"',
            "In an old box, {hero} found a seed. {Parent} said that it was the seed of a {plant}.",
        ),
        "plants": (
            "{Hero} dug a little hole, put the seed in, and covered it with [soft|dark|warm] earth. Then {hero.he} gave it some water.",
            "They planted it in the sunniest corner of the garden. {Hero} put a stick next to it, so that nobody would step on it.",
        ),
        "nothing_yet": (
            "2* The next day, {hero} ran out to look. Nothing. The day after, {hero} ran out again. Still nothing.",
            "{Hero} sat down beside it and waited. A minute is very long when you wait for a seed.",
        ),
        "impatient": (
            '2* "Maybe it is broken," said {hero}. "I will dig it up and look." "Please don\'t," [:replied] {parent}. "It is working, down there, where we cannot see it."',
            '{Hero} shouted at it, "Grow!" It [:didnot] help. {Hero} sang to it. That felt better. "Give it time," said {parent}.',
            '"When will it come?" asked {hero} every day. "When it is ready," said {parent} every day.',
        ),
        "weather_helps": (
            "2* It rained, and the sun came out. It rained again, and the sun came out again. {Hero} pulled the weeds and watered the ground when it was dry.",
            "A week went by, and then another one. {Hero} never forgot the water.",
        ),
        "sprout": (
            "And one morning, there it was! A tiny green [tip|leaf] looked out of the ground. {Hero} ran and woke up the whole house.",
            "Then something green came up, no bigger than a [fingernail|crumb|ladybug]. {Hero} did a little dance around it.",
        ),
        "grown": (
            "2* It grew, and grew, and by the end of summer the {plant} was [taller than {hero}|the biggest in the street|the pride of the garden].",
            "All summer long it grew. Bees came to visit, and butterflies, and all the neighbors.",
        ),
        "shares_it": (
            "There was so much of it that {hero} could give some to everyone. And {hero.he} kept one small seed, for next year.",
            '"You did that," said {parent}. "The seed did it," [:replied] {hero}. "I only waited."',
            "And in the middle of it, when autumn came, {hero} found a hundred new seeds.",
        ),
    },
    "giant_root": {
        "finds": (
            "2* In {hero.s} garden there grew a {plant}. It grew and grew, until it was as big as a [barrel|wagon|little house].",
            "(!begun) One morning, {hero} saw green leaves as big as umbrellas. Under them, deep in the ground, sat an enormous {plant}.",
            "Behind the fence there was something round and huge. It was a {plant}, the biggest {plant} in the world.",
        ),
        "pulls_alone": (
            "2* {Hero} wanted to have it for supper. {Hero} pulled and pulled, but the {plant} [:didnot] move.",
            '"That will be a good soup," said {hero}, and pulled. It was like pulling a mountain.',
        ),
        "friend_pulls": (
            '2* So {hero} called for help, and {friend} came. {Friend} held on to {hero}, and they pulled and pulled. The {plant} [:didnot] move.',
            "Then {friend} came by. Now there were two to pull. One, two, three! But the {plant} only [laughed|sat there].",
        ),
        "second_pulls": (
            "2* They called {second}. {Second} held on to {friend}, and {friend} held on to {hero}. Heave ho! It shook a little, but it [:didnot] come out.",
            "{Second} came to help, too. They pulled until they all fell down. The {plant} stayed where it was.",
        ),
        "laugh_at_third": (
            '2* "I can help," said a tiny voice. It was {third}. The others [smiled|laughed]. "You? You are too small," said {friend}.',
            'Then {third} came. "Let me try, too," said {third}. "What can somebody so little do?" asked {second}. "We will see," [:replied] {hero}.',
        ),
        "third_pulls": (
            "2* But {third} took hold of the very end. They all pulled together, once, twice, and plop! Out came the {plant}, and everyone landed on their backs.",
            "{Third} pulled with everyone else, just a little bit, and that was just the bit that was missing. Plop! The {plant} came out.",
        ),
        "feast": (
            "That evening there was soup for everyone, and {third} got the first spoon.",
            '"Hooray for {third.name}!" they shouted. There was enough to eat for the whole week.',
            "They rolled it home and cooked it in the biggest pot. Nobody ever said again that {third} was too small.",
        ),
    },
    "handmade_gift": {
        "birthday": (
            "2* Tomorrow was the birthday of {parent}. {Hero} wanted to give {parent.him} something very special.",
            "It was almost the birthday of {parent}, and {hero} still had no present.",
        ),
        "no_money": (
            "2* {Hero} went to the shop and looked in the window. There were [hats and rings|books and bells|watches and flowers]. But {hero} had only [one little coin|two buttons and a piece of string|an empty pocket].",
            "{Hero} turned over {hero.his} piggy bank. [Nothing fell out.|Only one button fell out.|One penny fell out, and rolled away.]",
        ),
        "friend_idea": (
            '2* {Hero} told {friend.known} about it. "You don\'t need money," said {friend}. "You have two good hands. What makes {parent.name} laugh?"',
            '"Why do you look in that window?" asked {friend.known}. "Nice things cost so much," said {hero}. "The nicest things cost nothing at all," [:replied] {friend}.',
        ),
        "makes": (
            "2* They looked for everything they needed, and {hero} worked all afternoon. It was going to be {gift}.",
            "And then {hero} knew it. It would be {gift}! {Friend} helped, and {hero} [:didnot] stop until it was just right.",
        ),
        "ready": (
            "The first one [:wasnot] good. The second one was better. The third one was perfect.",
            "At bedtime it was ready. {Hero} could hardly sleep that night.",
            "{Hero} hid it where nobody would look, and told nobody but {friend}.",
        ),
        "gives": (
            '2* In the morning, {hero} went to {parent}. "Happy birthday! It is only {gift}," {hero.he} said. "I made it."',
            '"It [:didnot] cost anything," said {hero}, and gave {parent} the present. It was {gift}.',
        ),
        "best_gift": (
            '2* "It is the best present of all," said {parent}, "because nobody else in the world has one like it."',
            "{Parent} hugged {hero} for a long, long time.",
        ),
    },
    "snowman": {
        "snow": (
            "2* It had snowed all night. When {hero} looked out in the morning, everything was white.",
            "(!begun) One winter morning, the whole world was white and quiet. {Hero} ran out and made the first footprints.",
            "Big white flakes fell from the sky, more and more of them. Soon there was enough snow for a snowman.",
        ),
        "rolls_balls": (
            "{Hero} rolled a big ball, a middle ball, and a little ball. Two stones were the eyes, and a carrot was the nose.",
            "{Hero} made a fat round snowman with a carrot nose and a mouth of little black stones.",
        ),
        "looks_cold": (
            '2* {Friend} came to look. "That is a fine snowman," said {friend}. "But it looks cold." It was true. Something was missing.',
            '"What is missing?" asked {hero}. {Friend.known} walked around the snowman. "It looks cold," said {friend}.',
        ),
        "friend_gives": (
            '2* {Friend} was wearing {scarf}. {Friend} took {scarf.it} off. "Only for one night," said {friend}. "I can run to keep warm." Now the snowman looked just right.',
            "Then {friend} gave the snowman {scarf}, and shivered, and laughed. \"I have a warm home, and snowmen don't.\"",
        ),
        "night": (
            "2* That night, the moon looked at the snowman, and the snowman looked at the moon. And if you had been there, you might have heard it hum a little song.",
            "In the night it was so quiet that one could almost hear the snowman dream.",
        ),
        "morning": (
            "2* In the morning, the {scarf.noun} lay at {friend.s} door, [dry and folded|with a little snow on top|neat and warm]. Who had brought {scarf.it}? Nobody ever found out.",
            "The next day, {hero} brought the {scarf.noun} back to {friend}, and with {scarf.it} came a cup of hot chocolate.",
        ),
    },
    "painted_wall": {
        "paints": (
            "2* {Hero} had found a pot of {color} paint. There was no paper. But there was a big white wall. {Hero} painted {subject}, from one end to the other.",
            "{Hero} loved to paint. The paper was much too small for what {hero.he} wanted to paint now. The wall [:wasnot] too small. Soon there was {subject} on it, all in {color}.",
        ),
        "comes_in": (
            "2* Then the door opened, and there stood {parent}. \"{hero.name}! What have you done?\"",
            "It was so quiet that {parent} came to look. \"Oh, {hero.name}!\" was all that {parent} could say.",
        ),
        "explains": (
            '2* "I wanted to make it pretty," said {hero} in a very small voice. "It is pretty," [:replied] {parent}. "But a wall is not for painting. You should have asked."',
            '{Hero} could have said that the cat did it. But there was {color} paint on all ten of {hero.his} fingers. "It was me," {hero.he} said.',
        ),
        "wash": (
            "They got a bucket and two sponges and washed the wall together. It took a long time, and the water turned {color}.",
            "{Hero} scrubbed and scrubbed until the wall was white again. It was harder to take off than to put on.",
        ),
        "paper": (
            '2* Then {parent} brought a roll of paper, as long as the whole room. "This is for painting," said {parent}. And {hero} painted {subject} once more, even bigger.',
            "The next day, {parent} hung up a big sheet of paper. Under it stood, in small letters: the wall of {hero.name}. Here {hero.he} could paint as much as {hero.he} liked.",
        ),
    },
}  # fmt: skip

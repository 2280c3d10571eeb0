"""Phrases of plots/home.py."""

PHRASES = {
    "hot_food": {
        "hungry": (
            "2* {Hero} had played outside all day and came home with an empty tummy.",
            '"Supper is ready!" called {parent}. {Hero} ran in and sat down at the table.',
            "{Hero} came home late, with red cheeks and cold feet.",
        ),
        "smells": (
            "2* On the stove stood {dish}. It smelled [:yummy].",
            "{Parent} had made {dish}. The whole house smelled of it.",
        ),
        "warning": (
            '3* "Wait," said {parent}. "The {dish.noun} is still very hot."',
            '"Don\'t eat yet," said {parent}. "It must cool down first. You will burn your tongue."',
        ),
        "does_not_wait": (
            '2* But {hero} [:couldnot] wait. {Hero} took a big spoon of the {dish.noun}. "Ow, ow, ow!" It was as hot as fire.',
            '"Just a little bit," thought {hero}, and put a spoon in {hero.his} mouth. Ouch! The {dish.noun} burned {hero.his} tongue.',
        ),
        "helps": (
            "2* {Parent} quickly brought a glass of cold water. \"Now we wait,\" said {parent}, \"and I know how to make waiting short.\"",
            "{Parent} gave {hero} some cold milk and [:didnot] say \"I told you so.\"",
        ),
        "story_while_waiting": (
            "{Parent} told a story about a [dragon who [:couldnot] blow out candles|bear who ate the moon|king with ten cold noses]. When the story was over, the {dish.noun} was just right.",
            "They counted all the [red|blue|round|yellow] things in the room. There were [nineteen|fourteen|twenty-two]. Then the {dish.noun} was just right.",
            "They blew on it, first {parent}, then {hero}, until no more steam came up.",
        ),
        "eats": (
            "2* {Hero} ate it all up, and it was [:yummy].",
            '"It tastes better when it does not bite," said {hero}.',
        ),
    },
    "taken_treat": {
        "made": (
            "2* {Parent} had made {sweet}. They stood on the table, and they smelled so good.",
            "On the kitchen table stood a plate full of {sweet}. {Parent} had worked all morning for them.",
        ),
        "do_not_eat": (
            '2* "Please don\'t eat any," said {parent}. "They are for the guests." Then {parent} went out.',
            '"Those are for tonight," said {parent}. "For everybody." {Hero} nodded.',
        ),
        "takes": (
            "2* {Hero} only wanted to look. Then {hero} only wanted to smell. Then {hero} took one. And then one more. Soon the plate was [almost|half] empty.",
            '"One will not be missed," thought {hero}. But one was so small, and so good, that {hero} took another, and another.',
        ),
        "finds_out": (
            '2* {Parent} came back and looked at the plate. "Who ate the {sweet}?" asked {parent}. There were crumbs on {hero.s} chin.',
            '"That is strange," said {parent}. "There were twenty {sweet}, and now there are nine. Do you know anything about it?"',
        ),
        "blames": (
            '"It was [the dog next door|a mouse|a big bird]," said {hero}.',
            '"Maybe [a fox|a mouse|the wind] took them," said {hero}, and looked out of the window.',
        ),
        "blamed_sad": (
            '"Then we must shut all the windows," said {parent}, "and we will have no guests tonight." {Hero} felt worse and worse.',
            "{Parent} said nothing, and only looked very sad. The {sweet} felt like stones in {hero.s} tummy.",
        ),
        "confesses": (
            '3* At last {hero} said, "It was me. I ate the {sweet}. I am sorry."',
            '"It [:wasnot] like that," said {hero}. "I took them. They smelled so good." And then {hero.he} cried a little.',
        ),
        "makes_new": (
            '2* "Thank you for telling me," said {parent}. "Now wash your hands." And they made new {sweet} together. {Hero} [:didnot] lick the spoon even once. Well, maybe once.',
            '"I am not happy about it," said {parent}, "but I am glad that you told the truth." {Hero} worked hard in the kitchen until there was a full plate again.',
        ),
    },
    "false_alarm": {
        "first_joke": (
            '2* Then {hero} had an idea. It [:wasnot] a good one. "Help! Help! A {beast}!" {hero.he} [:shouted].',
            'To have some fun, {hero} called as loud as {hero.he} could, "A {beast}! A {beast} is coming!"',
        ),
        "they_run": (
            '2* {Friend} came running. "Where is the {beast}?" "There is no {beast}," laughed {hero}. "It was only a joke!"',
            "Everybody came with sticks and brooms, first of all {friend}. {Hero} laughed so hard that {hero.he} fell over.",
        ),
        "second_joke": (
            '2* A little later, {hero} did it again. "The {beast}! The {beast}!" And again {friend} came running, and again there was no {beast}.',
            'It had been so much fun that {hero} did it once more. {Friend} came, all out of breath. "Not funny," said {friend}.',
        ),
        "real": (
            "2* {Friend} went away. {Hero} sat down. Then the bushes moved, and out came a {beast}. A real one!",
            "Then it was quiet. Too quiet. {Hero} turned around and saw two yellow eyes. It was a real {beast}!",
        ),
        "nobody_comes": (
            '2* "Help! Help! A {beast}!" {hero} [:shouted]. But nobody came. "It is only one of those jokes," they all said.',
            '"Please, it is true this time!" {hero} cried. The hills were silent.',
        ),
        "friend_comes": (
            "2* Only {friend} stopped and listened. \"That sounds different,\" said {friend}, and ran back, banging on a pot. The {beast} [:didnot] like the noise, and ran away.",
            "But {friend} came after all, with a [big stick|loud bell|bright lantern], and made so much noise that the {beast} went off into the woods.",
        ),
        "saves_self": (
            "2* So {hero} had to run. {Hero} ran as {hero.he} had never run before, and shut the door behind {hero.him}, just in time.",
            "{Hero} hid [in a hollow tree|under a bridge|behind a rock] and [:didnot] move until the {beast} was gone. It took all night.",
        ),
        "says_sorry": (
            '2* "I am sorry I fooled you," {hero} said to {friend}. "I will call for help only when it is true."',
            "After that, {hero} never called for help as a joke again.",
        ),
    },
    "too_much": {
        "finds": (
            "2* (!begun) One day, {hero} found a whole basket full of {sweet}. They were [:yummy].",
            "2* Behind the house, {hero} found a big bowl of {sweet}. They smelled so good!",
            "There were so many {sweet} that day, more than {hero} had ever seen.",
        ),
        "eats": (
            "{Hero} ate one. Then two. Then ten.",
            '"Just one more," said {hero}. And then, "Just one more," again.',
            "{Hero} ate with both hands.",
        ),
        "asked_to_share": (
            '2* Then {friend} came by. "May I have some {sweet}, too?" asked {friend}. "No," said {hero} with a full mouth. "They are all mine."',
            '"That is a lot of {sweet}," said {friend}. "Too many for one." "Not for me," [:replied] {hero}, and turned away.',
        ),
        "eats_more": (
            "And {hero} ate even faster, so that nothing would be left for anyone.",
            "{Friend} went away. {Hero} went on eating.",
        ),
        "tummy": (
            "2* Then {hero.s} tummy said, \"Grumble.\" A little later it said, \"Ow.\" {Hero} lay down. The whole world went round and round.",
            "But soon {hero} [:didnot] feel so good. {Hero.his} tummy was as hard as a drum, and it hurt.",
        ),
        "care": (
            "{Parent} gave {hero} some tea and put a warm hand on {hero.his} tummy. \"A little is a treat,\" said {parent}. \"A lot is a tummy ache.\"",
            "{Parent} [:didnot] scold. {Parent} only put {hero} to bed and closed the curtains.",
        ),
        "next_day": (
            '2* The next day, {hero} brought all the rest of the {sweet} to {friend}. "I should have shared with you," said {hero}. They each ate just one, very slowly.',
            '"Here," {hero} said to {friend} in the morning. "These are for you. I never want to see {sweet} again." {Friend} laughed. "Until next week!"',
        ),
    },
    "surprise_party": {
        "birthday_morning": (
            "2* It was {hero.s} birthday. {Hero} was awake before the sun.",
            '"Today is my birthday!" thought {hero}, and ran through the house. But there was no cake, and there was no song.',
        ),
        "parent_busy": (
            "2* {Parent} was sweeping the floor. \"What day is it today?\" asked {hero}. \"A busy day,\" said {parent}, and went on sweeping.",
            '"Good morning," said {parent}. That was all. Not one word about a birthday.',
        ),
        "friend_busy": (
            '2* So {hero} went to see {friend.known}. "I have no time today," said {friend} and shut the door quickly.',
            "Outside, {hero} met {friend.known}. \"Sorry, I must go,\" said {friend}, and ran off with a big bag.",
        ),
        "walks_alone": (
            "{Hero} walked around alone, all afternoon, and kicked little stones.",
            "{Hero} sat by the water and sang the birthday song, all alone and very quietly.",
        ),
        "comes_home": (
            "2* When it got dark, {hero} went home. There was no light in the windows. {Hero} opened the door.",
            "At last {hero} went home. The house was dark and quiet. It was too quiet.",
        ),
        "surprise": (
            '3* "Surprise!" Lights went on everywhere. There was {parent}, and there was {friend}, and there was everybody else, too. On the table stood a cake with candles.',
            '"Happy birthday!" shouted a hundred voices. They came out from under the table, from behind the door, and {friend} came out of the closet.',
        ),
        "present": (
            "{Friend} gave {hero} a present with a big bow. In it {gift.was} {gift}. \"I did have time,\" said {friend}. \"I had no time to tell you.\"",
            '"Did you think that we had forgotten?" asked {friend}. "Here, this is for you." It was {gift}!',
        ),
        "party": (
            "They ate cake and danced until the candles were out.",
            "It was the best birthday that {hero} had ever had.",
            "{Hero} blew out all the candles and made a wish. But what was there left to wish for?",
        ),
    },
    "cannot_sleep": {
        "bedtime": (
            "2* It was bedtime. {Hero} lay in bed with open eyes.",
            "The sun was gone, and the stars were out. {Parent} had said good night. But {hero} was wide awake.",
        ),
        "awake": (
            "The pillow was too hot. The blanket was too short. The moon was too bright.",
            "{Hero} lay on one side. {Hero} lay on the other side. It [:didnot] help.",
            "{Hero} thought of a hundred things, and every one of them was wide awake, too.",
        ),
        "first_idea": (
            "2* First {hero} counted [sheep|stars|frogs]. But they [:wouldnot] stand still, and {hero} had to start again and again.",
            "First {hero} sang a song. But it was such a jolly song that {hero.his} feet began to dance.",
        ),
        "second_idea": (
            "2* Then {hero} closed {hero.his} eyes very hard. Behind them it was full of colors.",
            "Then {hero} turned the pillow around. Now {hero.he} was awake at the other end.",
        ),
        "calls": (
            '"I can\'t sleep!" called {hero}. {Parent} came in and sat down on the bed.',
            'At last {hero} got up and went to {parent}. "Sleep has forgotten me," said {hero}.',
        ),
        "parent_idea": (
            '2* "Then tell me about your day," said {parent}, "but backwards." {Hero} began. "Before bed I brushed my teeth. Before that there was supper, and before that there was a walk."',
            '"Shall we listen to the night?" asked {parent}. They opened the window. Far away, an owl called. The leaves went shh, shh. Somewhere a cat walked home.',
            "{Parent} hummed a song that had no words and no end. It was the song that {parent} had always hummed.",
        ),
        "asleep": (
            "And before it was over, {hero} was asleep.",
            "{Parent} waited for more. But {hero} was already fast asleep, with a little smile.",
            "{Hero.s} eyes closed, all by themselves. \"Good night,\" whispered {parent}.",
        ),
    },
    "new_baby": {
        "arrives": (
            "2* {Hero} had a new baby {baby}. Everyone came to see the baby. Everyone brought something for the baby.",
            '"This is your little {baby}," said {parent}. It was very small, and very red, and very loud.',
        ),
        "tries_to_be_seen": (
            "2* {Hero} stood on {hero.his} head. \"Not now,\" said {parent}. \"The baby is asleep.\"",
            '"Look what I can do!" said {hero}. "Shh," said everyone. "The baby!"',
        ),
        "cries": (
            "2* Then one evening the baby cried. It cried and cried, and [:wouldnot] stop.",
            "But one day, when it rained, the baby began to scream.",
        ),
        "nothing_helps": (
            "{Parent} sang. {Parent} rocked. {Parent} walked up and down. The baby cried on.",
            "Milk [:didnot] help. A song [:didnot] help. A clean diaper [:didnot] help.",
        ),
        "hero_tries": (
            "2* \"Let me try,\" said {hero}. {Hero} bent over the bed and made a face, with big cheeks and crossed eyes. The baby stopped. It looked. And then it laughed, for the first time in its life.",
            "{Hero} went to the baby and whispered something into its tiny ear. Then {hero.he} [hummed like a bee|barked like a little dog|wiggled {hero.his} ears]. The baby laughed!",
        ),
        "parent_says": (
            '2* "Nobody else could do that," said {parent}, and put an arm around {hero}. "The baby needs you. And I need you, too."',
            "From then on, when the baby cried, they all called, \"{hero.name}! Come quickly!\"",
        ),
    },
    "first_day": {
        "morning": (
            "2* It was the first day of school. {Hero} had a new bag, and new shoes, and a funny feeling in {hero.his} tummy.",
            '"Today you go to school," said {parent}. {Hero} ate only half a piece of toast.',
        ),
        "holds_hand": (
            "At the door, {hero} held on to {parent} and [:wouldnot] let go.",
            "The school was big. The door was big. Even the flowers looked big.",
        ),
        "goodbye": (
            '2* {Parent} gave {hero} {token}. "Keep {token.it} in your pocket," said {parent}. "When you miss me, hold {token.it}. I will be back after lunch."',
            '"Here," said {parent}, and put {token} into {hero.s} hand. "A little piece of home."',
        ),
        "inside": (
            "2* {Teacher} smiled. \"Good morning! You must be {hero.name}. Come in, we have been waiting for you.\"",
            "Inside there were small chairs, and on each chair there was a name. {Teacher} showed {hero} where to sit.",
        ),
        "meets": (
            '2* Next to {hero} sat {friend}. "Is it your first day, too?" asked {friend}. "I have a funny tummy." "Me too," said {hero}.',
            "At the next table, somebody was crying. It was {friend}. {Hero} held out the {token.noun}. \"You can hold it for a while,\" said {hero}.",
        ),
        "play_together": (
            "They painted a [whale|tree|train] together, and sang, and fed the class fish.",
            "They built a tower, and had a snack, and {teacher} read a story about [a bear|a lost sock|a very small giant].",
        ),
        "pick_up": (
            '2* "Is it over already?" asked {hero}, when {parent} stood at the door. "Can I come back tomorrow?"',
            "When {parent} came, {hero} had no time. \"Wait, we have to finish this first!\"",
        ),
    },
    "rainy_day": {
        "rain": (
            "2* It was raining. It had rained all day, and it [:didnot] stop. {Hero} [:couldnot] go out.",
            "Drip, drop, drip, drop. Rain ran down the window. All the fun was outside, and it was wet.",
        ),
        "friend_comes": (
            '2* Then the door opened. It was {friend}, wet and laughing. "Are you bored, too?" asked {friend}.',
            'Knock, knock! {Friend} stood at the door, dripping. "I came through nine puddles," said {friend}.',
        ),
        "finds_box": (
            "In the corner there was a big, empty box. They looked at it. They looked at each other.",
            "\"What can we do with this old box?\" asked {hero}.",
        ),
        "becomes": (
            '3* "That is not a box," said {friend}. "That is a {vessel}!"',
            "They turned it over, drew some windows on it, and climbed in. Now it was a {vessel}.",
        ),
        "voyage": (
            "2* Off they went! They saw [whales|pirates|penguins|a green moon|an island made of cake|mountains of ice] and [a sleeping giant|a city under the sea|a hundred parrots|the back of the moon|a very polite dragon]. {Hero} was the captain, and {friend} held the map.",
            '"Ready?" asked {hero}. "Ready!" said {friend}. The carpet was the [sea|sky|desert], and the lamp was the [sun|moon|lighthouse].',
        ),
        "danger": (
            '2* "Watch out!" called {friend}. A [monster|shark|giant squid|storm] was coming closer. It was really only the [cat|old chair|coat on the hook], but you had to know that.',
            "Then there was a terrible storm. The whole {vessel} rocked from side to side. {Friend} fell out twice.",
        ),
        "solved": (
            "{Hero} gave it a cookie, and then it was on their side.",
            "\"Everybody sing!\" called {hero}, and after three songs the danger was over.",
            "{Hero} turned the wheel as hard as {hero.he} could, and they got away.",
        ),
        "back": (
            '2* When they came back, the rain had stopped. The sun was out. "Shall we go outside?" asked {friend}. "Later," said {hero}. "First we have to get home from the [sea|moon|North Pole]."',
            '"Supper!" somebody called. They landed just in time. {Hero} had not heard the rain for hours.',
        ),
    },
    "lost_tooth": {
        "loose": (
            "2* {Hero} bit into an apple, and something moved. It was a tooth!",
            "(!begun) One morning, one of {hero.s} teeth was loose. It moved when {hero.he} touched it.",
            "At breakfast, {hero} felt something strange. One tooth was loose.",
        ),
        "explains": (
            '2* "That is a good thing," said {parent}. "A new one is coming. And when the old one falls out, you put it under your pillow for the tooth fairy."',
            '"Everybody loses their first teeth," said {parent}. "You are getting big."',
        ),
        "falls_out": (
            "2* All day long, {hero} pushed it with {hero.his} tongue. And then, plop, it was out!",
            "In the afternoon, {hero} laughed at a joke, and the tooth flew right out.",
        ),
        "loses_it": (
            "{Hero} held it up to look at it. It was so small. It slipped, and rolled, and fell through a crack in the floor.",
            "But where was it now? {Hero} had put it on the table, and then came a big sneeze, and then it was gone.",
        ),
        "letter": (
            '2* "We will write a letter," said {parent}. And {hero} wrote: Dear tooth fairy, I did have a tooth, but it is lost. Here is a drawing of it. Love, {hero.name}.',
            '"Now the fairy will not believe me," said {hero}. "Then tell the fairy just how it was," [:replied] {parent}. So they wrote it all down, and put the letter under the pillow.',
        ),
        "night": (
            "That night, a little light flew past the window. Or was it a dream?",
            "{Hero} wanted to stay awake to see. But it is hard to stay awake when you have grown so much.",
        ),
        "morning": (
            '2* In the morning there was a shiny coin, and a tiny note: I found it! Thank you for telling the truth. Brush well!',
            "When {hero} woke up, the letter was gone. In its place lay a coin, as bright as the sun.",
        ),
    },
    "messy_room": {
        "mess": (
            "2* {Hero.s} room was a mess. There were toys on the floor, socks on the lamp, and half a sandwich under the bed.",
            "You [:couldnot] see the floor in {hero.s} room. You had to jump from the bed to the door.",
        ),
        "wants": (
            "2* Today {hero} wanted to play with {toy}.",
            "{Hero} was looking for {toy}. {Hero} needed {toy.it} right now.",
        ),
        "cannot_find": (
            "{Hero} looked under a mountain of clothes. {Hero} looked behind a wall of books. No {toy.noun}!",
            "{Hero} threw everything from left to right, and then from right to left. It only got worse.",
        ),
        "parent_says": (
            '2* "My room has eaten my {toy.noun}!" {hero} told {parent}. "Then make it open its mouth," said {parent}. "Put everything in its place, one thing at a time."',
            '{Parent} looked in. "There are two ways," said {parent}. "You can cry, or you can clean. I know which one finds more."',
        ),
        "cleans": (
            "2* So {hero} began. Books on the shelf. Blocks in the box. Socks in the drawer.",
            "{Hero} [:didnot] want to. But after ten things, {hero.he} could see a bit of the floor. After twenty, it was almost fun.",
        ),
        "treasures": (
            "And what treasures there were! A lost mitten, a blue button, and a drawing from last summer.",
            "{Hero} found three coins, a whistle, and something green that had once been an apple.",
        ),
        "found": (
            "2* And there, at the very bottom, {toy.was} the {toy.noun}! {Hero} hugged {toy.it} and looked around. The room looked much bigger now.",
            "The very last thing on the floor {toy.was} the {toy.noun}. \"There you are,\" said {hero}, \"and here is your place.\"",
        ),
    },
}  # fmt: skip

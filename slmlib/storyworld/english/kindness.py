"""Phrases of plots/kindness.py."""

PHRASES = {
    "hurt_wing": {
        "finds": (
            "2* Under a [bush|tree|hedge], {hero} found {patient}. {Patient.his} {patient.part} was hurt.",
            "Something [moved|was lying] in the grass. It was {patient}, and {patient.he} [:couldnot] get up.",
            '"Ouch, ouch," said a small voice. There sat {patient} with a hurt {patient.part}.',
        ),
        "carries": (
            '2* "Don\'t be afraid," said {hero} softly. "I will not hurt you." {Hero} picked {patient} up, as gently as an egg, and carried {patient.him} home.',
            "{Hero} took off {hero.his} scarf, put {patient} in it, and walked home with very small steps.",
        ),
        "nurses": (
            "2* {Parent} knew what to do. They washed the {patient.part} and put a [bandage|soft cloth] around it. Then they made a bed in an old shoe box.",
            '"It is not broken," said {parent}. "But {patient.he} needs rest, food, and a quiet place." {Hero} brought some {patient.food} and some water.',
        ),
        "days": (
            "Every morning, {hero} looked into the box. Every day, {patient} was a little stronger.",
            "{Hero} sat with {patient} every day and told {patient.him} stories. {Patient} liked the ones about [the sea|the moon|the forest] best.",
            "On the first day, {patient} only slept. On the third day, {patient.he} ate. On the seventh day, {patient.he} sang.",
        ),
        "must_go": (
            '2* Then the {patient.part} was well again. "It is time," said {parent}. "{patient.name} belongs outside."',
            "One morning, {patient} looked at the open window, and {hero} understood.",
        ),
        "lets_go": (
            '2* {Hero} wanted to keep {patient}. But when you love somebody, you let them go. "Goodbye," {hero.he} said and opened the door.',
            "They went out together, to the place where they had met. {Patient} looked back once, and was gone.",
        ),
        "comes_back": (
            '2* But in the spring, {hero} heard "{patient.sound}" at the window. It was {patient}, and {patient.he} had brought two little ones to show.',
            "And the next morning, and every morning after that, a voice outside called, \"{patient.sound}\" Then {hero} knew who it was.",
        ),
    },
    "stray": {
        "rain": (
            "2* It rained and rained. {Hero} sat at the window and counted the drops.",
            "(!begun) One rainy evening, {hero} was at home. The wind pulled at the windows.",
        ),
        "hears": (
            '2* Then {hero} heard something outside the door. "{stray.sound}" it said, very quietly. It was {stray}, wet from nose to tail.',
            "In front of the door sat {stray}. The rain ran down {stray.his} nose.",
        ),
        "brings_in": (
            "2* {Hero} got a towel and rubbed {stray} dry. Then {hero.he} gave {stray.him} some {stray.food}. It was gone in one second.",
            "{Hero} opened the door wide. {Stray} came in, one step at a time, and ate everything that {hero} put down.",
        ),
        "asks": (
            '2* "Can we keep {stray.name}?" {hero} asked {parent}. "That is a lot of work," said {parent}. "An animal is not a toy."',
            '{Parent} came in. "Who is that?" "This is {stray.name}," said {hero}. "{stray.name} has no home. Please?"',
        ),
        "promise": (
            '3* "I will take care of {stray.him} every day," said {hero}. "I promise." {Parent} looked at {hero}, and then at {stray}. "All right," [:replied] {parent}.',
            '"Will you feed {stray.him} every day, even when it rains?" asked {parent}. "I promise," said {hero}, and {hero.he} had never been so serious.',
        ),
        "every_day": (
            "2* And {hero} kept the promise. When it rained, and when the others were playing, {hero} fed {stray} first.",
            "Some days it was hard. Some days {hero} was tired. But {hero} never forgot {stray}, not even once.",
        ),
    },
    "thorn": {
        "feared": (
            "2* Everyone there was afraid of {giant}. Nobody ever went near {giant.him}.",
            "There lived {giant}, and all the small animals ran away when {giant.he} came.",
        ),
        "cries": (
            "2* That day, {hero} heard a loud cry. It was {giant}, and big tears rolled down {giant.his} face.",
            "But today {giant} [:didnot] roar or stamp. {Giant} lay on the ground and cried.",
        ),
        "comes_closer": (
            '2* Still, {hero} [:couldnot] just walk by. "What is wrong?" {hero.he} asked from behind a tree. "There is a thorn in my {giant.part}," said {giant}. "And nobody will come near me."',
            '{Hero} took one little step, and one more. Then {hero.he} saw a long thorn in {giant.s} {giant.part}. "That must hurt," said {hero}.',
        ),
        "pulls_thorn": (
            "2* \"Hold still,\" said {hero}. {Hero} took the thorn and pulled. It [:didnot] move. {Hero} pulled again, as hard as {hero.he} could, and out it came!",
            '{Hero} was so small that {hero.he} could get very close. One, two, three, and the thorn was out. "Ahhh," said {giant}.',
        ),
        "thanks": (
            '2* "I will never forget this," said {giant}. "How can I thank you?" "You don\'t have to," [:replied] {hero}.',
            '"You are the bravest {hero.kind} I know," said {giant}, and {giant.his} voice [:wasnot] scary at all.',
        ),
        "trouble": (
            "2* A few days later, {hero} wanted to cross the river. The water was fast, and it pulled {hero} off {hero.his} feet. \"Help!\"",
            "That winter, a heavy branch fell on {hero.s} home, and {hero} [:couldnot] get out. \"Help!\" {hero.he} called.",
        ),
        "giant_helps": (
            "2* Then the ground shook. It was {giant}! {Giant} came running, and with one {giant.part} {giant.he} set {hero} free. \"Now we are even,\" said {giant}. \"Now we are friends,\" [:replied] {hero}.",
            "Nobody else was strong enough. But {giant} was. One push, and {hero} was safe. \"You helped me when nobody dared,\" said {giant}.",
        ),
    },
    "tiny_in_trouble": {
        "trapped": (
            "2* There {hero} saw {tiny}. {Tiny} was caught in a [spider's web|sticky drop of honey|bit of string] and [:couldnot] get away.",
            '"Help, help!" It was such a tiny voice that {hero} almost [:didnot] hear it. {Tiny} had fallen into a puddle.',
        ),
        "frees": (
            "2* {Hero} took a [leaf|little stick] and very carefully helped {tiny} out.",
            "{Hero} bent down. It took only a moment, and {tiny} was free.",
        ),
        "says_thanks": (
            '2* "Thank you!" said {tiny}. "One day I will help you, too." {Hero} smiled. How could somebody so tiny help anybody?',
            '"I will not forget it," said {tiny}. "It was nothing," [:replied] {hero}. "Not to me," [:replied] {tiny}.',
        ),
        "later_loses": (
            "2* The next day, {hero} came back with {key}. But it slipped out of {hero.his} {hero.part} and fell into a deep, narrow crack between two rocks. {Hero} could see it, but {hero.he} [:couldnot] reach it.",
            "A week later, {hero} was playing there with {key}. Cling! It fell between two stones, down, down, where no arm could go.",
        ),
        "tiny_comes": (
            '2* "Is that yours?" said a voice that {hero} knew. It was {tiny}. "I am just the right size for this." In went {tiny}, and out came {tiny}, pulling the {key.noun} behind.',
            'Then {tiny} was there. "Today it is my turn," said {tiny}. {Tiny} went down into the crack, and pushed, and pushed, until {hero} could take the {key.noun}.',
        ),
    },
    "sick_friend": {
        "waits": (
            "2* {Hero} and {friend.known} played together every day. But today nobody came.",
            "{Hero} waited for {friend.known} at the corner. {Hero} waited a long time.",
        ),
        "hears": (
            '2* "{friend.name} is sick in bed," said a neighbor, "and must not get up."',
            "So {hero} went and knocked at {friend.s} door. {Friend} was in bed, with a hot head and a red nose.",
        ),
        "cooks": (
            "2* {Hero} went home and cooked {dish}. {Hero} carried the pot all the way, and [:didnot] spill one drop.",
            "{Hero} had {dish} at home, still hot on the stove. {Hero} put it in a pot with a lid and ran.",
        ),
        "too_hot": (
            '2* "Careful, it is hot," said {hero}. They blew on it together, and then {friend} ate it all.',
            '"It smells [:yummy]," said {friend}. "Wait," [:replied] {hero}, "it is too hot." So they counted to a hundred, and then {friend} ate it all up.',
        ),
        "cheers_up": (
            "2* {Hero} stayed the whole afternoon. {Hero} told stories, made shadow animals on the wall, and [sang a song in a very funny voice|danced with a broom|fell off the chair on purpose].",
            '"I can\'t come out and play," said {friend}. "Then the play will come to you," [:replied] {hero}, and the bed became a [ship|castle|train|flying carpet].',
        ),
        "well_again": (
            "Two days later, {friend} was well. And then it was {hero} who had to sneeze. Can you guess who came with a pot?",
            "The next morning, {friend} already felt much better.",
        ),
    },
    "little_shop": {
        "dream": (
            "2* In the shop window there was {dream}. {Hero} looked at it every day. It cost ten coins, and {hero} had none.",
            "{Hero} wished for {dream} more than anything. \"You can earn it,\" said {hero.his} mom.",
        ),
        "sells": (
            '2* So {hero} put a table in front of the house and sold {ware}. "Come and buy!" {hero.he} called. First came [the mailman|a neighbor|a lady with a dog], then [two girls|an old man|a baker], and then everybody.',
            "{Hero} made a sign with big letters and sold {ware}, all day long, in the hot sun.",
        ),
        "counts": (
            "In the evening, {hero} counted the coins. Eight, nine, ten! It was enough.",
            "After three days, the jar was full. {Hero} took it under {hero.his} arm and ran to the shop.",
        ),
        "meets_sad": (
            '2* On the way, {hero} saw {friend}. {Friend} sat on the steps and cried. "My cat is sick," said {friend}, "and we cannot pay the animal doctor."',
            '{Friend} was standing at the bus stop, crying. "I lost the money for our supper," said {friend}. "It was all we had."',
        ),
        "thinks": (
            "2* {Hero} looked at the coins. {Hero} thought of the {dream.noun}. Then {hero.he} looked at {friend}.",
            "It is hard to give away what you worked for. {Hero} stood there for a long time.",
        ),
        "gives_money": (
            '2* "Here," said {hero}. "You need it more than I do."',
            '{Hero} put the coins into {friend.s} hand and closed {friend.his} fingers over them.',
        ),
        "later": (
            "2* The next morning, {friend} came with a cart full of lemons and oranges. \"Let's sell together,\" said {friend}. And before the week was over, they had earned enough, and the {dream.noun} belonged to both of them.",
            "{Hero} went home with empty hands. But {hero.his} heart was so full that {hero.he} [:didnot] miss the {dream.noun} at all.",
        ),
    },
    "long_winter": {
        "summer": (
            "2* All summer long, {hero} worked. {Hero} gathered {hero.food} and [dry grass|wood|leaves] and carried it all into the {hero.house}. Nearby, {singer} sat in the sun and sang.",
            "Summer was warm and long. {Hero} filled the {hero.house} with {hero.food}, bit by bit. There was also {singer}, who sang from morning to night.",
        ),
        "invites": (
            '2* "Why do you work so hard?" asked {singer}. "Come and sing with me!" "Winter will come," said {hero}. "Winter is far away," [:replied] {singer}, and went on singing.',
            '"Put something away for the winter," said {hero}. "Tomorrow," sang {singer}, "tomorrow, tomorrow."',
        ),
        "winter": (
            "2* Then the leaves fell, and the first snow came. {Hero} sat by the warm fire. It was cozy, and there was enough to eat. But it was very quiet.",
            "And winter came. It came in one night, with ice and a cold wind. {Hero} closed the door and had plenty of {hero.food}, but nobody to talk to.",
        ),
        "knock": (
            '2* There was a knock at the door. Outside stood {singer}, thin and cold. "I have nothing to eat," said {singer}. "You were right."',
            "Knock, knock! It was {singer}, with snow all over. \"May I come in, just for a moment?\"",
        ),
        "decides": (
            '2* {Hero} thought about all the work. Then {hero.he} thought about all the songs. "I worked to your music all summer," said {hero}. "Come in."',
            '"You [:didnot] work," said {hero}. "No," [:replied] {singer}, "I only sang." "I know," [:replied] {hero}. "It was lovely. Come in and eat."',
        ),
        "evening": (
            "2* So {hero} shared the food, and {singer} sang, and outside the snow fell and fell. When spring came, they planted a garden together.",
            "All winter long there was supper at {hero.s} house, and after supper there was music. And the next summer, {singer} worked in the mornings and sang in the afternoons.",
        ),
    },
    "heavy_load": {
        "sees": (
            "2* There came {elder} with a heavy [basket|bag|bundle of wood]. {Elder} stopped at every corner to rest.",
            "{Hero} saw {elder}, pulling a [cart full of apples|sack of potatoes|big box] that was much too heavy.",
        ),
        "own_plan": (
            "2* {Hero} wanted to go and play. The others were already waiting.",
            "\"Somebody should help,\" thought {hero}. But it was such a fine day, and the others were calling.",
        ),
        "helps": (
            '2* But then {hero} ran over. "Let me carry it with you," {hero.he} said.',
            'But {hero} turned around. "Wait!" {hero.he} called. "I will take one side, and you take the other."',
        ),
        "on_the_way": (
            "It was heavy, and the way was long. They went [up the hill|over the bridge|around the lake] and [down again|past the mill|along the fence].",
            "They stopped to rest under a big tree. A [red|blue|gray] bird sat on the load and came along for free.",
        ),
        "story": (
            "2* On the way, {elder} told {hero} about old times, when [there were wolves in the forest|the river froze for three months|the moon looked bigger|{elder} was as small as {hero}].",
            "And while they walked, {elder} taught {hero} [a song|a riddle|the names of the birds|how to whistle with two fingers].",
        ),
        "arrives": (
            "At last they were there. \"I [:couldnot] have done it alone,\" said {elder}.",
            "\"Here we are,\" said {elder}. \"With you, it [:wasnot] heavy at all.\"",
        ),
        "reward": (
            "2* Then {elder} opened the load. Right on top lay [a warm roll|two red apples|a piece of cake|a bag of nuts], just for {hero}.",
            "{Hero} got a [kiss on the nose|big hug|cup of hot chocolate], and ran back to play. There was still enough of the day left.",
        ),
    },
}  # fmt: skip

"""Phrases of plots/wonder.py."""

PHRASES = {
    "wish_on_star": {
        "lonely_night": (
            "2* In the evening, {hero} sat at the window. All day long there had been nobody to play with.",
            "(!begun) One evening, {hero} lay in the grass and looked up at the sky. Everyone else had gone home, two by two.",
            "When the sun was gone, {hero} sat outside, all alone.",
        ),
        "star": (
            "2* Then a star fell from the sky. It drew a long, bright line.",
            "One star was brighter than all the others. It seemed to be looking at {hero}.",
        ),
        "wish": (
            '2* {Hero} closed {hero.his} eyes. "I wish I had a friend," {hero.he} whispered.',
            '"Dear star," said {hero}, "please send me a friend. A small one would be enough."',
        ),
        "morning": (
            "2* In the morning, {hero} ran to the door. Nobody was there. \"Maybe the star does not know where I live,\" {hero} thought. \"I had better go and meet it halfway.\"",
            "The next day, {hero} waited and waited. Then {hero.he} thought, \"Friends do not fall from the sky. I must go and look.\"",
        ),
        "finds_friend": (
            "2* {Hero} went {place.to}. And there sat {friend}, all alone, looking at the sky.",
            "So {hero} walked {place.to}. There was {friend}, and {friend} was drawing stars in the sand with a stick.",
        ),
        "friend_wished_too": (
            '2* "What are you looking for?" asked {hero}. "For a star," said {friend}. "I made a wish last night. But I don\'t think it heard me." "I think it did," [:replied] {hero}.',
            '"Did you see the star last night?" asked {friend}. "Yes!" said {hero}. "What did you wish for?" "I must not say," [:replied] {friend}, "but it is standing in front of me."',
        ),
        "evening": (
            "That night they sat outside together. There were so many stars, and neither of them needed a wish.",
            "From that day on, neither of them was ever alone again.",
        ),
    },
    "magic_pebble": {
        "finds": (
            "2* (!begun) One day, {hero} found a {magic} that glowed a little in the dark.",
            "On the ground there lay a strange {magic}. When {hero} rubbed it, it began to glow.",
        ),
        "three_wishes": (
            '3* "I am a magic {magic}," it said in a tiny voice. "You have three wishes. Use them well."',
            '"Who woke me up?" asked the {magic}. "Oh well. You have three wishes. Think first."',
        ),
        "first_wish": (
            '(cake) {Hero} [:didnot] think first. "I wish for cake!" {hero.he} said. Puff! There was a cake. And another one. And another one.',
            '(bigger) "I wish I were bigger!" said {hero} right away. Puff! {Hero} grew. And grew. And grew.',
            '(snow) "I wish it would snow!" said {hero}, although it was the middle of summer. Puff! It snowed.',
        ),
        "too_far": (
            "(cake) Cakes rolled through the door and out of the windows. There was cake in the bed and cake in the shoes. Soon {hero} [:couldnot] move.",
            "(bigger) {Hero} was taller than the house, and then taller than the trees. Nobody could hear {hero} any more, and nobody could reach up for a hug.",
            "(snow) It snowed on the flowers. It snowed on the birds. They were all cold, and looked at {hero} with big eyes.",
        ),
        "second_wish": (
            '2* "I wish it were all as it was before!" {hero} cried. Puff! And so it was.',
            '"Stop! Make it as it was!" {hero} called. Puff! That was the second wish.',
        ),
        "one_left": (
            '2* "Now there is one wish left," said the {magic}. {Hero} sat down, and this time {hero.he} did think. Not far away was {friend}, who [had lost a tooth|had a broken bike|could not find the way home|had no one to play with|was sad about a broken toy].',
            "Only one wish was left. {Hero} looked around and saw {friend}. {Friend} had been [sick|sad|lonely] for a long time.",
        ),
        "last_wish": (
            '2* "I wish that {friend.name} will be happy," said {hero}. The {magic} glowed very brightly, and then it was just like any other {magic} again.',
            '"I wish something good for {friend.name}," said {hero}. "That was the best of the three," said the {magic}, and went to sleep for a hundred years.',
        ),
    },
    "monkey_business": {
        "zoo": (
            "2* {Hero} went to the zoo with {parent}. It was a special day, so {hero} had {stolen} on.",
            "It was {parent} who took {hero} to the zoo. {Hero} was wearing {stolen}.",
        ),
        "grabs": (
            "2* In front of the monkeys, {hero} stopped. There sat {monkey}, looking very innocent. Then a long brown arm came through the bars, and the {stolen.noun} {stolen.was} gone!",
            "They stood near the monkeys. \"Don't go too close,\" said {parent}. But {hero} did, and zip! {Monkey} had the {stolen.noun}.",
        ),
        "copies": (
            "{Monkey} tried {stolen.it} on, first on the head, then on the feet, and then on the tail. Everybody laughed. {Hero} [:didnot].",
            "{Monkey} climbed up to the very top and showed {stolen.it} to all the other monkeys.",
        ),
        "begs": (
            '2* "Give {stolen.it} back!" [:shouted] {hero}, and jumped up and down. {Monkey} jumped up and down, too.',
            '"Please!" said {hero} and put {hero.his} hands together. {Monkey} put both hands together, too.',
        ),
        "idea": (
            '"{monkey.name} does not know what please means," said {parent}. "But maybe {monkey.name} knows what a trade is." {Hero} still had a banana.',
            '{Parent} thought about it. "What would you want, if you were a monkey?" {Hero} looked into the lunch bag. There was a banana.',
        ),
        "trade": (
            "2* {Hero} held up the banana. {Monkey} looked at the banana, and then at the {stolen.noun}. You could see {monkey.him} think. Then down came {monkey}, took the banana, and very politely gave back the {stolen.noun}.",
            "{Hero} put the banana down and took a step back. Quick as the wind, {monkey} was there. And where the banana had been, there {stolen.was} the {stolen.noun}.",
        ),
        "goodbye": (
            "When they left, {monkey} waved. {Hero} waved back, with one hand. The other hand held on to the {stolen.noun}.",
            '"That was a good trade," said {parent}. "Next time I will bring two bananas," [:replied] {hero}.',
        ),
    },
    "picnic_rain": {
        "unpack": (
            "2* They put a blanket on the grass and sat down. It was going to be the best picnic of the year.",
            '"A picnic!" said {friend}. They looked for the softest grass and sat down.',
        ),
        "treat": (
            "{Hero} took {treat} out of the basket, and {friend} had brought [bread and cheese|grapes|a jar of honey].",
            "In the basket there was {treat}, and a bottle of [juice|milk|water] with two cups.",
        ),
        "clouds": (
            '2* Then a big gray cloud came, and it sat down on the sun. Plip. "What was that?" asked {hero}. Plop, said the sky, and then it rained and rained.',
            "But a cold wind began to blow. A drop fell on {hero.s} nose. A drop fell on {friend.s} head. And then the whole sky fell down on them.",
        ),
        "host_calls": (
            '2* "Come in here, quick!" called a voice. It was {host}. They grabbed everything and ran.',
            '{Host} looked out at them. "You are getting wet," said {host}. "I have a dry place. It is not big, but it is dry."',
        ),
        "inside": (
            "So they all sat close together, with the rain drumming on the roof. It was warm and a little dark.",
            "It was a tight fit. {Hero} sat on {friend.s} foot, and somebody's elbow was in the bread. They laughed and laughed.",
        ),
        "share": (
            "They shared everything in three, and {host} said that it was the best picnic that had ever come to the door.",
            "There was enough for three. {Host} told a story for dessert.",
        ),
        "rainbow": (
            "2* When the rain stopped, there was a rainbow over everything. \"I ordered that,\" said {host}.",
            "Then the sun came out again. \"What a pity,\" said {hero}. \"It was just getting cozy.\"",
        ),
    },
    "strange_egg": {
        "finds": (
            "2* There, in the grass, lay an egg. It was {shell}. And it was all alone.",
            "{Hero} almost stepped on it. It was an egg, {shell}. {Hero} looked for a nest, but there was none.",
        ),
        "keeps_warm": (
            "2* \"You are cold,\" said {hero}. {Hero} put the egg in a warm hat and sat down beside it.",
            "{Hero} put soft moss around it and held it close, all day and half the night.",
        ),
        "guesses": (
            "Was it a [dragon|snake|duck]? Was it a [crocodile|dinosaur|swan]? {Hero} [:didnot] care. It was going to be somebody.",
            '"Hello in there," said {hero}, and put an ear to the egg. Tick, tick, said the egg.',
        ),
        "cracks": (
            "2* Then, on the third day, there was a tiny crack. And then a long one.",
            "[Suddenly|Early in the morning], the egg began to move. It rocked to the left, and it rocked to the right. Crack!",
        ),
        "hatches": (
            '2* Out came {chick}, wet and tiny. "{chick.sound}" was the very first thing that {chick.he} said.',
            "A small head looked out. It belonged to {chick}, who looked around at the whole big world and sneezed.",
        ),
        "mother_comes": (
            "2* There was a great noise of wings. It was the mother! A storm had blown the egg out of the nest, and now the mother had found it.",
            "Then the mother came flying. \"My baby! I have searched for three days!\"",
        ),
        "thanks": (
            '"You kept my little one warm," said the mother. "How can I thank you?" "May I visit?" asked {hero}.',
            "{Hero} was a little sad to let go. But a mother is a mother.",
        ),
        "every_spring": (
            "After that, every spring, {chick} came back and sang under {hero.s} window.",
            "{Chick} learned to fly that summer. And who clapped the loudest? {Hero} did.",
        ),
    },
    "sad_moon": {
        "elder_sad": (
            "2* {Elder} was ill and [:couldnot] go out. \"What I miss most is the moon,\" said {elder}. \"I cannot see it from my bed.\"",
            '"When I was young," said {elder}, "I walked under the moon every night. Now my legs are too tired."',
        ),
        "wants_moon": (
            '"Then I will bring it to you," said {hero}.',
            "{Hero} thought about that all day. And when it was dark, {hero} went out to get the moon.",
        ),
        "tree": (
            "{Hero} went up the highest hill. The moon was still far away.",
            "{Hero} jumped. {Hero} reached out. {Hero} tried it with a net. The moon only smiled.",
        ),
        "too_far": (
            '"Please come down," {hero} called. But the moon [:didnot] come.',
            "The moon looked so close, and it was so far.",
        ),
        "owl_says": (
            '"You cannot catch the moon," said a voice. It was {owl}. "But you can ask it to follow you. It likes water."',
            'Then {owl} came along. "What are you doing up so late?" asked {owl}. {Hero} told the whole story. "Take a bucket," said {owl}. "I will say no more."',
        ),
        "bucket": (
            "2* {Hero} got a bucket and filled it at the well. And there it was! The moon lay in the water, round and bright.",
            "So {hero} filled a bucket with water and put it down. The moon climbed right in.",
        ),
        "carries": (
            "Very slowly, without spilling one drop, {hero} carried it home and put it beside {elder.s} bed, under the open window.",
            "{Hero} carried it all the way home, step by step, and opened the curtain. \"Look!\"",
        ),
        "end": (
            '2* "You brought me the moon," said {elder}. And the moon shook a little in the bucket, as if it were laughing.',
            "They looked at it together for a long time, until a cloud came and put it to bed.",
        ),
    },
    "treasure_map": {
        "map": (
            "2* {Friend} had an old map with a red cross on it. \"A treasure!\" said {friend}. \"Will you come with me?\"",
            "Between two stones, {hero} found a map. It was old and yellow, and there was a red cross on it. \"Do you think what I think?\" asked {friend}.",
        ),
        "first_step": (
            "First they had to [walk forty steps to the north|find a tree with two tops|crawl through a hollow log|cross a little bridge]. {Hero} counted, and {friend} held the map.",
            "The map said: go to the [stone that looks like a bear|old well|oldest tree|broken fence]. They looked for it for an hour.",
        ),
        "second_step": (
            "Then they had to [jump over a ditch|wait until the shadow touched a rock|turn left at a bird's nest|follow a line of white stones]. {Friend} got a wet foot.",
            "Then it got difficult. The map was torn, just there. \"We have to guess,\" said {hero}. They guessed wrong twice.",
        ),
        "dig": (
            "2* \"Here!\" said {friend}. They dug and dug. Clonk! There was a little chest.",
            "And there was the place. They pushed a heavy stone away, and under it was a wooden box.",
        ),
        "open": (
            "3* {Hero} opened it. Inside they found {chest}.",
            "They counted to three and opened it together. It was {chest}.",
        ),
        "happy_anyway": (
            '2* "No gold," said {friend}. "No," [:replied] {hero}. "But we had the whole day." They hid it again, for the next two who would come.',
            "They looked at each other and began to laugh. It was a better treasure than gold. You can't play with gold.",
        ),
    },
    "echo": {
        "calls": (
            '2* "Hello!" {hero} called, just for fun.',
            "{Hero} sang loudly, because nobody was there. At least that is what {hero.he} thought.",
        ),
        "answer": (
            '2* "Hello!" somebody called back from behind the hill. "Who are you?" called {hero}. "Who are you?" said the voice. "I asked you first!" "Asked you first!" said the voice.',
            'From far away, somebody was doing the same. "Stop that!" called {hero}. "Stop that!" called the voice.',
        ),
        "worse": (
            '2* "You are silly!" {hero} [:shouted]. "You are silly!" came the answer. "Go away!" "Go away!"',
            '{Hero} called it a potato head. The voice called {hero} a potato head. It was terrible.',
        ),
        "tells_parent": (
            "2* {Hero} ran home and told {parent}. \"There is somebody very mean behind the hill!\"",
            '"Behind the hill there lives somebody who hates me," {hero} told {parent}.',
        ),
        "advice": (
            '2* "Maybe," said {parent}, "you should try something kind. Just once, and see."',
            '"Hm," said {parent}. "Perhaps they are only as angry as you are. Be kind first."',
        ),
        "calls_again": (
            '2* So {hero} went back. "I am sorry!" {hero.he} called. "I am sorry!" said the voice. "Do you want to be friends?" "Be friends?" said the voice, and it sounded happy.',
            'The next day, {hero} called, "Good morning! I like you!" And from behind the hill came, warm and clear, "I like you!"',
        ),
    },
    "little_boat": {
        "builds_boat": (
            "2* {Hero} built a little boat out of bark, with a leaf for a sail.",
            "{Hero} had found half a nut shell, as big as a bathtub. It made a wonderful boat.",
        ),
        "promise": (
            '2* "Stay near the shore," said {friend}. "The water gets deep." "I promise," [:replied] {hero}.',
            '{Friend} came to look at it. "Promise me that you will not go far," said {friend}. "I promise," [:replied] {hero}.',
        ),
        "too_far": (
            "2* But it was so nice on the water. The sun danced on the waves. Just a little farther, thought {hero}, and a little farther. When {hero} turned around, the shore was as thin as a line.",
            "But there was an island, not so far away, and {hero} forgot the promise. Then the wind changed.",
        ),
        "calls_friend": (
            '2* "Help!" {hero} called. It was {friend} who heard it.',
            "{Hero} waved with the sail. Far away, {friend} saw it, and [:didnot] think twice.",
        ),
        "push_home": (
            "2* {Friend} swam as fast as {friend.he} could, and pushed the little boat, wave by wave, back to the shore.",
            "{Friend} jumped into the water and swam and swam. Then {friend} took the rope and pulled the boat home.",
        ),
        "sorry": (
            '2* "I broke my promise," said {hero}. "I am sorry." "I was so afraid for you," [:replied] {friend}. "Next time we will go together."',
            '"You promised," said {friend}, still out of breath. "I know," [:replied] {hero}. "I will never forget it again."',
        ),
    },
}  # fmt: skip

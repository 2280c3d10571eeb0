"""Phrases of plots/courage.py."""

PHRASES = {
    "learn_skill": {
        "wants": (
            "2* {Hero} [wanted very much|wanted more than anything|had only one wish:] to {skill.base}.",
            "All {hero.his} friends could {skill.base}. Only {hero} [:couldnot].",
            '"One day I will {skill.base}," {hero} [said|told everyone]. But {hero.he} [:didnot] know how.',
            "{Hero} had a dream. In the dream, {hero.he} could {skill.base}. But it was only a dream.",
        ),
        "first_try": (
            "2* {Hero} tried it. {Hero.he} {skill.fails}. Ouch!",
            '"Today is the day," said {hero}. But {hero.he} {skill.fails}.',
            "{Hero} counted to three and tried. But {hero.he} {skill.fails}.",
        ),
        "advice": (
            '2* "It is too hard," said {hero}. "It is hard for everyone at first," [:replied] {friend}. "{skill.advice}."',
            '"I will never be able to {skill.base}," said {hero}. "I said that too, once," [:replied] {friend}. "Here is a trick. {skill.advice}."',
            '"Do you want to know how I learned to {skill.base}?" asked {friend}. "{skill.advice}. And do not stop when it goes wrong."',
        ),
        "again": (
            "2* So {hero} tried again. It was a little better. {Hero} tried once more, and it was better still.",
            "{Hero} tried again, and again it went wrong. But it went wrong in a better way.",
            "{Hero} practiced [all morning|every day that week|until supper|in the morning and in the evening].",
        ),
        "again_two": (
            '"Almost!" called {friend}. "One more time!"',
            "Sometimes {hero} wanted to stop. But {friend} [was always there|clapped every time|would not hear of it].",
            "\"I can do it,\" {hero} [whispered|said quietly]. \"I can, I can, I can.\"",
        ),
        "success": (
            "2* And then, [all at once|suddenly|after so many tries], {hero} {skill.past}! \"I did it!\" {hero.he} [:shouted].",
            "And on the [tenth|last|hundredth] try, it worked. {Hero} {skill.past}! {Friend} cheered so loudly that the birds flew up.",
            "[One day|At last|Then], without even thinking about it, {hero} {skill.past}.",
        ),
    },
    "night_noise": {
        "night": (
            "2* (!begun) One night, {hero} was lying in bed. The moon was [big and round|behind a cloud|very bright]. Everyone was asleep.",
            "When night came, {hero} was lying in bed, wide awake. The house was dark and quiet.",
            "It was late, and it was dark. {Hero} [:couldnot] sleep.",
            "In the middle of the night, {hero} woke up.",
        ),
        "noise": (
            "2* There it was! [Scratch, scratch|Tap, tap, tap|Bump|Rustle, rustle|Creak]. Something was [outside the door|under the window|in the corner|behind the wall].",
            "Then came a [strange|soft|funny] sound. [Scratch, scratch|Tap, tap|Knock, knock|Squeak].",
        ),
        "imagines": (
            "2* Was it a [monster|ghost|dragon|giant|witch]? {Hero} pulled the blanket up to {hero.his} nose.",
            '"Maybe it is a [monster|ghost|dragon|robber] with [green|yellow|red] eyes," {hero} thought, and hid under the pillow.',
        ),
        "goes_to_look": (
            "2* But {hero} also wanted to know. So {hero.he} took {lamp} and [tiptoed|walked very slowly] to the place where the sound came from. One step. Two steps. Three steps.",
            '"I am small, but I am brave," said {hero}. {Hero} took {lamp} in {hero.his} [hands|arms], and opened the door just a little.',
        ),
        "finds": (
            "2* The light fell on two big eyes. It was only {visitor}! {Visitor} was even more afraid than {hero}.",
            "And what was there? No monster at all. It was {visitor}, and {visitor.he} was shaking.",
        ),
        "helps_visitor": (
            '2* "I am [cold|hungry|lost|all alone]," said {visitor}. "I [:didnot] want to scare you." "Come in," [:replied] {hero}, and [gave {visitor.him} some {visitor.food}|made a little bed out of an old scarf|shared {hero.his} warm blanket].',
            '"You look like I feel," said {hero}. Then they both laughed, very quietly, because it was night.',
        ),
        "sleeps": (
            "After that, {hero} slept deep and well until [morning|the sun came up].",
            "When the next strange sound came, {hero} only smiled and turned over.",
            "In the morning, {hero} found a [shiny stone|blue feather|little flower] at the door. It was a thank-you.",
        ),
    },
    "thunder": {
        "storm": (
            "2* (!begun) One [evening|night|afternoon], the sky turned [black|dark gray]. The wind [howled|blew hard], and the rain fell [in big drops|like a river]. Then, boom! Thunder!",
            "(begun) But soon the sky turned [black|gray|dark]. The wind began to [howl|blow hard]. Then, boom! Thunder!",
            "A storm was coming. First there was a little wind. Then there was a lot of wind. Then there was a bright flash, and a very loud boom.",
        ),
        "comes": (
            '2* {Parent} came in with a [candle|lamp|warm blanket]. "Come here," said {parent} and held {hero} close.',
            '{Hero} ran to {parent} and hid. "It is so loud!" {hero.he} [:shouted].',
        ),
        "explains": (
            '2* "The clouds are bumping into each other," said {parent}. "They are big, but they cannot hurt us in here."',
            '"That is only the sky clearing its throat," said {parent}. "When you see the flash, start to count."',
        ),
        "game": (
            "2* So they counted after every flash. One, two, three, boom! Next time it was five. Next time it was nine. \"The storm is walking away,\" said {hero}.",
            "They built a tent out of [blankets|two chairs and a sheet] and told stories in it. Every time it thundered, they clapped and called, \"[Louder|Is that all|Well done, sky]!\"",
        ),
        "over": (
            "2* In the end there was only a soft rain, and then no rain at all. [A rainbow stood over the hill.|The air smelled fresh and green.|One star came out.]",
            "Then it was quiet. Drip, drop, drip went the leaves. {Hero} looked out and saw [the biggest rainbow ever|a clean new world|the moon].",
        ),
    },
    "doctor": {
        "reason": (
            "2* (!begun) One morning, {hero} {reason}. \"We must go to the doctor,\" said {parent}.",
            "{Hero} {reason}. {Parent} put on {hero.s} coat. \"The doctor will make you better,\" said {parent}.",
        ),
        "there": (
            "At the doctor's, everything was white and smelled like soap. {Hero} held {toy} very tight.",
            "{Hero} had brought {toy}, and [:wouldnot] let go of {toy.it}.",
        ),
        "toy_first": (
            '2* {Doctor} smiled. "Who is first?" {Hero} held out {toy}. So {doctor} listened to the {toy.noun}, looked at the {toy.noun}, and said, "Very healthy!" {Hero} had to laugh.',
            '"Is your {toy.noun} sick too?" asked {doctor}. "Yes," said {hero}. "Very." "Then I will look at both of you," [:replied] {doctor}, "and your {toy.noun} can go first."',
        ),
        "hero_turn": (
            '2* Then it was {hero.s} turn. {Hero} opened {hero.his} mouth and said, "Aaah." It tickled a little, and then it was over. "Is that all?" asked {hero}.',
            "{Hero} closed {hero.his} eyes and counted to three. It hurt only a tiny bit, like a [bug bite|little pinch]. \"All done,\" said {doctor}.",
        ),
        "reward": (
            "{Hero} got [a shiny sticker|a red balloon|a big sticker with a star], and one for the {toy.noun}, too.",
            "On the way home, {hero} and {parent} stopped for [ice cream|warm milk|a cookie]. Two days later, {hero} was well again.",
        ),
    },
    "big_slide": {
        "looks_up": (
            "2* There was a new {high}. It was very, very high. {Hero} stood in front of it and looked up, and up, and up.",
            "All the big children went on the {high}. {Hero} wanted to, too. {Hero.he} went up two steps, and then down again.",
        ),
        "friend_says": (
            '2* "Are you scared?" asked {friend}. "A little," said {hero}. "I was scared, too, the first time," [:replied] {friend}. "Take my hand."',
            '"I don\'t dare," said {hero}. "We can do it together," [:replied] {friend}. "On three."',
        ),
        "goes": (
            '2* They went up together, step by step. "Don\'t look down," said {friend}. "Look at me." One, two, three, and whoosh! The wind was in {hero.s} hair, and then it was over.',
            "{Hero} held {friend.s} hand very tight. {Hero.his} knees were like jelly. And then {hero.he} did it! \"Wheee!\"",
        ),
        "again": (
            '"Again!" said {hero}. And they went again, and again, and again.',
            "The tenth time, {hero} did it alone, with no hands, and singing.",
        ),
    },
    "race": {
        "boasts": (
            '2* There {hero} met {rival}. "I am the fastest of all," said {rival}. "Nobody can beat me. Least of all a {hero.kind}."',
            '{Rival} was there, too. "Let\'s race to the [old tree|big rock|fence]," said {rival}. "I will win. I always win."',
        ),
        "starts": (
            '2* "I can try," said {hero}. So they stood side by side. "Ready, set, go!" {Rival} was off like the wind, and {hero} was left behind in the dust.',
            "One, two, three, go! {Rival} was far ahead before {hero} had taken ten steps.",
        ),
        "rival_rests": (
            '2* Halfway there, {rival} looked back and laughed. "I have so much time. I can take a nap." And {rival} lay down under a tree and fell asleep.',
            "{Rival} stopped to show off to some [bees|birds|frogs], then to eat something, and then to rest {rival.his} eyes, just for a minute.",
        ),
        "keeps_going": (
            "2* {Hero} [:didnot] stop. Step by step, {hero.he} went on. {Hero} was tired, but {hero.he} went on.",
            "Slow and steady, {hero} came along. {Hero} went past {rival} without a sound.",
        ),
        "wins": (
            "2* When {rival} woke up, it was too late. {Hero} was already there!",
            "{Rival} jumped up and raced like a storm. But {hero} had already touched the finish.",
        ),
        "after_win": (
            '2* "How did you do that?" asked {rival}. "I just [:didnot] stop," said {hero}.',
            '"Well done," said {rival} in the end. "Next time I will not sleep." "Next time I will practice," [:replied] {hero}, and they both laughed.',
        ),
        "rival_falls": (
            "2* But {rival} looked back to laugh, and [:didnot] see the [root|stone|hole]. Bump! {Rival} fell and [:couldnot] get up. \"My {rival.part}!\"",
            "Then, near the end, {rival} got stuck in a [thorny bush|muddy ditch|bramble]. The more {rival.he} pulled, the worse it got.",
        ),
        "stops": (
            "2* {Hero} came closer. The finish was right there, and nobody was in front. {Hero} looked at it. Then {hero.he} turned around.",
            "Now {hero} could win. It would have been so easy. But {hero} stopped.",
        ),
        "finish_together": (
            '2* "Lean on me," said {hero}. And side by side, slowly, slowly, they crossed the line together.',
            "{Hero} helped {rival} out, and they walked the last steps together. Nobody could say who was first.",
        ),
        "after_together": (
            '2* "You could have won," said {rival}. "I know," [:replied] {hero}. "But then I would have no friend to race with tomorrow."',
            '"You are not the fastest," said {rival}, "but you are the best." After that day, {rival} [:didnot] boast so much.',
        ),
    },
    "on_stage": {
        "show": (
            "2* There was going to be a show at school, and {hero} was going to {act}. [All week|Every evening], {hero.he} had practiced.",
            "On [Friday|Sunday|the big day], everyone would come to the school. {Hero} was going to {act}, in front of all of them.",
        ),
        "advice": (
            '2* "What if I forget everything?" {hero} asked {parent}. "Then look for me," said {parent}. "I will sit in the first row with a [yellow hat|red scarf|big flower]. Do it just for me."',
            '"My tummy feels funny," said {hero}. "Those are butterflies," [:replied] {parent}. "They only come when something is important. Breathe in, and let them fly."',
        ),
        "begins": (
            "Then the lights went down, and the curtain opened. There were so many faces!",
            '"And now, {hero.name}!" said the teacher. {Hero} walked out. The stage was very big, and {hero} was very small.',
        ),
        "frozen": (
            "2* {Hero} opened {hero.his} mouth, and nothing came out. It was so quiet that you could hear a clock.",
            "For a moment everything was gone, like a page with no words on it.",
        ),
        "remembers": (
            "2* Then {hero} saw {parent}. {Parent} smiled. {Hero} took a deep breath, and began. And it all came back!",
            "{Hero} looked for {parent} and found {parent.him}, right there in the first row. After that it was easy.",
        ),
        "applause": (
            "Everyone clapped and clapped. {Hero} took a bow, and then another one.",
            '"Again!" somebody called. {Hero} laughed. "Maybe next year."',
        ),
    },
}  # fmt: skip

"""What one sees and hears by the way: small pictures between the events, and how a day ends."""

PHRASES = {
    "passing": {
        "outside": (
            "2* A [red|yellow|small|golden|dry|bright|brown] [leaf|feather|petal|butterfly|dragonfly] [sailed|danced|floated|twirled|drifted] [by|through the air|down from above|over the grass|in the wind].",
            "2* Far away, [a dog barked|a cow mooed|a rooster crowed|a bell rang|a train whistled|somebody was singing|a truck honked|a sheep called|church bells rang|a horn beeped|children shouted|a door slammed].",
            "2* The clouds looked like [a ship|a whale|a fat sheep|a castle|a giant spoon|a sleepy bear|a teapot|an elephant|a snail|a pillow] and [a dragon|a dinosaur|a boot|a flower|a crown|a long nose|a row of teeth|a rocket|a turtle|a cake].",
            "A [fat|tiny|busy|lazy|noisy|striped|shiny] [bee|beetle|bug|fly|ladybug|worm] [buzzed|crawled|hurried|wandered|marched] [past|along|around a flower|over a stone|up a blade of grass].",
            "It smelled of [grass|rain|fresh bread|flowers|the sea|honey|mud|pine trees|smoke|ripe fruit|spring].",
            "The [sun|wind|air|light|ground] was [warm|soft|gentle|cool|sweet] and the [sky|grass|world|day] was [quiet|wide|bright|fresh|full of sounds|full of colors].",
            "A [gray|white|big|round|lonely] cloud [moved|crept|sailed|slid] [over the sun|across the sky|behind the hill].",
            "Two [squirrels|birds|ants|kids|geese|pigeons|kittens] were [chasing|watching|teasing|following|scolding] [each other|a beetle|a ball|a leaf|their own shadows].",
            "A [yellow|red|noisy|huge|silver|dusty] [bus|car|truck|taxi|van|machine|motorcycle|plane|train] [drove by|zoomed past|went by|passed].",
            "Somebody had left [a ladder|a bucket|a rake|an old chair|a broken umbrella|a garden hose|a wheel|a pot of paint] [by the fence|against a wall|near the fountain|under a tree|beside the path|in the sunshine].",
            "A sign said: [No Swimming|Fresh Fruits|Ice Cream|Be Careful|Lost Cat|Pizza and Lemonade|Beware of the Goose|Please Be Kind|Wet Paint|Quiet Please].",
            "An elderly [man|lady|couple|farmer] [sat on a bench and fed the pigeons|sold balloons|watered the roses|read a newspaper|played a sad song on the violin|picked lemons].",
            "[It was very peaceful there|It was a little windy|It was hot that day|It was nice and cool there|There was a mysterious sound in the air|Everything felt calm|The shadows were long|There was magic in the air|Something interesting was in the air].",
            "Some people were [walking|riding bikes|flying kites|having lunch|taking photos|feeding the birds|painting a fence|washing their cars] nearby.",
            "A [family|farmer|postman|lady with a hat|man with a long beard|group of kids|policeman|girl on a scooter] [went by and waved|walked past and smiled|said hello|stopped to rest].",
            "The [tall|old|wet|soft|thick] grass [tickled|was full of crickets|moved like water|hid a hundred little things|shone in the light].",
            "[Bugs|Bees|Birds|Crickets|Frogs] [hummed|sang|chattered|made their music] [all around|everywhere|in the bushes|without a pause].",
        ),
        "inside": (
            "2* [The clock|Somewhere a clock|An old clock] [ticked|went tick, tock|struck three|struck four].",
            "It smelled of [soap|warm milk|apples|cookies|fresh laundry|toast|paint|flowers|chocolate|butter].",
            "A [fly|moth|spider|cat|sunbeam|bit of dust] [moved|walked|wandered|danced] [across the floor|along the wall|over the table|around the lamp].",
            "Outside, [a car drove by|a dog barked|the wind blew|some kids were laughing|a bird sang|a bus stopped|somebody whistled|the trees whispered].",
            "A [blue|yellow|soft|old|striped] [curtain|blanket|towel|coat] [moved a little|hung in the corner|lay on a chair].",
            "The [floor|bed|stairs|old chair|door|cupboard] [creaked|made a funny noise|gave a little squeak].",
        ),
    },
    "evening": {
        "child": (
            "[At dinner|At supper|Before bed|In the evening], {hero} told {hero.his} [family|mom|dad|mom and dad|parents|big brother|little sister|teddy bear|grandma] [the whole story|all about it|everything].",
            "[That evening|That night], {hero} [drew a picture of it|wrote it in a diary|thought about it for a long time|could not stop smiling|made a plan for tomorrow|put it all into a song].",
            "There was [pizza|spaghetti|soup|chicken|fish|hot chocolate|warm bread|apple pie|salad with cheese] for dinner, and {hero} [ate two plates|was very hungry|ate it all up|told {hero.his} family what had happened|fell asleep at the table].",
            "{Hero} was [tired|muddy|hungry|thirsty|sleepy|out of breath], but [very happy|full of joy|proud|ready to do it all again].",
        ),
        "animal": (
            "[In the evening|When the stars came out|Before going to sleep], {hero} told {hero.his} [family|mom|dad|brothers|sisters|neighbors] [the whole story|all about it|everything].",
            "That evening, [the other animals talked about it|there was a little party|the moon looked very pleased|everybody sang|they ate some {hero.food} together].",
            "{Hero} was [tired|muddy|hungry|thirsty|sleepy|out of breath], but [very happy|full of joy|proud|ready to do it all again].",
        ),
    },
}  # fmt: skip

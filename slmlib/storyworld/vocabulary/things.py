"""Things: what they are, how they look, what one does with them. Soup can be hot; a kite can fly."""

from slmlib.storyworld.vocabulary.kinds import Thing

COLORS = ("red", "blue", "green", "yellow", "pink", "purple", "orange", "white", "brown", "black")


def _things(number: str, rows: str) -> tuple[Thing, ...]:
    """One thing a row: noun | tags | looks | uses | weight. `colors` among the looks stands for all of them."""
    found = []
    for row in rows.strip().splitlines():
        noun, tags, looks, uses, weight = (part.strip() for part in row.split("|"))
        found.append(
            Thing(
                noun,
                frozenset(tags.split()),
                tuple(look for word in looks.split() for look in (COLORS if word == "colors" else (word,))),
                tuple(use.strip() for use in uses.split(",")),
                number,
                int(weight),
            )
        )
    return tuple(found)


THINGS = _things(
    "one",
    """
ball         | toy carried rolls floats soft outdoor gift      | colors big bouncy shiny new | kicked it up and down, threw it high and caught it, bounced it all day long | 12
kite         | toy carried flies outdoor gift tears            | colors big pretty new       | flew it on every windy day, ran with it over the grass | 6
balloon      | toy carried flies light floats gift             | colors big shiny            | held it by its long string, let it dance in the wind | 5
hat          | worn carried flies floats gift soft             | colors funny big warm       | wore it every single day, put it on every morning | 6
cap          | worn carried flies floats soft                  | colors new little           | wore it back to front, never went out without it | 2
scarf        | worn carried flies soft warm gift               | colors long warm striped    | wore it around and around the neck, slept with it on cold nights | 3
ribbon       | carried flies soft light gift                   | colors long silky shiny     | wore it on special days, twirled it in the air | 2
doll         | toy carried breakable gift dear                 | little pretty old new       | sang to it, gave it pretend tea, took it everywhere | 6
teddy bear   | toy carried soft gift dear tears                | brown old soft fluffy       | hugged it every night, told it every secret, took it everywhere | 5
blanket      | carried soft warm dear                          | colors old soft cozy        | slept under it every night, made a tent out of it | 3
toy car      | toy carried rolls breakable gift                | colors fast shiny little    | drove it up and down the wall, raced it across the floor | 5
toy truck    | toy carried rolls breakable gift                | colors big strong           | filled it with sand, pushed it around the yard | 3
toy train    | toy carried rolls breakable gift                | colors long wooden          | pushed it along the floor, made it go choo-choo | 2
toy boat     | toy carried floats breakable gift water         | colors wooden little        | sailed it in every puddle, let it float in the bathtub | 4
toy plane    | toy carried flies breakable gift                | colors silver fast          | made it zoom around the room, threw it into the wind | 2
robot        | toy carried breakable gift                      | shiny silver little         | made it walk across the table, marched behind it | 2
drum         | toy carried breakable gift music                | colors loud big             | banged on it all day, played it for the birds | 2
flute        | carried breakable gift music                    | wooden shiny little         | played it every evening, made up little tunes on it | 1
bell         | carried gift music shiny                        | silver little shiny         | rang it every morning, shook it to hear it sing | 2
whistle      | carried gift music shiny small                  | silver loud shiny           | blew it all day, wore it on a string | 1
top          | toy carried gift                                | colors wooden striped       | spun it on the floor, watched it whirl round and round | 1
puppet       | toy carried soft gift                           | funny little old            | made it talk in a funny voice, made it dance | 1
puzzle       | toy carried gift                                | big new hard                | put it together again and again, kept it on the table | 1
jump rope    | toy carried gift outdoor                        | colors long new             | skipped with it every day | 1
book         | carried gift paper tears                        | big old new favorite        | looked at the pictures every night, read it again and again | 6
storybook    | carried gift paper tears                        | old favorite thick          | read it at bedtime, knew every page of it | 1
picture      | carried paper tears gift light                  | colorful pretty big         | hung it on the wall, looked at it before bed | 2
letter       | carried paper light flies                       | little white long           | read it twice, kept it in a box | 1
map          | carried paper light                             | old big secret              | looked at it every day | 1
shell        | carried gift small shiny treasure               | pink white pretty           | held it to one ear to hear the sea, kept it in a box | 3
stone        | carried small gift treasure shiny               | smooth gray shiny round     | kept it in a pocket, rubbed it for luck | 3
marble       | toy carried rolls small treasure shiny          | colors glass shiny round    | rolled it along the floor, held it up to the light | 2
button       | carried small treasure shiny                    | colors round shiny          | kept it in a tin box | 1
coin         | carried small treasure shiny rolls money        | gold shiny old              | kept it in a little purse, saved it for a special day | 3
key          | carried small treasure shiny                    | golden old little           | wore it on a string, wondered what it could open | 2
ring         | carried small treasure shiny worn rolls         | golden shiny pretty         | kept it in a tiny box, wore it on special days | 2
necklace     | carried small treasure shiny worn               | golden pretty sparkly       | wore it on special days | 2
feather      | carried small light flies treasure gift         | white long soft blue        | kept it in a book, tickled everyone with it | 2
crown        | worn carried treasure shiny                     | golden paper pretty         | wore it while playing king of the hill | 1
cup          | carried breakable kitchen gift                  | blue white pretty favorite  | drank warm milk from it every day | 2
bowl         | carried breakable kitchen                       | blue white big              | ate out of it every morning | 1
vase         | breakable fragile                               | tall blue pretty            | put fresh flowers in it | 3
lamp         | breakable fragile light-giving                  | little round blue           | read beside it at night | 1
jar          | breakable kitchen fragile carried               | glass big round             | kept buttons in it | 2
mirror       | breakable fragile                               | round big shiny             | made funny faces in it | 1
basket       | carried tool                                    | big little round            | carried apples in it | 2
bucket       | carried tool floats                             | colors big little           | carried sand and water in it | 2
shovel       | carried tool garden                             | little red strong           | dug deep holes with it | 2
umbrella     | carried rain tool gift                          | colors big striped          | opened it in every rain, danced under it | 3
flashlight   | carried light-giving tool gift                  | little bright yellow        | shone it under the bed, made shadows on the wall with it | 1
paintbrush   | carried tool art gift                           | thin long new               | painted with it every day | 1
wagon        | toy rolls tool                                  | red big wooden              | pulled it up and down the street, gave rides in it | 2
bike         | toy rolls outdoor                               | colors shiny new            | rode it up and down the street | 3
scooter      | toy rolls outdoor                               | colors fast new             | rode it around the block | 1
sled         | toy snow outdoor                                | red wooden fast             | rode it down the hill | 1
nest         | home-thing                                      | little round cozy           | built it out of twigs | 1
""",
)

PLURAL_THINGS = _things(
    "many",
    """
mittens  | worn carried soft warm gift  | colors warm woolly      | wore them all winter | 2
boots    | worn carried rain            | colors new shiny rubber | splashed through puddles in them | 3
shoes    | worn carried                 | colors new shiny        | danced in them, wore them to every party | 3
socks    | worn carried soft warm gift  | colors striped woolly   | slid across the floor in them | 1
glasses  | worn carried breakable small | round new funny         | could not read without them | 1
crayons  | carried art gift             | new bright fat          | drew with them every day | 2
blocks   | toy carried gift             | wooden colorful big     | built tall towers with them | 3
stickers | carried paper gift treasure  | shiny pretty funny      | kept them in a book | 1
""",
)

TREATS = _things(
    "one",
    """
apple    | food sweet fruit round   | red green juicy shiny big | ate it | 8
pear     | food sweet fruit         | yellow juicy sweet        | ate it | 2
orange   | food sweet fruit round   | big juicy sweet           | ate it | 2
peach    | food sweet fruit round   | soft juicy sweet          | ate it | 1
banana   | food sweet fruit         | yellow ripe big           | ate it | 3
cookie   | food sweet baked         | big round chocolate warm  | ate it | 8
cupcake  | food sweet baked         | pink little chocolate     | ate it | 3
muffin   | food sweet baked         | warm blueberry big        | ate it | 2
pie      | food sweet baked hot     | warm apple big            | ate it | 2
sandwich | food                     | cheese big tasty          | ate it | 4
carrot   | food                     | orange crunchy big        | ate it | 3
pancake  | food sweet baked hot     | warm fluffy big           | ate it | 1
lollipop | food sweet               | red big round             | ate it | 2
""",
)  # fmt: skip

DISHES = _things(
    "mass",
    """
soup      | food hot meal         | tomato chicken vegetable tasty | ate it | 5
porridge  | food hot meal         | sweet warm thick               | ate it | 2
pasta     | food hot meal         | cheesy yummy tasty             | ate it | 2
rice      | food hot meal         | white fried tasty              | ate it | 1
stew      | food hot meal         | thick brown tasty              | ate it | 1
tea       | food hot drink        | sweet mint                     | drank it | 1
ice cream | food cold sweet melts | vanilla strawberry chocolate   | ate it | 4
popcorn   | food salty            | warm salty sweet               | ate it | 1
""",
)

EVERYTHING = THINGS + PLURAL_THINGS + TREATS + DISHES

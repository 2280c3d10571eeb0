"""How moods are told. The role is `who`."""

PHRASES = {
    "feel": {
        "sad": (
            "3* {Who} [felt|was] [:very] [:sad].",
            "2* {Who} [began|started] to cry.",
            "[Big*2|Hot|Little] tears [rolled|ran] down {who.his} [face*2|cheeks].",
            "{Who} sat down and [cried|sighed|put {who.his} head down|did not say a word].",
            "{Who} wanted to cry.",
            "{Who} [frowned|pouted|sobbed|sniffed|hung {who.his} head|wiped away a tear].",
            "{Who} was [disappointed|miserable|heartbroken|close to tears].",
            "{Who.his} [lip|chin|voice] began to shake.",
            "{Who} felt a lump in {who.his} throat.",
        ),
        "happy": (
            "4* {Who} was [:very] [:glad].",
            "2* {Who} [:smiled] [from ear to ear|with joy|all over {who.his} face].",
            "{Who} [jumped|hopped|danced] [for joy|up and down].",
            "{Who} felt [warm inside|like singing|like the luckiest {who.kind} in the world|light as a feather].",
            "{Who} clapped and [cheered|laughed].",
            "{Who} was [delighted|overjoyed|full of joy|filled with joy|as happy as could be].",
            "{Who.his} [eyes|face] [shone|lit up|sparkled].",
        ),
        "scared": (
            "3* {Who} was [:very] [:scared].",
            "{Who} began to [shake|tremble|shiver].",
            "{Who.his} heart [beat fast|went boom, boom, boom|jumped].",
            "{Who} wanted to [run away|hide|go home].",
            "{Who} [:didnot] dare to [move|breathe|look].",
            "{Who} was terrified.",
            "{Who} [gulped|swallowed hard|froze|turned pale|held {who.his} breath].",
        ),
        "angry": (
            "3* {Who} was [:very] [:angry].",
            "{Who} stamped {who.his} foot.",
            "{Who} was furious.",
            "{Who.his} face turned red.",
            "{Who} felt hot and [:angry] inside.",
        ),
        "sorry": (
            "3* {Who} felt [:very] [sorry*3|bad*2|ashamed|guilty].",
            "{Who} looked down at the ground.",
            "{Who} knew it was wrong.",
            "{Who} had a bad feeling in {who.his} tummy.",
        ),
        "proud": (
            "3* {Who} [was|felt] [:very] proud.",
            "{Who} stood [tall and proud|very tall|up straight and smiled].",
            "{Who} felt [as tall as a tree|ten feet tall|big and strong|brave and strong].",
        ),
        "surprised": (
            "2* {Who} was [:very] [:surprised].",
            "{Who.his} eyes [grew|became|got] [big|wide|round].",
            "{Who} [:couldnot] believe {who.his} eyes.",
            "{Who} was [amazed*2|shocked|astonished|speechless].",
            "{Who} [gasped|blinked twice|stood quite still|stared].",
            "{Who.his} mouth fell open.",
        ),
        "worried": (
            "3* {Who} was [:very] worried.",
            "{Who} [:didnot] know what to do.",
            "{Who} looked [here and there|around|left and right] and worried.",
        ),
        "lonely": (
            "2* {Who} felt [:very] [lonely*3|alone].",
            "{Who} wished for [a friend|somebody to play with|just one friend].",
        ),
        "excited": (
            "3* {Who} was [:very] [:excited].",
            "{Who} could [hardly|not] wait.",
            "{Who} was [thrilled|full of ideas|bursting with joy].",
            "{Who} [hopped|jumped|bounced] up and down.",
        ),
        "tired": (
            "2* {Who} was [:very] tired.",
            "{Who} [yawned|rubbed {who.his} eyes|needed a rest].",
        ),
        "hungry": (
            "2* {Who} was [:very] hungry.",
            "{Who.his} tummy [growled|rumbled|made a funny noise].",
        ),
        "jealous": (
            "{Who} felt [a little|very|so] jealous.",
            "{Who} wished {who.he} had one too.",
        ),
        "bored": (
            "{Who} was [:very] bored.",
            "{Who} [sighed|looked out of the window and sighed|did not know what to play].",
        ),
        "curious": (
            "{Who} was [:very] curious.",
            "{Who} wanted to know [more|what it was].",
        ),
    },
}

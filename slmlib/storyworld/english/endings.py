"""What was learned, and how stories close."""

PHRASES = {
    "moral": {
        "helping": (
            "[From that day on*3|After that*2|From then on|Ever since that day], {hero} always [helped others|tried to help|stopped to help when someone was in trouble].",
            "{Hero} [learned|understood|realized|knew now] that [helping others makes everyone happy|a good friend is the best help of all|even a small friend can be a big help|helping is the best way to make a friend].",
            "The moral of the story is: [help others, and they will help you|a friend in need is a friend indeed|two can do what one cannot].",
        ),
        "asking": (
            "{Hero} learned that it is [okay|good|fine] to ask for help.",
            "[From that day on*3|After that*2|From then on|Ever since that day], {hero} [:wasnot] too shy to ask for help.",
            "The moral of the story is: when something is too hard, ask a friend.",
        ),
        "care": (
            "[From that day on*3|After that*2|From then on|Ever since that day], {hero} [was always careful with {hero.his} things|took good care of {hero.his} things|put everything back in its place].",
            "{Hero} learned to [take good care of the things we love|be careful|look after special things].",
        ),
        "sharing": (
            "{Hero} [learned*5|understood|realized*2|knew now|found out] that [sharing makes everything better|sharing is more fun than keeping|things are twice as nice when you share them|it is fun to share].",
            "[From that day on*3|After that*2|From then on|Ever since that day], {hero} [always shared|shared every treat|shared with everyone].",
            "The moral of the story is: [sharing is caring|when you share, you get more back].",
        ),
        "honesty": (
            "{Hero} [learned*5|understood|realized*2|knew now|found out] that [it is always best to tell the truth|the truth makes your heart light|being honest is better than any treasure|a true word is better than a lie].",
            "[From that day on*3|After that*2|From then on|Ever since that day], {hero} always told the truth.",
            "The moral of the story is: [always tell the truth|be honest, even when it is hard].",
        ),
        "listening": (
            "{Hero} learned to listen [to {hero.his} mom|when someone says to be careful|the first time].",
            "[From that day on*3|After that*2|From then on|Ever since that day], {hero} [listened|was more careful|listened well].",
            "The moral of the story is: it is good to listen.",
        ),
        "bravery": (
            "{Hero} [learned*5|understood|realized*2|knew now|found out] that [being brave means trying even when you are scared|everyone is scared sometimes|scary things are often not so scary|you can be small and brave].",
            "[From that day on*3|After that*2|From then on|Ever since that day], {hero} [:wasnot] so [scared|afraid] any more.",
        ),
        "trying": (
            "{Hero} learned [never to give up|that hard things get easier when you keep trying|that every try makes you better|to try, and try again].",
            "The moral of the story is: [never give up|try and try again|slow and steady wins the race].",
            "[From that day on*3|After that*2|From then on|Ever since that day], when something was hard, {hero} tried [again|one more time].",
        ),
        "kindness": (
            "{Hero} [learned*5|understood|realized*2|knew now|found out] that [being kind is better than being right|a kind word can change a day|kindness comes back to you|it feels good to be kind].",
            "[From that day on*3|After that*2|From then on|Ever since that day], {hero} was kind to everyone, big and small.",
            "The moral of the story is: [be kind to others|be kind, and the world is kind to you].",
        ),
        "friendship": (
            "{Hero} [learned*5|understood|realized*2|knew now|found out] that [a good friend is better than any toy|friends make every day better|everyone can be a friend|there is always room for one more friend].",
            "[From that day on*3|After that*2|From then on|Ever since that day], they were [best friends|the best of friends|always together].",
        ),
        "patience": (
            "{Hero} [learned*5|understood|realized*2|knew now|found out] that [good things take time|waiting is hard, but worth it|you cannot hurry a good thing].",
            "The moral of the story is: be patient, and good things will come.",
        ),
        "promise": (
            "{Hero} learned that a promise is [a promise|something to keep|a very serious thing].",
            "[From that day on*3|After that*2|From then on|Ever since that day], {hero} kept every promise.",
        ),
        "enough": (
            "{Hero} [learned*5|understood|realized*2|knew now|found out] that [too much of a good thing is not good|a little is often enough|it is not good to be greedy].",
            "[From that day on*3|After that*2|From then on|Ever since that day], {hero} [took just enough|stopped when it was enough].",
            "The moral of the story is: do not be greedy.",
        ),
        "working together": (
            "{Hero} [learned*5|understood|realized*2|knew now|found out] that [working together makes hard work easy|many hands make light work|everyone can help, even the smallest].",
            "The moral of the story is: together we are strong.",
        ),
        "being yourself": (
            "{Hero} [learned*5|understood|realized*2|knew now|found out] that [it is good to be different|everyone is special|you are best just the way you are].",
            "[From that day on*3|After that*2|From then on|Ever since that day], {hero} was happy to be just {hero.name}.",
        ),
        "forgiving": (
            "{Hero} [learned*5|understood|realized*2|knew now|found out] that [saying sorry is the first step|everyone makes mistakes|it is good to say sorry, and good to forgive].",
            "[From that day on*3|After that*2|From then on|Ever since that day], {hero} was quick to say sorry.",
        ),
        "imagination": (
            "{Hero} [learned*5|understood|realized*2|knew now|found out] that [you can have fun with almost nothing|the best toys are in your head|a good idea can change a bad day].",
        ),
        "home": (
            "{Hero} [learned*5|understood|realized*2|knew now|found out] that [there is no place like home|it is good to stay close|home is the best place of all].",
        ),
    },
    "close": {
        "any": (
            "4* They all lived happily ever after.",
            "4* The end.",
            "3* It was the best day ever.",
            "2* (day outside) Then the sun went down, and {hero} went home [happy|with a big smile|tired but happy|to tell {hero.his} mom all about it].",
            "2* That night, {hero} [fell asleep with a smile|had sweet dreams|slept very well|dreamed about it all night long].",
            "{Hero} never forgot that day.",
            "2* {Hero} had learned [an important|a good|a useful|a wonderful] lesson.",
            "And {hero} finally [understood|felt at home|had a good story to tell|knew what to do next time].",
            "It's funny how a [bad|sad|strange|boring] day can [turn|change] into a [good|great|wonderful|lovely] one.",
            "What a day it had been!",
            "(friends) And from that day on, they [played together every day|were never lonely again|laughed whenever they thought of it|remembered it every summer|took good care of each other].",
            "It was [an amazing|a perfect|a special|an unexpected|a very long|a wonderful] day, and {hero} [knew it|wished it would never end|hoped there would be many more|would always remember it|told everyone about it].",
            "Everyone was [happy|proud|safe and happy|full of cake|friends again|laughing], and [the sun smiled|the birds sang|nobody was sad|that was that|all was well in the end].",
        ),
    },
}  # fmt: skip

"""Word classes: [:glad] in a template is one of these, with weights that make some commoner than others."""

CLASSES = {
    "very": "very*6 so*3 really*2",
    "glad": "happy*8 glad*3 pleased cheerful",
    "sad": "sad*8 upset*3 unhappy*2 gloomy",
    "scared": "scared*6 afraid*3 frightened*2 nervous",
    "angry": "angry*5 mad*3 cross",
    "excited": "excited*6 eager",
    "surprised": "surprised",
    "nice": "nice*4 lovely*3 wonderful*3 great*3 beautiful*2 fine",
    "suddenly": "Suddenly*6, All of a sudden*3, Just then*4, At that moment, Out of nowhere",
    "shouted": "shouted*4 yelled*3 cried*3 called*3 exclaimed",
    "replied": "said*6 replied*3 answered*2",
    "didnot": "did not*3, didn't*2",
    "couldnot": "could not*3, couldn't*2",
    "wasnot": "was not*3, wasn't",
    "wouldnot": "would not*3, wouldn't",
    "smiled": "smiled*6 grinned*2 laughed*2 giggled beamed",
    "thanks": "Thank you!*5, Thank you so much!*4, Thanks a lot!*2, Oh thank you!",
    "wow": "Wow!*6, Oh my!*2, Look!*3, Yay!*2, Hooray!*2",
    "ohno": "Oh no!*8, Oh dear!*3, Uh-oh!*2, Oh my!",
    "welcome": "You're welcome!*5, Any time!*2, That's what friends are for!*4, I'm glad I could help!*2",
    "sunny": "sunny*6 bright*3 warm*3 lovely*2 beautiful*2 clear",
    "looked": "looked*4 searched*3 hunted peeked",
    "walked": "walked*4 went*4 ran*3 hurried*2 skipped*2 strolled marched",
    "yummy": "yummy*4 tasty*3 delicious*3 sweet",
    "loved": "loved*6 liked*3",
}

TRAITS = (
    ("happy", 6), ("kind", 6), ("curious", 8), ("cheerful", 4), ("friendly", 5), ("playful", 5), ("clever", 4),
    ("gentle", 3), ("lively", 2), ("funny", 3), ("smart", 3), ("silly", 3), ("sweet", 3),
    ("busy", 2), ("quiet", 3), ("cute", 2), ("merry", 1), ("bubbly", 1), ("helpful", 2), ("adventurous", 2),
    ("thoughtful", 1), ("energetic", 1), ("dreamy", 1),
)  # fmt: skip

# %% [markdown]
# # Data
#
# *20 minutes of reading, 40 with the exercises; difficulty 2 of 5.*
#
# A language model believes what it reads. Ours will read nothing but stories. So before we train anything we ask:
# **what is really in there, and how would you find out without reading it all?**
#
# After this lesson you can
#
# - look at a **corpus**, a collection of texts, and see what is wrong with it,
# - repair wrongly decoded characters, Unicode and white space without harming what was right,
# - find stories that are there twice, even if a few words were changed,
# - say how good a filter is, in two numbers,
# - keep the test stories out of the training stories, and show what happens if you do not.
#
# We begin with a game. Here is how six stories end, as Python writes them down. Five have a fault. Which, and what is
# it?

# %%
import lzma
import os
import random
import re
import statistics
import unicodedata
import zlib
from collections import Counter, defaultdict
from itertools import combinations

import ftfy
import numpy as np

from checks import check, hint, progress, reference
from slmlib.plots import BLUE, GREY, ORANGE, Picture, Table, bars, histogram, label, new_axes, new_panels
from slmlib.text.cleaning import Cleaner, clean_text, is_complete
from slmlib.text.corpus import open_corpus

FAST = bool(os.environ.get("SLM_FAST"))  # small sizes, for tests

# %% tags=["nbval-check-output"]
ENDINGS = [
    "And they played until the sun went down.",
    "Lily didnâ€™t cry. She laughed!",
    "Ben opened the box, and in the box there was a",
    "They lived  happily\tever after.\n\n\n\n",
    "Mom gave them cafe\u0301 cre\u0300me and a smile.",
    "\u200b",
]
Table(
    "Six endings, as Python writes them",
    ("story", "ending"),
    [(i, ascii(ending)) for i, ending in enumerate(ENDINGS)],
    monospace=True,
)

# %% [markdown]
# <details><summary>Answer</summary>
#
# 0 is fine. 1 has **mojibake**: an apostrophe that was decoded with the wrong table. 2 is cut off. 3 has two spaces,
# a tab and a heap of empty lines. 4 looks perfect on the page, but its é and è are two characters each. 5 looks empty
# and is not: it holds one zero-width space. On the page 3, 4 and 5 hide their faults; what Python stores does not.
# </details>
#
# ## 1. Look before you clean
#
# TinyStories ([Eldan and Li 2023](https://arxiv.org/abs/2305.07759)) are short stories in a small child's words,
# written by GPT-3.5 and GPT-4. They are clean as corpora go. Still, [one careful
# reader](https://github.com/ad8e/TinyStories-cleaner) took only the stories of GPT-4, kept 2,733,291 of them and threw
# 12,039 away: cut-off ones, empty ones, and some with characters no child's story needs.
#
# Without TinyStories at hand this notebook reads **StoryWorld** instead: stories that this course makes by itself,
# told by a small simulated world. They have no dirt at all. Further down we put some in ourselves, whatever the
# corpus: then we know where it is.

# %%
corpus = open_corpus(max_bytes=600_000 if FAST else 4_000_000)
stories = list(corpus.train())
size = sum(len(story.encode("utf-8")) for story in stories)
print(f"{corpus.name}: {len(stories):,} stories, {size / 1e6:.1f} MB, hash {corpus.fingerprint[:12]}\n")
print(stories[1])

# %% [markdown]
# The **hash** names this text exactly: same hash, same stories. Write it beside every result that you want to compare
# later.
#
# Reading one story is nice; counting characters is better. A keyboard has about a hundred. Everything else in the
# corpus comes from a foreign word, from a typographer, or from an accident:

# %%
counts = Counter("".join(stories))
unusual = [char for char, _ in counts.most_common() if not (char == "\n" or " " <= char <= "~")]
rows = []
for char in unusual[:12]:
    story = next(story for story in stories if char in story)
    at = story.index(char)
    example = story[max(0, at - 12) : at + 12].replace("\n", " ")
    rows.append((char, f"U+{ord(char):04X}", unicodedata.name(char, "?").lower(), counts[char], example))
Table(
    f"{len(counts)} different characters, {len(unusual)} of them not on a keyboard",
    ("character", "code point", "name", "how often", "first seen in"),
    rows,
)

# %% [markdown]
# In TinyStories `â` and `€` occur equally often. No child's story is about euros: that pair is the mark of one
# accident, and section 2 undoes it. (StoryWorld's table is empty.)
#
# Then the lengths, because a filter that changes them changes what the model learns about endings:

# %%
lengths = [len(story) for story in stories]
median = statistics.median(lengths)
histogram(
    lengths,
    f"Half of the stories are shorter than {median:,.0f} characters; the longest has {max(lengths):,}",
    xlabel="characters in a story",
    ylabel="stories",
    marks={"median": median},
)

# %% [markdown]
# ## 2. The same text in many ways
#
# ### Three bytes, three characters
# Files hold bytes. UTF-8 writes the curly apostrophe `’` as three of them. Whoever decodes these bytes with another
# table, here Windows-1252 (`cp1252`), sees three characters. That is mojibake:

# %% tags=["nbval-check-output"]
as_bytes = "It’s".encode()
print("bytes:           ", as_bytes)
print("read as UTF-8:   ", as_bytes.decode("utf-8"))
print("read as cp1252:  ", as_bytes.decode("cp1252"))

# %% [markdown]
# ### Exercise 01.1: Undo mojibake
# Turn such text back. Text that is healthy, or that cannot be turned back, must come out unchanged: a repair that
# harms the healthy is worse than none.


# %%
def fix_mojibake(text: str) -> str:
    """Text that was UTF-8 and was read as Windows-1252, turned back; any other text as it is."""
    ### BEGIN SOLUTION
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:  # not mojibake, or not only
        return text
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("01.1")

# %% [markdown]
# **Compared with code that is not ours.** [ftfy](https://ftfy.readthedocs.io) ("fixes text for you") has repaired
# other people's text since 2012. Where do you agree?

# %% tags=["nbval-check-output"]
SAMPLES = ["Itâ€™s late.", "“It’s a café,” said Mom.", "Itâ€™s a café.", "â€œNo,â€ said Tom."]
Table(
    "Three repairs of the same text",
    ("broken", "yours", "ftfy", "slmlib"),
    [(text, fix_mojibake(text), ftfy.fix_encoding(text), clean_text(text)) for text in SAMPLES],
)

# %% [markdown]
# Row 3 mixes broken and healthy characters, so turning back the *whole* text fails; ftfy works piece by piece. Row 4
# lost a byte: cp1252 has no character for the last byte of `”`, and somebody dropped it. ftfy guesses, takes the space
# for the lost byte, and gets a dagger: a good guess, but wrong. slmlib, the library of this course, guesses
# too, but it knows its data: in 4 MB of TinyStories there are 74 opening quotes `â€œ` and 74 lonely `â€`, one for
# each. (It also writes all quotes straight.) **General tools stop where knowledge of your data begins.**
#
# ### One letter, two spellings
# Unicode has two ways to write é: one character, or e followed by a combining accent. They look the same and are
# different bytes, so to a tokenizer they are different words. A *normal form* picks one way
# ([UAX 15](https://unicode.org/reports/tr15/)). NFC composes, NFD takes apart, NFKC also replaces
# "compatibility" characters by plain ones.

# %% tags=["nbval-check-output"]
Table(
    "Three normal forms of five texts (characters in brackets)",
    ("text", "NFC", "NFD", "NFKC"),
    [
        [
            f"{n} [{len(n)}]"
            for n in (text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC")))
        ]
        for text in ("cafe\u0301", "café", "ﬁsh", "5² = 25", "Wait…")
    ],
)

# %% [markdown]
# NFC made the two cafés equal and left the rest alone. NFKC also turned 5² = 25 into 52 = 25, which is false.
# For training text take NFC; NFKC is for search boxes, where losing a meaning is better than missing a hit.
#
# ### Exercise 01.2: One way to write it
# A small model should not spend its parameters on two kinds of quotes. Write `tidy`: NFC; straight quotes, short
# dashes and three dots (the table `TYPOGRAPHY` has them); every run of white space inside a line becomes one space;
# no white space at either end of a line; at most one empty line in a row; no white space at either end of the text.

# %%
TYPOGRAPHY = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "..."})


def tidy(text: str) -> str:
    """The same text, written in one way."""
    ### BEGIN SOLUTION
    text = unicodedata.normalize("NFC", text).translate(TYPOGRAPHY)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("01.2")

# %% [markdown]
# **Compared with the real one.** `clean_text` in `slmlib/text/cleaning.py` does the same for every story this course
# trains on. On how many stories do the two agree, and what is the first difference? (Stories like rows 3 and 4 above
# stay as they are in yours; that is no mistake of yours.)

# %%
pairs = [(tidy(fix_mojibake(story)), clean_text(story)) for story in stories]
print(f"equal: {sum(ours == real for ours, real in pairs):,} of {len(pairs):,} stories")
for ours, real in pairs:
    if ours != real:
        at = next((i for i, (a, b) in enumerate(zip(ours, real, strict=False)) if a != b), 0)
        print("yours: ", ours[max(0, at - 30) : at + 30].replace("\n", " "))
        print("slmlib:", real[max(0, at - 30) : at + 30].replace("\n", " "))
        break

# %% [markdown]
# ## 3. Plant dirt, and know the truth
#
# How good is a filter? On real data nobody knows: if we knew which stories were bad, we would not need it. So we take
# clean stories and **plant** dirt in them. Now the truth is known, and two numbers say how good a filter is:
#
# $$\text{precision} = \frac{\text{dirt found}}{\text{all alarms}} \qquad
# \text{recall} = \frac{\text{dirt found}}{\text{all dirt}}$$
#
# By hand: of 8 alarms 6 are right, so the precision is 0.75. Of 10 dirty stories 6 were found, so the recall is 0.6.
# Low precision throws good stories away; low recall keeps bad ones.

# %%
KINDS = ("mojibake", "empty", "cut off", "copy", "near copy")


def change_words(story: str, share: float, rng: random.Random) -> str:
    """Replace a share of the words by other words of the same story."""
    words = story.split(" ")
    for i in rng.sample(range(len(words)), max(1, round(share * len(words)))):
        words[i] = rng.choice(words)
    return " ".join(words)


def plant(clean: list[str], rng: random.Random) -> tuple[list[str], dict[str, set[int]]]:
    """A shuffled, dirty copy of a corpus, and for each kind of dirt the stories that have it."""
    count = max(10, len(clean) // 100)
    spoiled = rng.sample([i for i, story in enumerate(clean) if "'" in story], 5 * count)
    items = [("", i, story) for i, story in enumerate(clean)]  # kind, which original, text
    for place, i in enumerate(spoiled):
        kind, story = KINDS[place // count], clean[i]
        if kind == "mojibake":
            items[i] = (kind, i, story.replace("'", "’").encode("utf-8").decode("cp1252"))
        elif kind == "empty":
            items[i] = (kind, i, rng.choice(["", " \n", "\u200b"]))
        elif kind == "cut off":
            items[i] = (kind, i, " ".join(story.split(" ")[: rng.randrange(20, 60)]))
        elif kind == "copy":  # half of them not byte for byte
            items.append((kind, i, rng.choice([story, story.replace("'", "’") + " \n"])))
        else:
            items.append((kind, i, change_words(story, rng.uniform(0.01, 0.1), rng)))
    rng.shuffle(items)
    truth: dict[str, set[int]] = {kind: set() for kind in KINDS}
    first_seen: dict[int, int] = {}
    for at, (_, original, _) in enumerate(items):
        first_seen.setdefault(original, at)
    copied = {original: kind for kind, original, _ in items if "copy" in kind}
    for at, (kind, original, _) in enumerate(items):
        if original in copied:
            if at != first_seen[original]:  # of two alike the later one is too much
                truth[copied[original]].add(at)
        elif kind:
            truth[kind].add(at)
    return [text for _, _, text in items], truth


clean = [story for _, story in Cleaner().split(stories)]
dirty, truth = plant(clean, random.Random(1))
print(f"{len(clean):,} clean stories became {len(dirty):,}:", {kind: len(at) for kind, at in truth.items()})

# %% [markdown]
# ### Exercise 01.3: Precision and recall
# Both sets hold indices of stories. With no alarm at all precision is 1.0 (no alarm was false); with no dirt at all
# recall is 1.0.


# %%
def precision_and_recall(found: set[int], planted: set[int]) -> tuple[float, float]:
    """(precision, recall) of a filter that raised an alarm for the stories in `found`."""
    ### BEGIN SOLUTION
    right = len(found & planted)
    return right / len(found) if found else 1.0, right / len(planted) if planted else 1.0
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("01.3")

# %% [markdown]
# Now five simple filters, first ideas, and what they are worth. Copies are looked for twice: in the raw text, and
# after your repair.


# %%
def seen_before(texts: list[str]) -> set[int]:
    """Stories that are equal to an earlier one."""
    first: dict[str, int] = {}
    return {i for i, text in enumerate(texts) if first.setdefault(text, i) != i}


repaired = [tidy(fix_mojibake(text)) for text in dirty]
empty = {i for i, text in enumerate(dirty) if not text.strip()}
filters = {
    "mojibake": ("mojibake", {i for i, text in enumerate(dirty) if fix_mojibake(text) != text}),
    "empty": ("empty", empty),
    "cut off": (
        "cut off",
        {i for i, text in enumerate(repaired) if text and not text.endswith((".", "!", "?", '"', "'"))},
    ),
    "copies, raw": ("copy", seen_before(dirty) - empty),
    "copies, repaired": ("copy", seen_before(repaired) - empty),
}
Table(
    "First ideas, measured",
    ("filter", "planted", "alarms", "precision", "recall"),
    [
        (name, len(truth[kind]), len(found), *precision_and_recall(found, truth[kind]))
        for name, (kind, found) in filters.items()
    ],
)

# %% [markdown]
# Read the table before you go on. Each weak number has a reason.
#
# - **Empty**: recall is low, because `strip()` does not know the zero-width space. The same stories then disturb the
#   other filters: they look cut off, and they look like copies of one another.
# - **Cut off**: a story cut right after a full stop looks whole. No look at the last character can find it. And a near
#   copy whose last word was changed has lost its full stop: it looks cut off and is not.
# - **Copies**: about four in ten differ in a quote or a space. *Repair first, then compare.*
#
# On the corpus as it is, the truth is not known. So look at what a filter would throw away:

# %%
cut = [story for story in stories if clean_text(story) and not is_complete(clean_text(story))]
print(f"{len(cut)} of {len(stories):,} stories do not end like a story")
for story in cut[:6]:
    print("   ...", clean_text(story)[-60:].replace("\n", " / "))
if cut:
    print(f"median length: {statistics.median(map(len, cut)):,.0f} characters; of all stories: {median:,.0f}")

# %% [markdown]
# In TinyStories they are longer than the others: most likely the model that wrote them ran into a limit of its
# length. A few are false alarms, such as a story that ends in "The End" without a full stop. The filter stays: a few
# good stories among thousands cost nothing, and a model that reads broken endings writes broken endings. But now it
# is a decision, not an accident.
#
# ## 4. Nearly the same
#
# Web corpora are full of copies with small changes. Models learn them by heart, and training on fewer copies gives
# better models ([Lee et al. 2022](https://arxiv.org/abs/2107.06499)). How alike are two texts? Cut each into all its
# runs of 3 words, its **shingles**, and compare the sets by their **Jaccard similarity**:
#
# $$J(A, B) = \frac{|A \cap B|}{|A \cup B|}$$
#
# By hand: "the cat sat down" and "the cat sat up" have two shingles each and share one, so $J = 1/3$.
#
# ### Exercise 01.4: Shingles and Jaccard
# Write both. Words are what white space divides, in lower case; a shingle is a tuple of `size` words.


# %%
def shingles(text: str, size: int = 3) -> set[tuple[str, ...]]:
    """All runs of `size` words in a text, in lower case."""
    ### BEGIN SOLUTION
    words = text.lower().split()
    return {tuple(words[i : i + size]) for i in range(len(words) - size + 1)}
    ### END SOLUTION


def jaccard(first: set, second: set) -> float:
    """What two sets share, as a part of what they hold together."""
    ### BEGIN SOLUTION
    return len(first & second) / len(first | second)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("01.4")

# %% [markdown]
# ### A lottery that measures likeness
# Comparing all pairs of $n$ stories takes $n(n-1)/2$ comparisons: for 2.7 million stories that is about 3.6 trillion
# ($3.6 \cdot 10^{12}$). **MinHash** ([Broder 1997](https://doi.org/10.1109/SEQUEN.1997.666900)) makes it cheap with a
# lovely idea.
# Give every shingle in the world a random number $h$. Of each story keep the *smallest*. Two stories have the same
# smallest number exactly when the smallest shingle of their union lies in both, and every shingle of the union is
# equally likely to be the smallest. So
#
# $$P(\min h(A) = \min h(B)) = J(A, B)$$
#
# By hand, with the numbers 0 to 9 for shingles, and a shuffle of them for each lottery:

# %% tags=["nbval-check-output"]
A, B = {0, 1, 2, 3, 4, 5}, {3, 4, 5, 6, 7}
rng = random.Random(0)
draws = []
for _ in range(1000):
    lot = rng.sample(range(10), 10)  # lot[x] is the random number of shingle x
    draws.append((min(lot[x] for x in A), min(lot[x] for x in B)))
print("first five draws, smallest of A and of B:", draws[:5])
print(
    f"equal in {sum(a == b for a, b in draws)} of 1,000 draws; Jaccard is {len(A & B)} / {len(A | B)} = 0.375"
)

# %% [markdown]
# Shuffling all shingles in the world would be too much. A hash function does nearly the same (not every shingle is
# then *exactly* as likely to be the smallest): $h(x) = (a x + b) \bmod p$, with random $a$, $b$ and a prime $p$. We
# take 128 of them; the 128 minima are a story's **signature**.
#
# ### Exercise 01.5: A MinHash signature
# `ids` are a story's shingles as whole numbers, an array of shape `(shingles,)`; `a` and `b` hold one number for each
# hash function, `(functions,)`. Return the smallest value of each function, `(functions,)`.
#
# (New to NumPy? The **shape** says how many places an array has along each axis. `x[:, None]` makes a column, `(3, 1)`,
# of a row `x`, `(3,)`; and a column `(3, 1)` times a row `(4,)` is a table `(3, 4)` of all products: both are stretched,
# which is called **broadcasting**. `table.min(axis=1)` looks along axis 1 and leaves one number for each row.)

# %%
PRIME = 2**31 - 1


def signature(ids: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The smallest value of each hash function (a * x + b) % PRIME over all shingles x."""
    ### BEGIN SOLUTION
    values = (a[:, None] * ids + b[:, None]) % PRIME  # (functions, shingles)
    return values.min(axis=1)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("01.5")

# %% [markdown]
# **Compared with the exact answer.** Jaccard itself is the judge. For 300 stories, each beside a copy with more or
# fewer words changed: is the share of equal minima what the formula promises?

# %%
numbers = np.random.default_rng(0)
a, b = numbers.integers(1, PRIME, size=128), numbers.integers(0, PRIME, size=128)


def shingle_ids(text: str) -> np.ndarray:
    """Shingles as whole numbers below PRIME; CRC-32 is the same in every process, Python's hash is not."""
    found = shingles(text) or {(text,)}
    return np.array([zlib.crc32(" ".join(words).encode()) % PRIME for words in found])


ids = [shingle_ids(text) for text in repaired]
signatures = np.array([signature(one, a, b) for one in ids])  # (stories, 128)


def exact(i: int, j: int) -> float:
    """The Jaccard similarity of two stories."""
    return jaccard(set(ids[i].tolist()), set(ids[j].tolist()))


share_of_words = numbers.uniform(0.0, 0.4, size=300)
some = [i for i in range(len(repaired)) if len(ids[i]) > 50][:300]
true_values, estimates = [], []
for i, share in zip(some, share_of_words, strict=False):
    other = shingle_ids(change_words(repaired[i], share, random.Random(i)))
    true_values.append(jaccard(set(ids[i].tolist()), set(other.tolist())))
    estimates.append(float((signatures[i] == signature(other, a, b)).mean()))

error = float(np.std(np.subtract(estimates, true_values)))
message = f"128 numbers tell how alike two stories are, give or take {error:.2f}"
figure, axes = new_axes(message, "exact Jaccard similarity", "share of equal minima", (5.5, 4))
axes.plot(true_values, estimates, "o", color=BLUE, markersize=3.5, alpha=0.5)
line = np.linspace(0, 1, 100)
width = 2 * np.sqrt(line * (1 - line) / 128)
axes.fill_between(line, line - width, line + width, color=GREY, alpha=0.2)
label(axes, "what theory allows:\n2 standard deviations", (0.45, 0.33), GREY, (8, -6))
Picture(
    figure,
    f"{message}. {len(estimates)} pairs lie along the diagonal, nearly all within two standard deviations.",
)

# %% [markdown]
# Signatures make one comparison cheap, but there are still too many pairs. So cut the 128 numbers into 32 **bands** of
# 4. Stories that agree on a whole band meet in the same box; only those are compared. Two signatures agree on one
# number with probability $s$, the pair's similarity; on all 4 of a band with $s^4$; and on none of the 32 bands with
# $(1 - s^4)^{32}$. So they meet at least once with probability $1 - (1 - s^4)^{32}$:

# %% tags=["nbval-check-output"]
s = np.linspace(0, 1, 101)
message = f"Pairs that are half alike meet in {1 - (1 - 0.5**4) ** 32:.0%} of cases, strangers almost never"
figure, axes = new_axes(message, "similarity of a pair", "probability to meet", (6, 3.2))
for bands, rows, color, style in ((32, 4, BLUE, "-"), (8, 16, ORANGE, "--")):
    chance = 1 - (1 - s**rows) ** bands
    axes.plot(s, chance, style, color=color)
    label(axes, f"{bands} bands of {rows}", (s[np.argmax(chance > 0.5)], 0.5), color, (-8, 0), "right")
Picture(figure, f"{message}. Two curves rise like an S: 32 bands of 4 at 0.4, 8 bands of 16 at 0.85.")

# %%
LIKE = 0.5  # from here on we call it a near copy
boxes: dict[tuple[int, bytes], list[int]] = defaultdict(list)
for band in range(32):
    for i, row in enumerate(signatures[:, 4 * band : 4 * band + 4]):
        if len(ids[i]) > 1:  # not the empty ones
            boxes[band, row.tobytes()].append(i)
meetings = {pair for box in boxes.values() for pair in combinations(box, 2)}
alike = {(i, j) for i, j in meetings if exact(i, j) >= LIKE}
near = {j for i, j in alike if repaired[i] != repaired[j]}

precision, recall = precision_and_recall(near, truth["near copy"])
print(
    f"all pairs: {len(dirty) * (len(dirty) - 1) // 2:,}; met in a box: {len(meetings):,}; really alike: {len(alike):,}"
)
print(f"near copies: precision {precision:.2f}, recall {recall:.2f}")

# %% [markdown]
# What the bands can miss are copies with many changes, near the threshold. StoryWorld builds its stories from parts:
# more strangers meet in a box there, and the exact comparison sends them home. Alarms that nobody planted are a
# reason to look, not to delete. In our part of TinyStories there are none, so slmlib compares stories exactly, after
# repair, unless you ask for more: `prepare(near_duplicates=0.8)` does what you just did, in bounded memory. (For web
# text there are libraries that work on many machines, such as [datasketch](https://ekzhu.com/datasketch/) or
# [text-dedup](https://github.com/ChenghaoMou/text-dedup).)
#
# ## 5. Leakage: the model that looks better and is not
#
# To know how good a model is we keep some stories aside, the **validation set**. If copies of them are in the
# training set, the measurement lies. We have no model yet, but a compressor is one: it is good where it can guess
# what comes next. Here are the **bits per byte** that it needs for new stories after it has read the training stories
# (lesson 09 has more about this unit):


# %%
def bits_per_byte(new: list[str], read_before: list[str]) -> float:
    """How many more bits the compressed file has for each byte of the new stories."""
    before = "\n".join(read_before).encode("utf-8")
    both = before + "\n".join(new).encode("utf-8")
    grown = len(lzma.compress(both)) - len(lzma.compress(before))
    return 8 * grown / (len(both) - len(before))


training, new = clean[: 100 if FAST else 600], clean[-60:]
measured = {
    name: bits_per_byte(new, training + new[:leaked])
    for name, leaked in (("no copy in training", 0), ("1 in 10 leaked", 6), ("3 in 10 leaked", 18))
}
honest, flattered = measured["no copy in training"], measured["3 in 10 leaked"]
bars(
    measured,
    f"Leaked stories look like skill: {honest:.2f} bits per byte become {flattered:.2f}",
    xlabel="bits per byte of the same 60 stories (lower looks better)",
    highlight=["1 in 10 leaked", "3 in 10 leaked"],
    write=lambda value: f"{value:.2f}",
)

# %% [markdown]
# The compressor learned nothing new about stories. Some of them it had simply seen.
#
# How do copies get across? Put each story of the dirty corpus into validation with a chance of one in ten: nearly one
# pair in five is torn apart. Better: let the **hash of the repaired text** decide. Equal stories then always land on
# the same side, today and after you add a million more. Near copies still have to be found first:


# %%
def leaks(side: list[bool], pairs: set[tuple[int, int]]) -> int:
    """How many pairs have one story on each side."""
    return sum(side[i] != side[j] for i, j in pairs)


lots = random.Random(2)
shuffles = [leaks([lots.random() < 0.1 for _ in dirty], alike) for _ in range(20)]
by_hash = [zlib.crc32(text.encode()) % 10 == 0 for text in repaired]
left = {(i, j) for i, j in alike if i not in near and j not in near}
Table(
    f"Of {len(alike)} pairs of alike stories, torn apart by the split",
    ("split", "leaks"),
    [
        ("at random (mean of 20)", round(statistics.mean(shuffles))),
        ("by hash", leaks(by_hash, alike)),
        ("by hash, near copies removed", leaks(by_hash, left)),
    ],
)

# %% [markdown]
# ## 6. The real one
#
# Open [slmlib/text/cleaning.py](../slmlib/text/cleaning.py): the same ideas in production form. It streams (only
# hashes stay in memory), repairs until nothing changes, counts everything, and yields each story with the side it
# belongs to. If a corpus brings its own validation set, that is read first, and training stories equal to one of its
# stories are removed. If not, as here, a hash of each story chooses the side, and a copy of a story that went to
# validation counts as a copy of a validation story. Here it reads our dirty stories and then the corpus as it is:

# %%
on_dirty, on_corpus = Cleaner(), Cleaner()
kept = [story for _, story in on_dirty.split(dirty)]
kept_of_corpus = [story for _, story in on_corpus.split(stories)]
before, after = on_dirty.report.to_dict(), on_corpus.report.to_dict()
WORDS = {
    "stories_in": "stories read",
    "mojibake": "repaired: mojibake",
    "quotes_and_dashes": "repaired: quotes and dashes",
    "unseen_characters": "repaired: unseen characters",
    "white_space": "repaired: white space",
    "empty": "removed: empty",
    "truncated": "removed: cut off",
    "duplicates": "removed: copies",
    "leaked": "removed: copies of validation stories",
    "train_stories": "kept for training",
    "valid_stories": "kept for validation",
}
Table(
    "What cleaning does, in stories",
    ("", "with planted dirt", "the corpus as it is"),
    [(words, before[name], after[name]) for name, words in WORDS.items()],
)

# %% [markdown]
# A filter can do harm that no count shows: it may prefer short stories, or calm ones. So compare the corpus before
# and after, at least in its lengths and its alphabet:

# %%
message = (
    f"Cleaning took {len(set(''.join(dirty)) - set(''.join(kept)))} characters out of the alphabet "
    "and left the lengths as they were"
)
figure, (left_axes, right_axes) = new_panels(message, ["different characters", "share of stories by length"])
alphabets = {"dirty": len(set("".join(dirty))), "cleaned": len(set("".join(kept)))}
left_axes.margins(y=0.12)
left_axes.bar(list(alphabets), list(alphabets.values()), color=[ORANGE, BLUE], width=0.6)
for place, count in enumerate(alphabets.values()):
    label(left_axes, str(count), (place, count), BLUE if place else ORANGE, (0, 7), "center")
edges = np.linspace(0, float(np.quantile(lengths, 0.99)), 30)
middles = (edges[1:] + edges[:-1]) / 2
for texts, color, style in ((dirty, ORANGE, "--"), (kept, BLUE, "-")):
    shares = np.histogram([len(text) for text in texts], bins=edges)[0] / len(texts)
    right_axes.plot(middles, shares, style, color=color)
top = right_axes.get_ylim()[1]
label(right_axes, "with planted dirt (dashed)", (edges[-1], 0.8 * top), ORANGE, (0, 0), "right")
label(right_axes, "cleaned", (edges[-1], 0.7 * top), BLUE, (0, 0), "right")
right_axes.set_xlabel("characters in a story")
Picture(
    figure,
    f"{message}. Bars: {alphabets['dirty']} different characters before, {alphabets['cleaned']} after. "
    "The curves of story lengths before (dashed) and after lie on one another, but for the short stories at the "
    "left, which were empty or cut off.",
)

# %% [markdown]
# ## 7. What can go wrong
#
# Three repairs that people do write. The last one shows a trap. It is not **idempotent**: doing it twice is not the
# same as doing it once. Such a repair gives another text at every pass, so hashes differ and copies are no longer
# found.

# %% tags=["nbval-check-output"]
HEALTHY = ["José said: 5² = 25", "naïve café"]
WRONG = {
    'encode("ascii", "ignore")': lambda text: text.encode("ascii", "ignore").decode(),
    "NFKC": lambda text: unicodedata.normalize("NFKC", text),
    "repair that makes mojibake": lambda text: text.encode("utf-8").decode("cp1252"),
}
Table(
    "Three repairs that harm the healthy",
    ("repair", "once", "twice"),
    [(name, repair(text), repair(repair(text))) for name, repair in WRONG.items() for text in HEALTHY],
)

# %% [markdown]
# ### Four questions
#
# <details><summary>Your filter has precision 0.5 and recall 1.0. Is it good enough?</summary>
#
# It depends on what the alarms cost. If one story in a thousand is dirty, you throw away one clean story in a
# thousand: use it. If a third is dirty, you throw away another third, which was clean: look at the false alarms
# first. They are often all of one kind.
# </details>
#
# <details><summary>Why does the hash decide the split, and not <code>random.shuffle</code> with a fixed seed?</summary>
#
# A shuffle depends on the order and the number of the stories. Add one story and everything moves: stories that were
# in validation yesterday are trained on today, and the results of the two days can no longer be compared. A hash
# depends on the story alone.
# </details>
#
# <details><summary>Should one remove everything that is unusual?</summary>
#
# No. A filter decides what the model can never learn. A list of forbidden words, meant to clean a web corpus, removed
# texts by and about minorities more often than others ([Dodge et al. 2021](https://arxiv.org/abs/2104.08758)). Remove
# what is broken, keep what is rare, and write down what you removed and why.
# </details>
#
# <details><summary>Clean, and no copies: may I train on it, and test on what I like?</summary>
#
# Three things are still to be asked. The **licence**: TinyStories has CDLA-Sharing-1.0, under which it must stay when
# it is passed on; of text from the web, the terms are often unknown. **Personal data**: names, addresses and telephone
# numbers that stand in a corpus can come out of the model word for word ([Carlini et al.
# 2021](https://arxiv.org/abs/2012.07805)); invented stories have none. **Contamination**: if the questions of a public
# test are in the training text, its result lies, as in section 5. The authors of GPT-3 looked for runs of 13 words
# that were also in a test set, and cut them out of the training text ([Brown et al. 2020, appendix
# C](https://arxiv.org/abs/2005.14165)): your shingles, 13 long.
# </details>
#
# ### What comes next
# The stories are clean, but a model wants numbers. **Lesson 02** builds the tokenizer that turns text into token
# ids and back, byte for byte.

# %%
progress()

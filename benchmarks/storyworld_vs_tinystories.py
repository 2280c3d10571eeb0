"""How close is StoryWorld to real text? Writes a table, TinyStories beside StoryWorld.

    SLM_CORPUS=/path/to/tinystories python benchmarks/storyworld_vs_tinystories.py

Both columns are measured on the same number of bytes: the validation file of TinyStories, and as many bytes of
StoryWorld. Vocabulary coverage is counted on the training file. The table goes to
benchmarks/results/storyworld_vs_tinystories.md and .json.

With `--train-steps N` it also trains the same small model (`--preset`) on each corpus for N steps and evaluates both
models on the validation stories of both. Without it, the rows that an earlier call trained for are kept.
"""

import argparse
import lzma
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

from slmlib.errors import DataError, SlmError
from slmlib.evaluation import evaluate
from slmlib.files import read_json, write_json, write_text
from slmlib.presets import preset
from slmlib.quality import distinct_n
from slmlib.storyworld import measure_floor, stories
from slmlib.text.stream import TokenStream
from slmlib.training.run import Wish, start_or_resume

RESULTS = Path(__file__).resolve().parent / "results" / "storyworld_vs_tinystories"
SEPARATOR = "<|endoftext|>"
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
SENTENCE_END = re.compile(r"[.!?]+[\"']?(?=\s|$)")
QUOTED = re.compile(r'"[^"\n]*"')
HELD_OUT_SEED = 1_000_003
"""Stories of this seed are used here and nowhere else."""

ROWS = {
    "stories": "stories measured",
    "words_per_story": "words per story, mean",
    "words_per_story_sd": "words per story, standard deviation",
    "words_per_sentence": "words per sentence, mean",
    "paragraphs_per_story": "paragraphs per story, mean",
    "distinct_words": "distinct words",
    "coverage": "TinyStories' word tokens whose word it knows",
    "distinct_1": "distinct-1 (different words / words)",
    "distinct_2": "distinct-2",
    "distinct_3": "distinct-3",
    "lzma_ratio": "bytes after lzma / bytes before",
    "dialogue": "share of words inside quotes",
    "true_bits_per_byte": "true entropy, bits per byte (± standard error)",
    "trained_on_tinystories": "bits per byte of a small model trained on TinyStories, on these stories",
    "trained_on_storyworld": "bits per byte of the same model trained on StoryWorld, on these stories",
}


def words_of(text: str) -> list[str]:
    """The words of a text, in lower case; `don't` is one word."""
    return WORD.findall(text.lower().replace("’", "'"))


def read_stories(path: Path) -> list[str]:
    """The stories of a file, without their separators."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"Cannot read {path} ({error.strerror}).", "Set SLM_CORPUS to the folder of TinyStories."
        ) from error
    return [story for part in text.split(SEPARATOR) if (story := part.strip())]


def take_bytes(texts: Iterable[str], size: int) -> list[str]:
    """Texts from the beginning until they hold `size` UTF-8 bytes."""
    taken, total = [], 0
    for text in texts:
        if total >= size:
            break
        taken.append(text)
        total += len(text.encode("utf-8"))
    return taken


def measure(texts: list[str], real_words: Counter[str], known: set[str]) -> dict[str, float]:
    """Everything that can be counted. real_words: TinyStories' word counts; known: the words this corpus has."""
    lengths = [len(text.split()) for text in texts]
    words = [word for text in texts for word in words_of(text)]
    raw = "\n\n".join(texts).encode("utf-8")
    quoted = sum(len(words_of(quote)) for text in texts for quote in QUOTED.findall(text))
    return {
        "stories": len(texts),
        "words_per_story": mean(lengths),
        "words_per_story_sd": stdev(lengths),
        "words_per_sentence": sum(lengths) / sum(len(SENTENCE_END.findall(text)) for text in texts),
        "paragraphs_per_story": mean(1 + len(re.findall(r"\n+", text.strip())) for text in texts),
        "distinct_words": len(known),
        "coverage": sum(count for word, count in real_words.items() if word in known) / real_words.total(),
        **{f"distinct_{n}": distinct_n(words, n) for n in (1, 2, 3)},
        "lzma_ratio": len(lzma.compress(raw, preset=9)) / len(raw),
        "dialogue": quoted / len(words),
    }


def compare(folder: Path) -> dict[str, dict[str, float | str]]:
    """Measure both corpora; columns by name, rows as in ROWS."""
    train = read_stories(folder / "train.txt")
    real = read_stories(folder / "valid.txt")
    real_words = Counter(word for text in train for word in words_of(text))
    size = sum(len(text.encode("utf-8")) for text in real)
    train_size = sum(len(text.encode("utf-8")) for text in train)

    print("Telling as much StoryWorld as there is TinyStories ...", file=sys.stderr)
    told = stories(0, 10**9, seed=HELD_OUT_SEED)
    made_train = take_bytes((story.text for story in told), train_size)
    held_out = stories(0, 2000, seed=HELD_OUT_SEED + 1)
    floor = measure_floor(held_out)
    made = take_bytes(made_train, size)
    return {
        "TinyStories": {**measure(real, real_words, set(real_words)), "true_bits_per_byte": "unknown"},
        "StoryWorld": {
            **measure(made, real_words, {word for text in made_train for word in words_of(text)}),
            "true_bits_per_byte": f"{floor.bits_per_byte:.4f} ± {floor.bits_per_byte_error:.4f}",
        },
    }


def trained_rows(folder: Path, name: str, steps: int) -> dict[str, dict[str, float]]:
    """Train the preset `name` for `steps` steps on each corpus; bits per byte on both, by column and row."""
    columns: dict[str, dict[str, float]] = {"TinyStories": {}, "StoryWorld": {}}
    with tempfile.TemporaryDirectory() as temporary:
        made = Path(temporary) / "storyworld"
        sizes = {split: (folder / f"{split}.txt").stat().st_size for split in ("train", "valid")}
        for number, (split, size) in enumerate(sizes.items()):
            told = stories(0, 10**9, seed=HELD_OUT_SEED + number)
            texts = take_bytes((story.text for story in told), size)
            write_text(made / f"{split}.txt", f"\n{SEPARATOR}\n".join(texts) + "\n")
        sources = {"TinyStories": folder, "StoryWorld": made}
        for learned, source in sources.items():
            chosen = preset(name)
            train = replace(chosen.train, total_steps=steps)
            wish = Wish(chosen.model, train, Path(temporary) / f"run-{learned}", corpus=str(source))
            trainer = start_or_resume(wish).trainer
            for tested, other in sources.items():
                stream = TokenStream.write(
                    Path(temporary) / f"{learned}-{tested}.bin",
                    read_stories(other / "valid.txt"),
                    trainer.tokenizer,
                    corpus_name=tested,
                )
                row = f"trained_on_{learned.lower()}"
                columns[tested][row] = evaluate(trainer.model, stream).bits_per_byte
    return columns


def table(columns: dict[str, dict[str, float | str]]) -> str:
    """The comparison as a Markdown table."""
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for row, title in ROWS.items():
        if any(row in column for column in columns.values()):
            cells = [column.get(row, "") for column in columns.values()]
            lines.append(
                f"| {title} | "
                + " | ".join(cell if isinstance(cell, str) else readable(cell) for cell in cells)
                + " |"
            )
    return "\n".join(lines) + "\n"


def readable(number: float) -> str:
    """A number with as many digits as it deserves."""
    if number >= 1000 or isinstance(number, int):
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.3f}"


def main() -> int:
    """Write the table; 2 and one sentence when TinyStories is not there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--corpus", default=os.environ.get("SLM_CORPUS"), help="folder with train.txt and valid.txt"
    )
    parser.add_argument("--train-steps", type=int, default=0, help="train a model on each for so many steps")
    parser.add_argument("--preset", default="1M", help="which model of slmlib.presets to train")
    arguments = parser.parse_args()
    try:
        if not arguments.corpus:
            raise DataError(
                "There is no TinyStories to compare with.", "Set SLM_CORPUS to its folder, or pass --corpus."
            )
        columns = compare(Path(arguments.corpus))
        kept = RESULTS.with_suffix(".json")
        if kept.exists():  # rows that come from training are measured elsewhere and stay
            for name, column in read_json(kept).items():
                columns[name] = {**column, **columns.get(name, {})}
        if arguments.train_steps:
            rows = trained_rows(Path(arguments.corpus), arguments.preset, arguments.train_steps)
            columns = {name: {**column, **rows[name]} for name, column in columns.items()}
    except SlmError as error:
        print(error, file=sys.stderr)
        return 2
    write_json(kept, columns)
    text = (
        "# TinyStories beside StoryWorld\n\nWritten by `python benchmarks/storyworld_vs_tinystories.py`.\n\n"
        + table(columns)
    )
    write_text(RESULTS.with_suffix(".md"), text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

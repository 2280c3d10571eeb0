"""Cleans a large synthetic corpus, with planted copies and near copies, and says how much time and memory it took.

    python benchmarks/clean_a_corpus.py --gigabytes 1

The corpus is written to a temporary folder first (it needs three times its size of disk), so that what is measured
is what `prepare` does: read a file, repair and compare every story, write train.txt and valid.txt. The table goes
to benchmarks/results/cleaning.md and .json.
"""

import argparse
import platform
import random
import re
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from slmlib.files import write_json, write_text
from slmlib.storyworld import stories as storyworld
from slmlib.text.corpus import open_corpus
from slmlib.text.near_duplicates import NearDuplicates
from slmlib.text.prepare import clean_into
from slmlib.text.textfiles import write_stories

RESULTS = Path(__file__).resolve().parent / "results" / "cleaning"
COPIES, NEAR_COPIES = 0.05, 0.05
"""Share of the stories that repeat an earlier one, to the letter or with two words changed."""


def synthetic_stories(num_bytes: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """Pairs of kind (`new`, `copy`, `near`) and story, until there are enough bytes.

    New stories are sentences of StoryWorld in random order: it can tell a megabyte a second itself, these come
    fifty times as fast. Copies repeat one of a thousand recent ones.
    """
    chance = random.Random(seed)
    told = " ".join(story.text for story in islice(storyworld(0, 2**40, seed), 300))
    sentences = sorted(set(re.findall(r"[A-Z][\w ,']{20,}\.", told)))
    recent: list[str] = []
    total = 0
    while total < num_bytes:
        dice = chance.random() if len(recent) == 1000 else 1.0
        if dice < COPIES:
            kind, story = "copy", chance.choice(recent)
        elif dice < COPIES + NEAR_COPIES:
            words = chance.choice(recent).split(" ")
            for place in chance.sample(range(len(words) - 1), 2):
                words[place] = f"thing{chance.randrange(10**6)}"
            kind, story = "near", " ".join(words)
        else:
            kind, story = "new", " ".join(chance.sample(sentences, 16))
            recent.append(story)
            if len(recent) > 1000:
                recent[chance.randrange(1000)] = recent.pop()
        total += len(story.encode())
        yield kind, story


def measure(num_bytes: int, near: bool = True, progress: bool = True) -> dict[str, float]:
    """Clean that much text in a temporary folder; what was planted, what was found, time and memory."""
    planted = dict.fromkeys(("new", "copy", "near"), 0)

    def counted() -> Iterator[str]:
        for kind, story in synthetic_stories(num_bytes):
            planted[kind] += 1
            yield story

    with tempfile.TemporaryDirectory() as name:
        write_stories(Path(name) / "corpus.txt", counted())
        corpus = open_corpus(str(Path(name) / "corpus.txt"))
        before = _peak_memory()
        started, started_cpu = time.perf_counter(), time.process_time()
        report = clean_into(Path(name) / "cleaned", corpus, NearDuplicates() if near else None, progress)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - started_cpu
    removed = report.duplicates + report.leaked + report.near_duplicates
    return {
        "gigabytes": report.bytes_in / 1e9,
        "stories": report.stories_in,
        "planted_copies": planted["copy"],
        "planted_near_copies": planted["near"],
        "removed_copies": report.duplicates + report.leaked,
        "removed_near_copies": report.near_duplicates,
        "recall": removed / max(1, planted["copy"] + planted["near"]),
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "megabytes_per_second": report.bytes_in / 1e6 / seconds,
        "peak_memory_megabytes": _peak_memory() / 1e6,
        "peak_memory_before_megabytes": before / 1e6,
    }


def _peak_memory() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gigabytes", type=float, default=1.0)
    arguments = parser.parse_args()
    found = measure(int(arguments.gigabytes * 1e9))
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {value:,.3f} |"
        if isinstance(value, float)
        else f"| {name.replace('_', ' ')} | {value:,} |"
        for name, value in found.items()
    )
    table = (
        f"# Cleaning a synthetic corpus\n\n{platform.machine()}, one thread.\n\n| | |\n|---|---:|\n{rows}\n"
    )
    print(table)
    write_text(RESULTS.with_suffix(".md"), table)
    write_json(RESULTS.with_suffix(".json"), found)


if __name__ == "__main__":
    main()

"""Cleaning holds little in memory, however large the corpus; the long version is a benchmark."""

import importlib.util
import tracemalloc
from pathlib import Path

from slmlib.text.corpus import Corpus
from slmlib.text.near_duplicates import NearDuplicates
from slmlib.text.prepare import clean_into

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "clean_a_corpus.py"


def benchmark():
    spec = importlib.util.spec_from_file_location("clean_a_corpus", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Synthetic:
    """The benchmark's stories as a source."""

    def __init__(self, num_bytes: int):
        self.stories = [story for _, story in benchmark().synthetic_stories(num_bytes)]

    def train(self):
        return iter(self.stories)

    def valid(self):
        return None

    def num_bytes(self):
        return sum(map(len, self.stories))


def test_memory_grows_by_a_small_part_of_the_text(tmp_path, capfd):
    """Most of what is kept are 16 bytes and a dictionary entry for each story, and 120 bytes of signature."""
    peaks, sizes = [], []
    for tenths in (3, 9):
        source = Synthetic(tenths * 10**5)
        tracemalloc.start()
        report = clean_into(
            tmp_path / str(tenths), Corpus("synthetic", "", source), NearDuplicates(slots=2**10)
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        sizes.append(report.bytes_in)
        assert report.stories_in == len(source.stories)
    assert peaks[1] - peaks[0] < 0.4 * (sizes[1] - sizes[0]), "the text itself would be 1.0"
    assert "cleaning synthetic: 100%" in capfd.readouterr().err


def test_the_benchmark_finds_what_it_planted():
    found = benchmark().measure(4_000_000, progress=False)
    assert found["planted_near_copies"] > 50
    assert found["recall"] > 0.99
    assert found["removed_copies"] >= found["planted_copies"]

"""What one can do with StoryWorld from a shell. Every field below is a flag."""

import json
from collections import Counter
from dataclasses import dataclass

from slmlib.errors import DataError, SlmError
from slmlib.storyworld.auditing import audit
from slmlib.storyworld.floor import measure_floor
from slmlib.storyworld.story import stories


@dataclass(frozen=True)
class StoriesCommand:
    """Print stories of StoryWorld, and what is true of them."""

    seed: int = 0
    """Which endless book of stories to read from."""
    count: int = 3
    """How many stories to print."""
    start: int = 0
    """The number of the first one."""
    facts: bool = False
    """Print under each story what is true of it, as JSON."""

    def execute(self) -> None:
        """Print them."""
        if self.count < 1:
            raise DataError(f"{self.count} stories cannot be printed.", "Ask for at least one.")
        for story in stories(self.start, self.start + self.count, self.seed):
            print(
                f"--- story {story.index} of seed {self.seed} (ln p = {story.log_probability:.2f})\n{story.text}\n"
            )
            if self.facts:
                print(json.dumps(story.facts, indent=1, ensure_ascii=False) + "\n")


@dataclass(frozen=True)
class AuditCommand:
    """Look for errors of grammar and contradictions with the world in many stories."""

    count: int = 100_000
    """How many stories to read."""
    seed: int = 0
    """Which endless book of stories to read from."""

    def execute(self) -> None:
        """Print every kind of problem with an example; SlmError when there is one."""
        problems: Counter[str] = Counter()
        for story in stories(0, self.count, self.seed, progress=True):
            for problem in audit(story):
                problems[problem] += 1
                if problems[problem] == 1 and len(problems) <= 50:
                    print(f"story {story.index}: {problem}")
        print(f"{self.count} stories of seed {self.seed}: {problems.total()} problems.")
        if problems:
            raise SlmError(
                "StoryWorld made mistakes; they are listed above.", "Mend the phrases or plots they name."
            )


@dataclass(frozen=True)
class FloorCommand:
    """Measure the lowest mean loss that any model can have on these stories."""

    count: int = 10_000
    """How many stories to take the mean over."""
    start: int = 0
    """The number of the first one."""
    seed: int = 0
    """Which endless book of stories to read from."""

    def execute(self) -> None:
        """Print it."""
        floor = measure_floor(stories(self.start, self.start + self.count, self.seed, progress=True))
        print(
            f"{floor.stories} stories: {floor.nats_per_story:.3f} ± {floor.standard_error:.3f} nats a story, "
            f"{floor.bits_per_byte:.5f} ± {floor.bits_per_byte_error:.5f} bits per byte"
        )

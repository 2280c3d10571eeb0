"""StoryWorld: an endless corpus of children's stories that knows the truth about itself.

tell(index, seed)               one story: text, facts, log-probability
stories(start, stop, seed)      many; any shard by itself
audit(story)                    what is wrong with it; an empty list
measure_floor(stories)          the lowest mean loss any model can have on them
text_log_probability(text)      the exact probability of any text, or -inf
"""

from slmlib.storyworld.auditing import audit
from slmlib.storyworld.derivations import derivations, enumerate_stories, text_log_probability
from slmlib.storyworld.floor import Floor, measure_floor
from slmlib.storyworld.story import Story, stories, tell

__all__ = [
    "Floor",
    "Story",
    "audit",
    "derivations",
    "enumerate_stories",
    "measure_floor",
    "stories",
    "tell",
    "text_log_probability",
]

"""StoryWorld: an endless corpus of children's stories that knows the truth about itself."""

from slmlib.storyworld.story import Story, stories, tell

__all__ = ["Story", "stories", "tell"]

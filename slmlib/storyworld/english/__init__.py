"""English: grammar, word classes, and the phrasebook. Another language would be another such room."""

from slmlib.storyworld.english import beginnings, endings, feelings, lost_and_found, meetings

ROOMS = tuple(room.PHRASES for room in (beginnings, endings, feelings, meetings, lost_and_found))

"""English: grammar, word classes, and the phrasebook. Another language would be another such room."""

from slmlib.storyworld.english import (
    beginnings,
    courage,
    endings,
    feelings,
    friendship,
    home,
    kindness,
    lost_and_found,
    making,
    meetings,
    side,
    wonder,
)

ROOMS = tuple(
    room.PHRASES
    for room in (
        beginnings,
        feelings,
        meetings,
        endings,
        lost_and_found,
        friendship,
        courage,
        making,
        kindness,
        home,
        wonder,
        side,
    )
)

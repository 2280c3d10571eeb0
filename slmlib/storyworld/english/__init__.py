"""English: grammar, word classes, and the phrasebook. Another language would be another such room."""

from slmlib.storyworld.english import (
    afterwards,
    beginnings,
    courage,
    endings,
    feelings,
    friendship,
    home,
    kindness,
    lost_and_found,
    making,
    meanwhile,
    meetings,
    passing,
    wonder,
)

ROOMS = tuple(
    room.PHRASES
    for room in (
        beginnings,
        feelings,
        meetings,
        passing,
        endings,
        lost_and_found,
        friendship,
        courage,
        making,
        kindness,
        home,
        wonder,
        afterwards,
        meanwhile,
    )
)

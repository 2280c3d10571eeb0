"""English: grammar and the phrasebook.

Another language would be another such room, and a narrator and a page of its own: these two use the grammar of
English, and the page puts `an` for `a`.
"""

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

"""The plots. A plot is a function of ten lines or so; a room holds a handful that are alike.

To add one: write the function in a room, its phrases in the room of the same name under `english`, and run
the tests; they tell what is missing.
"""

from slmlib.storyworld.plots import (
    afterwards,
    courage,
    friendship,
    home,
    kindness,
    lost_and_found,
    making,
    meanwhile,
    wonder,
)

ROOMS = (lost_and_found, friendship, courage, making, kindness, home, wonder, meanwhile, afterwards)

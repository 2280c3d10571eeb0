"""The vocabulary: people, animals, places and things, as data with properties."""

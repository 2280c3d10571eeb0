"""One configurable decoder. Start reading in `decoder`."""

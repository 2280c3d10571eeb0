"""Speed beside others: every contestant in a process of its own, taking turns, with its numbers checked."""

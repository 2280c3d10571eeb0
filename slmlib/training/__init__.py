"""Training: `trainer` has the loop; everything it needs stands beside it."""

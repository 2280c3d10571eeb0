"""The rows of `slmlib.model.families`, one file a house."""

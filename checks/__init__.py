"""Checks of the course: what a student's kernel must show, hints, progress, and the builder of lessons.

from checks import check, hint, reference, progress, submit
"""

from checks.commands import check, hint, progress, reference
from checks.lab import check_checkpoint, check_model, check_story, check_tokens, check_training
from checks.submitting import submit

__all__ = [
    "check",
    "check_checkpoint",
    "check_model",
    "check_story",
    "check_tokens",
    "check_training",
    "hint",
    "progress",
    "reference",
    "submit",
]

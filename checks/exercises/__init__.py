"""One file a lesson, `lesson_02.py`: its exercises, each a subclass of `checks.exercise.Exercise`."""

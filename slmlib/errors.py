"""The one error a person of this course should ever meet: what was wrong, and what to do about it."""


class SlmError(Exception):
    """A problem with its fix. The command line prints it as one sentence and exits with code 2.

    problem: what was expected, what came instead, and where.
    fix: the likeliest thing that puts it right, as an instruction.
    """

    def __init__(self, problem: str, fix: str = ""):
        super().__init__(problem, fix)
        self.problem, self.fix = problem, fix

    def __str__(self) -> str:
        return f"{self.problem} {self.fix}".strip()


class ConfigError(SlmError):
    """A configuration that cannot work, found before anything was allocated."""


class DataError(SlmError, ValueError):
    """A corpus, tokenizer or token stream that cannot be used as asked."""


class CheckpointError(SlmError, RuntimeError):
    """A checkpoint that is damaged, foreign, or does not fit what it is loaded into."""


class TrainingError(SlmError, RuntimeError):
    """Training cannot go on; what was good has been saved."""


def first_line(error: BaseException) -> str:
    """What an error of somebody else says first, without its full stop: the reason, for a sentence of ours."""
    return str(error).strip().partition("\n")[0].rstrip(".")

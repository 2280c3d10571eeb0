"""`python -m checks build | prove | progress | grade | release`; students' bundles have `progress` alone."""

import argparse
import importlib.util
import sys
import time
from collections.abc import Sequence

from checks.chart import Chart
from checks.course import Course, CourseError
from checks.ledger import Ledger, progress_file
from slmlib.errors import SlmError
from slmlib.files import print_any_character
from slmlib.lesson_times import FILE, LessonTime, LessonTimes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; problems are one sentence on stderr and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m checks", description="The course's own tools.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    if importlib.util.find_spec("checks.building.build"):  # students' bundles come without it
        _add_building(commands)
    commands.add_parser("progress", help="show the map of the course").set_defaults(run=_progress)
    if importlib.util.find_spec("checks.grading"):  # nor with this
        importlib.import_module("checks.grading.cli").add_commands(commands)
    options = parser.parse_args(arguments)
    print_any_character()
    try:
        return int(options.run(options))
    except SlmError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # such as `python -m checks progress | head -1`
        sys.stderr.close()
        return 1
    except OSError as error:
        print(f"The operating system refused: {error}.", file=sys.stderr)
        return 2


def _add_building(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands of those who write lessons."""
    build = commands.add_parser("build", help="make the notebooks of lessons from their sources")
    build.add_argument("lessons", nargs="*", metavar="NN", help="lesson numbers, such as 02; none means all")
    build.add_argument(
        "--check", action="store_true", help="write nothing; say what differs from the sources"
    )
    build.add_argument("--force", action="store_true", help="execute even what has not changed")
    build.set_defaults(run=_build)
    prove = commands.add_parser("prove", help="run the mutation tests of exercises")
    prove.add_argument("lessons", nargs="*", metavar="NN", help="lesson numbers; none means all")
    prove.set_defaults(run=_prove)


def _build(options: argparse.Namespace) -> int:
    from checks.building.build import build, drift

    course = Course.here()
    lessons = options.lessons or course.lessons()
    if not lessons:
        raise CourseError("There is no lesson source in solutions/.", "Write one: see checks/README.md.")
    differences = 0
    for number in lessons:
        if options.check:
            found = drift(course, number)
            print("\n".join(found) or f"{number} is as its source says", flush=True)
            differences += len(found)
        else:
            started = time.perf_counter()
            done = build(course, number, options.force)
            seconds = time.perf_counter() - started
            print(f"{number} {done}" + (f" in {seconds:.0f} s" if done == "executed" else ""), flush=True)
            if done == "executed" and course.root == FILE.parent.parent:
                _record_time(number, seconds)
    return 1 if differences else 0


def _record_time(number: str, seconds: float) -> None:
    """Note how long a lesson of this course took, and what this machine trains with, for `doctor` to tell."""
    from slmlib.devices import choose_device
    from slmlib.presets import default_preset
    from slmlib.training.pace import training_speed

    device = choose_device()
    speed = training_speed(default_preset(device.type), device)
    LessonTimes.read().record(number, LessonTime(round(seconds, 1), round(speed), device.name))


def _prove(options: argparse.Namespace) -> int:
    from checks.building.mutants import weaknesses

    course = Course.here()
    found = []
    for number in options.lessons or course.lessons():
        exercises = course.exercises(number)
        if number in options.lessons and not exercises:
            raise CourseError(
                f"Lesson {number} has no exercises.", f"The lessons are {', '.join(course.lessons())}."
            )
        for exercise in exercises:
            weak = weaknesses(course, exercise)
            print("\n".join(weak) or f"{exercise.id} {exercise.title}: proved", flush=True)
            found += weak
    return 1 if found else 0


def _progress(options: argparse.Namespace) -> int:
    print(Chart.draw(Course.here(), Ledger(progress_file()).entries()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

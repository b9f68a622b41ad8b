"""`make demo`: python3 -m bed demo."""

import argparse
import sys
import time

from bed.bed import Bed
from bed.cli import run_command
from bed.demo import programs
from bed.demo.aws import TROUBLE
from bed.demo.scenes import SCENES
from bed.demo.stage import set_up, tear_down
from bed.demo.timeline import Timeline
from bed.progress import BedError
from bed.settings import Folders, Options

_NOTE = "Programs of this repository on a real Livy, Spark and YARN; CloudFormation, Lambda and Step Functions are LocalStack's."


class Clock:
    """How long each part took."""

    def __init__(self, first: float) -> None:
        self._rows: list[tuple[str, float]] = [("downloads", first)]
        self._since = time.monotonic()

    def lap(self, part: str) -> None:
        """Ends a part."""
        now = time.monotonic()
        self._rows.append((part, now - self._since))
        self._since = now

    def table(self) -> str:
        """For the end."""
        total = sum(seconds for _, seconds in self._rows)
        return "\n".join(f"{seconds:8.1f} s  {part}" for part, seconds in [*self._rows, ("in all", total)])


def main() -> int:
    """Plays every scene; the exit status is 0 only if each ended as it should."""
    parser = argparse.ArgumentParser(prog="python3 -m bed demo", description="Shows both programs on the bed.")
    parser.add_argument("--keep", action="store_true", help="use a bed that is up, and leave it up")
    parser.add_argument("--downloads", type=float, default=0.0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    return run_command(lambda: _play(Bed(Folders.from_environment()), arguments))


def _play(bed: Bed, arguments: argparse.Namespace) -> None:
    clock = Clock(arguments.downloads)
    programs.build()
    clock.lap("build of both programs")
    settings = bed.settings if arguments.keep and bed.is_up() else bed.up(Options())
    clock.lap("start of YARN, Livy and LocalStack")
    try:
        timeline = Timeline()
        timeline.title(_NOTE)
        stage = set_up(settings)
        timeline.event("stacks of function and activity", "CREATE_COMPLETE")
        timeline.event("worker", "RUNNING", f"its page while this runs: {settings.url('worker')}/")
        clock.lap("deployment of both programs")
        failed = []
        for title, scene in SCENES.items():
            timeline.title(title)
            try:
                if not scene(stage, timeline):
                    failed.append(title)
            except TROUBLE as error:
                timeline.check(str(error), holds=False)
                failed.append(title)
            clock.lap(title)
        if arguments.keep:
            tear_down(stage)
    finally:
        if not arguments.keep:
            bed.down()
            clock.lap("stop of everything")
    print(f"\n{clock.table()}", flush=True)
    if failed:
        raise BedError(f"did not end as they should: {'; '.join(failed)}. The logs are in {bed.folders.logs}")


if __name__ == "__main__":
    sys.exit(main())

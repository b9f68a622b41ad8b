"""The command: `python3 -m bed --help`."""

import argparse
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bed.bed import PARTS, Bed
from bed.install import install_lint
from bed.prerequisites import missing_for_bed, missing_for_build, missing_for_lint, require
from bed.progress import BedError
from bed.settings import ENVIRONMENT_HELP, Folders, Options


_MISSING: dict[str, Callable[[], list[str]]] = {
    "all": lambda: missing_for_build() + missing_for_bed(),
    "build": missing_for_build,
    "bed": missing_for_bed,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status is 0 if it did what it was told."""
    parsed, rest = _parser().parse_known_args(arguments)
    if rest and not hasattr(parsed, "module"):
        _parser().error(f"unknown arguments: {' '.join(rest)}")
    parsed.rest = rest
    return run_command(lambda: parsed.run(Bed(Folders.from_environment()), parsed))


def run_command(command: Callable[[], None]) -> int:
    """Runs something that may fail or be interrupted; the exit status."""
    interrupt_on_signals()
    try:
        command()
    except BedError as error:
        print(f"bed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bed: interrupted", file=sys.stderr)
        return 130
    except OSError as error:  # A full disk, a folder of somebody else, a time-out.
        print(f"bed: {error or type(error).__name__}. The bed's logs are in {Folders.from_environment().logs}", file=sys.stderr)
        return 1
    return 0


def interrupt_on_signals() -> None:
    """Makes every request to end a KeyboardInterrupt, so that nothing is left behind."""
    # SIGINT too: a shell starts what it runs in the background with it ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m bed", description="A real Livy, Spark and YARN and a local AWS on this machine, on 127.0.0.1 only.",
        epilog=ENVIRONMENT_HELP, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="command", required=True)

    def command(name: str, description: str, run: Callable[[Bed, argparse.Namespace], None], **options: Any) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=description, description=description, **options)
        added.set_defaults(run=run)
        return added

    needs = command("prerequisites", "say what is missing on this machine", lambda _, parsed: require(_MISSING[parsed.of]()))
    needs.add_argument("of", nargs="?", choices=_MISSING, default="all", help="for what (%(default)s)")
    command("install", "fetch everything that is missing", lambda bed, _: bed.install())
    command("install-lint", "fetch the linters and print their folder", _install_lint)
    up = command("up", "install, start every part and wait until each is ready", _up)
    up.add_argument("--recovery", action="store_true", help="Livy remembers its batches over a restart")
    up.add_argument("--csrf", action="store_true", help="Livy refuses requests without X-Requested-By")
    up.add_argument("--retain", default=Options.retain, help="how long Livy keeps an ended batch (%(default)s)")
    up.add_argument("--poll-interval", default=Options.poll_interval, help="how often Livy looks at YARN (%(default)s)")
    up.add_argument("--livy-conf", action="append", default=[], metavar="'KEY = VALUE'", help="one more line of livy.conf")
    command("down", "stop everything that this bed started", lambda bed, _: bed.down())
    command("status", "say what runs", lambda bed, _: print("\n".join(bed.status())))
    command("env", "print the shell variables that a client of the bed needs", _environment)
    for name, description, module in (
        ("demo", "install, then show both programs at work (its own --help)", "bed.demo"),
        ("test", "install, then run the bed's tests; arguments are pytest's", "pytest"),
    ):
        inside = command(name, description, _inside, add_help=False)
        inside.set_defaults(module=module)
    for name, description, act in (
        ("start", "start one part again, where it was", Bed.start),
        ("stop", "stop one part in an orderly way", Bed.stop),
        ("kill", "kill one part, as a crash would", Bed.kill),
    ):
        one = command(name, description, lambda bed, parsed, act=act: act(bed, parsed.part))
        one.add_argument("part", choices=PARTS)
    return parser


def _up(bed: Bed, parsed: argparse.Namespace) -> None:
    bed.up(Options(
        recovery=parsed.recovery, csrf=parsed.csrf, retain=parsed.retain,
        poll_interval=parsed.poll_interval, livy_conf=tuple(parsed.livy_conf),
    ))


def _inside(bed: Bed, parsed: argparse.Namespace) -> None:
    """Becomes a module that needs what LocalStack's environment holds, such as boto3, and builds the programs."""
    require(_MISSING["all"]())  # Before anything is fetched.
    begun = time.monotonic()
    bed.install()
    python = str(bed.folders.localstack_venv / "bin" / "python")
    first = ["--downloads", f"{time.monotonic() - begun:.1f}"] if parsed.module == "bed.demo" else []
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    os.execve(python, [python, "-m", parsed.module, *first, *parsed.rest], environment)


def _install_lint(bed: Bed, _: argparse.Namespace) -> None:
    require(missing_for_lint())
    print(install_lint(bed.folders))


def _environment(bed: Bed, _: argparse.Namespace) -> None:
    for name, value in bed.settings.environment().items():
        print(f"export {name}={shlex.quote(value)}")

"""`make fuzz` and `make test-fuzz`: builds the fuzz targets, replays every input that is kept, and searches on."""

import argparse
import concurrent.futures
import dataclasses
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from bed.cli import run_command
from bed.progress import BedError, say, step
from bed.settings import REPOSITORY, target_folder

_FUZZ = REPOSITORY / "fuzz"
# A single input that takes so long hangs. Machines are busy: the slowest known takes two seconds on an idle one.
_INPUT_SECONDS = 30
_MAX_INPUT_BYTES = 16 * 1024
# Starting, and loading the kept inputs.
_PATIENCE_SECONDS = 120


@dataclasses.dataclass(frozen=True)
class Search:
    """How to search."""

    seconds: int  # At most.
    executions: int  # At most, with those of the kept inputs; -1 is for any number.
    seed: int  # 0 is for another one each time.
    keep: bool  # Whether what is found stays in target/fuzz/corpus, and is built upon by the next search.

    def length(self) -> str:
        """How long it is, for people."""
        return f"{self.seconds} s" if self.executions < 0 else f"{self.executions} executions"


@dataclasses.dataclass(frozen=True)
class Found:
    """What one target did."""

    target: str
    kept_inputs: int
    executions: int
    seconds: float
    covered: int  # Of the counters in our own code and the JSON reader.
    counters: int
    new_inputs: int
    peak_megabytes: int
    problem: str | None

    def row(self) -> str:
        """A line of the table."""
        rate = self.executions / max(self.seconds, 0.001)
        return (f"{self.target:16}{self.kept_inputs:7}{self.executions:12}{rate:8.0f}/s{self.covered:8} of {self.counters:6}"
                f"{self.new_inputs:7}{self.peak_megabytes:7} MB   {'FAILED' if self.problem else 'ok'}")


_HEADING = f"{'target':16}{'replay':>7}{'executions':>12}{'rate':>10}{'coverage':>18}{'new':>7}{'memory':>10}"


def targets() -> list[str]:
    """All targets, by their package."""
    return [program["name"] for program in tomllib.loads((_FUZZ / "Cargo.toml").read_text())["bin"]]


def fuzz(chosen: Sequence[str], search: Search) -> None:
    """Builds the targets, runs as many at a time as there are processors, prints what they did; fails if one of them fails."""
    if unknown := set(chosen) - set(targets()):
        raise BedError(f"no fuzz target is named {', '.join(sorted(unknown))}: there are {', '.join(targets())}")
    chosen = list(chosen) or targets()
    _build(chosen)
    with step(f"fuzzing {len(chosen)} targets for {search.length()} each", every=60):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(lambda target: _run(target, search), chosen))
    print(_HEADING)
    for found in results:
        print(found.row())
    print(f"{'all':16}{sum(f.kept_inputs for f in results):7}{sum(f.executions for f in results):12}")
    if problems := [f"{found.target}: {found.problem}" for found in results if found.problem]:
        raise BedError("fuzzing found something\n" + "\n".join(problems))


def _build(chosen: Sequence[str]) -> None:
    command = ["cargo", "build", "--locked", "--manifest-path", str(_FUZZ / "Cargo.toml")]
    command += [argument for target in chosen for argument in ("--bin", target)]
    environment = os.environ | {"CARGO_TARGET_DIR": str(_target()), "RUSTC_WRAPPER": str(_FUZZ / "rustc")}
    if subprocess.run(command, cwd=_FUZZ, env=environment, stdin=subprocess.DEVNULL).returncode:
        raise BedError("the fuzz targets do not build: see cargo's messages above. If it is the lock file that is out of date: "
                       "`cargo metadata --manifest-path fuzz/Cargo.toml --format-version 1 >/dev/null`, and commit fuzz/Cargo.lock")


def _run(target: str, search: Search) -> Found:
    """Replays the kept inputs of a target, then searches."""
    kept, artifacts = _FUZZ / "corpus" / target, _target() / "artifacts" / target
    kept_inputs = len([file for file in kept.glob("*") if file.is_file()])
    if not kept_inputs:
        return Found(target, 0, 0, 0, 0, 0, 0, 0, f"there are no inputs in {kept.relative_to(REPOSITORY)}")
    artifacts.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        found = _target() / "corpus" / target if search.keep else Path(scratch)
        found.mkdir(parents=True, exist_ok=True)
        command = [
            str(_target() / "debug" / target), str(found), str(kept), f"-max_total_time={search.seconds}",
            f"-runs={search.executions}", f"-seed={search.seed}", f"-timeout={_INPUT_SECONDS}", f"-max_len={_MAX_INPUT_BYTES}", "-len_control=0", "-rss_limit_mb=1024",
            "-print_final_stats=1", f"-artifact_prefix={artifacts}/",
        ]
        dictionary = _FUZZ / "dictionaries" / f"{target}.dict"
        if dictionary.exists():
            command.append(f"-dict={dictionary}")
        try:
            run = subprocess.run(
                command, cwd=scratch, env=os.environ | {"RUST_BACKTRACE": "0"}, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=search.seconds + _PATIENCE_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return Found(target, kept_inputs, 0, 0, 0, 0, 0, 0, "it did not end in time")
    return read_log(target, kept_inputs, run.returncode, run.stderr.decode(errors="replace"))


def read_log(target: str, kept_inputs: int, status: int, log: str) -> Found:
    """What libFuzzer says that it did. A run that cannot show that it did anything is a failed one."""
    def number(pattern: str) -> int:
        return int((re.findall(pattern, log) or ["0"])[-1])

    found = Found(
        target, kept_inputs,
        executions=number(r"stat::number_of_executed_units:\s*(\d+)") or number(r"(?m)^#(\d+)\t"),
        seconds=number(r"(?m)^Done \d+ runs in (\d+) second"),
        covered=number(r"\bcov: (\d+)"),
        counters=number(r"\((\d+) inline 8-bit counters\)"),
        new_inputs=number(r"stat::new_units_added:\s*(\d+)"),
        peak_megabytes=number(r"stat::peak_rss_mb:\s*(\d+)"),
        problem=None,
    )
    problem = None
    if status:
        problem = _problem(log)
    elif found.executions <= kept_inputs or not found.covered:
        problem = f"it shows no search: {found.executions} executions, {found.covered} counters covered"
    return dataclasses.replace(found, problem=problem)


def _problem(log: str) -> str:
    """What went wrong, with the input that does it, and how to see it again."""
    said = [line for line in log.splitlines() if re.search(r"panicked at|^==\d+==ERROR|ERROR: libFuzzer", line)]
    panic = re.search(r"(?m)^thread .* panicked at (.*)\n((?:.*\n){1,3})", log)
    if panic:
        text = "\n  ".join(panic.group(0).partition("\nnote: ")[0].splitlines())
    else:
        text = (said or log.splitlines()[-1:] or ["it says nothing"])[0]
    written = re.search(r"Test unit written to (\S+)", log)
    if not written:
        return text
    path = Path(written.group(1))
    program = _target() / "debug" / path.parent.name
    return (f"{text}\n  again:   {program} {path}\n  smaller: {program} -minimize_crash=1 -max_total_time=60 {path}\n"
            f"  once it is mended, keep the input in fuzz/corpus/{path.parent.name}/")


def _target() -> Path:
    return target_folder() / "fuzz"


def main() -> int:
    """`python3 -m bed.fuzz [--seconds N] [--executions N] [target …]`."""
    parser = argparse.ArgumentParser(prog="python3 -m bed.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=300, help="how long each target searches (%(default)s)")
    parser.add_argument("--executions", type=int, default=-1, help="how many inputs each target tries, if that is sooner")
    parser.add_argument("--seed", type=int, default=0, help="for the same search again; what it finds is then not kept")
    parser.add_argument("target", nargs="*", help="which ones; all if none is named")
    parsed = parser.parse_args()
    search = Search(parsed.seconds, parsed.executions, parsed.seed, keep=not parsed.seed)
    if search.keep:
        say(f"what is found stays in {_target() / 'corpus'}")
    return run_command(lambda: fuzz(parsed.target, search))


if __name__ == "__main__":
    sys.exit(main())

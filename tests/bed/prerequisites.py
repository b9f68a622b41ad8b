"""Says plainly what is missing on this machine before anything is fetched or built."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from bed.jvm import jdk_problem
from bed.progress import BedError
from bed.settings import REPOSITORY

# Program, and the Debian package that has it.
_BED_PROGRAMS = {"mvn": "maven", "git": "git"}
_BUILD_PROGRAMS = {"gcc": "gcc", "g++": "g++", "make": "make"}


def missing_for_bed() -> list[str]:
    """One sentence for each thing that the bed needs and does not find."""
    missing = _missing_programs(_BED_PROGRAMS) + missing_for_lint()
    if problem := jdk_problem():
        missing.append(problem)
    return missing


def missing_for_build() -> list[str]:
    """The same for building the programs."""
    missing = _missing_programs(_BUILD_PROGRAMS)
    if problem := _cargo_problem():
        missing.append(problem)
    return missing


def missing_for_lint() -> list[str]:
    """The same for fetching Python programs."""
    if subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True).returncode:
        return ["Python's venv module: Debian package python3-venv"]
    return []


def require(missing: list[str]) -> None:
    """Ends with a list of what is missing, if anything is."""
    if not missing:
        return
    lines = "\n".join(f"  - {item}" for item in missing)
    raise BedError(f"prerequisites are missing on this machine:\n{lines}")


def _missing_programs(programs: dict[str, str]) -> list[str]:
    return [f"`{program}`: Debian package {package}" for program, package in programs.items() if not shutil.which(program)]


def _cargo_problem() -> str | None:
    pin = tomllib.loads((REPOSITORY / "rust-toolchain.toml").read_text())["toolchain"]["channel"]
    advice = "install Rust with rustup (https://rustup.rs), which then fetches the version of rust-toolchain.toml by itself"
    cargo = shutil.which("cargo")
    if cargo is None:
        return f"`cargo` {pin}: {advice}"
    # rustup's own `cargo` is not asked: it might begin to fetch the toolchain.
    if _belongs_to_rustup(Path(cargo)):
        return None
    banner = subprocess.run([cargo, "--version"], capture_output=True, text=True, cwd=REPOSITORY).stdout
    found = re.search(r"\d+(\.\d+)+", banner)
    if found and _numbers(found[0]) >= _numbers(pin):
        return None
    return f"`cargo` {pin} or later: {cargo} is {found[0] if found else 'of no known version'} and not rustup's; {advice}"


def _belongs_to_rustup(cargo: Path) -> bool:
    rustup = shutil.which("rustup")
    # A link to it, or a copy beside it.
    return rustup is not None and (os.path.samefile(cargo, rustup) or cargo.parent == Path(rustup).parent)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))

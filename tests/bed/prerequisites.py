"""Says plainly what is missing on this machine before anything is fetched."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bed.progress import BedError
from bed.settings import java_home

# Program, and the Debian package that has it.
_BED_PROGRAMS = {"mvn": "maven", "git": "git"}
_BUILD_PROGRAMS = {"gcc": "gcc", "g++": "g++", "make": "make"}


def missing_for_bed() -> list[str]:
    """One sentence for each thing that the bed needs and does not find."""
    missing = _missing_programs(_BED_PROGRAMS)
    if sys.version_info < (3, 11):
        missing.append(f"Python 3.11 or later (this is {sys.version.split()[0]}): Debian package python3 of release 12")
    if subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True).returncode:
        missing.append("Python's venv module: Debian package python3-venv")
    if problem := _java_problem(java_home()):
        missing.append(problem)
    return missing


def missing_for_build() -> list[str]:
    """One sentence for each thing that building the programs needs and does not find."""
    missing = _missing_programs(_BUILD_PROGRAMS)
    if not shutil.which("cargo"):
        missing.append("`cargo`: install Rust with rustup; the repository's rust-toolchain.toml names the version")
    return missing


def require(missing: list[str]) -> None:
    """Ends with a list of what is missing, if anything is."""
    if not missing:
        return
    lines = "\n".join(f"  - {item}" for item in missing)
    raise BedError(f"prerequisites are missing on this machine:\n{lines}")


def _missing_programs(programs: dict[str, str]) -> list[str]:
    return [f"`{program}`: Debian package {package}" for program, package in programs.items() if not shutil.which(program)]


def _java_problem(home: Path | None) -> str | None:
    package = "Debian package openjdk-17-jdk-headless (or set JAVA_HOME to a JDK 17)"
    if home is None:
        return f"a JDK 17: {package}"
    if not os.access(home / "bin" / "java", os.X_OK):
        return f"a JDK 17: there is no java in {home}; {package}"
    if not os.access(home / "bin" / "javac", os.X_OK):
        return f"a JDK 17: {home} has no compiler, it is only a run-time; {package}"
    banner = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True).stderr
    found = re.search(r'version "(\d+)', banner)
    version = int(found[1]) if found else 0
    if version == 17:
        return None
    # Spark 3.5 is not made for later ones: with JDK 25 Livy answers, but PySpark jobs die with
    # "getSubject is not supported".
    return f"a JDK 17: {home} is version {version}, with which Spark 3.5 does not work; {package}"

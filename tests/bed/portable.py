"""`make package-worker`: the worker for EMR 6 and later, whatever system it is built on."""

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bed.cli import run_command
from bed.install import install_zig
from bed.progress import BedError, say
from bed.release import glibc, shown
from bed.settings import REPOSITORY, Folders, target_folder

# Amazon Linux 2, on which EMR 6 runs: what is linked against its C library runs on every later one.
OLDEST_GLIBC = (2, 26)


@dataclasses.dataclass(frozen=True)
class Platform:
    """A kind of instance."""

    name: str  # As uname says it.
    target: str  # As rustc calls it.


PLATFORMS = (
    Platform("x86_64", "x86_64-unknown-linux-gnu"),
    Platform("aarch64", "aarch64-unknown-linux-gnu"),  # Graviton.
)


def package_worker() -> None:
    """Builds the worker for every platform whose target is installed; says how to get the others."""
    tools = install_zig(Folders.from_environment())
    installed = subprocess.run(
        ["rustup", "target", "list", "--installed"], capture_output=True, text=True, check=True
    ).stdout.split() if shutil.which("rustup") else [PLATFORMS[0].target]
    for platform in PLATFORMS:
        if platform.target in installed:
            made = _build(platform, tools)
            print(f"{made}: needs glibc {shown(check(made))} or later")
        else:
            say(f"no worker for {platform.name}: its target is missing. To have it: rustup target add {platform.target}")


def check(program: Path) -> tuple[int, ...]:
    """The C library that a program needs; fails if that is a later one than the oldest system has."""
    needed = glibc(program)
    if needed > OLDEST_GLIBC:
        raise BedError(f"{program} needs glibc {shown(needed)}, and Amazon Linux 2 has {shown(OLDEST_GLIBC)}")
    return needed


def _build(platform: Platform, tools: Path) -> Path:
    """Zig's linker knows the symbols of every C library, and its C compiler the headers of every platform."""
    command = [
        str(tools / "cargo-zigbuild"), "zigbuild", "--locked", "--release", "--package", "sparkwright-worker",
        "--target", f"{platform.target}.{shown(OLDEST_GLIBC)}",
    ]
    path = os.pathsep.join([str(tools), os.environ.get("PATH", "")])
    if subprocess.run(command, cwd=REPOSITORY, env=os.environ | {"PATH": path}, stdin=subprocess.DEVNULL).returncode:
        raise BedError(f"the worker for {platform.name} does not build: see cargo's messages above")
    made = target_folder() / "package" / f"sparkwright-worker-{platform.name}"
    made.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(target_folder() / platform.target / "release" / "sparkwright-worker", made)
    return made


if __name__ == "__main__":
    sys.exit(run_command(package_worker))

"""`make package-worker`: the worker with its installer, for EMR 5.30 and later, whatever system it is built on."""

import dataclasses
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from bed.cli import run_command
from bed.install import install_zig
from bed.progress import BedError, say
from bed.release import glibc, shown
from bed.settings import REPOSITORY, Folders, target_folder

# Amazon Linux 2, on which EMR 5.30 to 6 run: what is linked against its C library runs on every later one.
OLDEST_GLIBC = (2, 26)

_SYSTEMD = REPOSITORY / "worker" / "systemd"
# What stands beside the worker, so that its installer finds all it needs in its own folder.
_INSTALLED = {"install.sh": 0o755, "sparkwright-worker.service": 0o644, "worker.env.example": 0o644}


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
            program = build(platform, tools)
            needed = check(program)
            print(f"{pack(program, platform, target_folder() / 'package')}: needs glibc {shown(needed)} or later")
        else:
            say(f"no worker for {platform.name}: its target is missing. To have it: rustup target add {platform.target}")


def check(program: Path) -> tuple[int, ...]:
    """The C library that a program needs; fails if that is a later one than the oldest system has."""
    needed = glibc(program)
    if needed > OLDEST_GLIBC:
        raise BedError(f"{program} needs glibc {shown(needed)}, and Amazon Linux 2 has {shown(OLDEST_GLIBC)}")
    return needed


def pack(program: Path, platform: Platform, folder: Path) -> Path:
    """Puts a worker and what installs it into an archive, all in one folder of the archive's name."""
    name = f"sparkwright-worker-{platform.name}"
    packed = folder / f"{name}.tar.gz"
    folder.mkdir(parents=True, exist_ok=True)
    packed.unlink(missing_ok=True)
    with tarfile.open(packed, "w:gz") as archive:
        for source, mode in ((program, 0o755), *((_SYSTEMD / file, mode) for file, mode in _INSTALLED.items())):
            entry = archive.gettarinfo(source, f"{name}/{source.name}")
            # Not the builder's: root may unpack it.
            entry.uid, entry.gid, entry.uname, entry.gname, entry.mode = 0, 0, "root", "root", mode
            with source.open("rb") as content:
                archive.addfile(entry, content)
    return packed


def build(platform: Platform, tools: Path, profile: str = "release") -> Path:
    """Zig's linker knows the symbols of every C library, and its C compiler the headers of every platform."""
    command = [
        str(tools / "cargo-zigbuild"), "zigbuild", "--locked", "--profile", profile, "--package", "sparkwright-worker",
        "--target", f"{platform.target}.{shown(OLDEST_GLIBC)}",
    ]
    path = os.pathsep.join([str(tools), os.environ.get("PATH", "")])
    if subprocess.run(command, cwd=REPOSITORY, env=os.environ | {"PATH": path}, stdin=subprocess.DEVNULL).returncode:
        raise BedError(f"the worker for {platform.name} does not build: see cargo's messages above")
    return target_folder() / platform.target / ("debug" if profile == "dev" else profile) / "sparkwright-worker"


if __name__ == "__main__":
    sys.exit(run_command(package_worker))

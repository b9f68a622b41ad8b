"""A program that needs a later C library than EMR has is refused, and what is packed installs itself."""

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from bed import portable
from bed.install import install_zig
from bed.progress import BedError
from bed.release import glibc, latest_glibc, shown
from bed.settings import Folders

_SYMBOLS = """\
Symbol table '.dynsym' contains 4 entries:
     1: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND memcpy@GLIBC_2.14 (2)
     2: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND getrandom@GLIBC_2.25 (3)
     3: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND stat@GLIBC_2.9 (4)
"""


def test_the_latest_version_counts_as_a_number() -> None:
    assert latest_glibc(_SYMBOLS) == (2, 25)
    assert latest_glibc("") == (0,)


def test_a_program_that_needs_a_later_library_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, program = tmp_path / "a.c", tmp_path / "a"
    source.write_text("#include <stdio.h>\nint main(void) { return puts(\"\"); }\n")
    subprocess.run(["gcc", str(source), "-o", str(program)], check=True)
    needed = glibc(program)
    assert needed >= (2, 0)
    monkeypatch.setattr(portable, "OLDEST_GLIBC", needed)
    assert portable.check(program) == needed
    monkeypatch.setattr(portable, "OLDEST_GLIBC", (2, 0))
    with pytest.raises(BedError, match="needs glibc"):
        portable.check(program)


def test_the_worker_needs_no_later_library_than_the_oldest_system_has() -> None:
    # A release build takes longer, and most of that on one processor. A debug build, of the same libraries by the same linker,
    # calls what that calls, and more: nothing is optimised away.
    platform = next(platform for platform in portable.PLATFORMS if platform.name == os.uname().machine)
    program = portable.build(platform, install_zig(Folders.from_environment()), profile="dev")
    needed = portable.check(program)
    print(f"{program.name} for {platform.name} needs glibc {shown(needed)}")
    assert needed > (2, 0)
    version = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("sparkwright-worker ")


def test_what_is_no_program_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no program")
    with pytest.raises(BedError, match="cannot read"):
        glibc(path)


def test_what_is_unpacked_installs_itself(tmp_path: Path) -> None:
    program = _program(tmp_path / "sparkwright-worker", "echo sparkwright-worker 1.2.3")
    packed = portable.pack(program, portable.PLATFORMS[1], tmp_path / "package")
    assert packed == tmp_path / "package" / "sparkwright-worker-aarch64.tar.gz"
    with tarfile.open(packed) as archive:
        assert {(entry.uid, entry.gid) for entry in archive.getmembers()} == {(0, 0)}
    subprocess.run(["tar", "xzf", str(packed), "--no-same-owner"], cwd=tmp_path, check=True)
    # The machine: its users and its systemd only take notes.
    (tmp_path / "bin").mkdir()
    _program(tmp_path / "bin" / "id", "echo 0")
    for name in ("chown", "systemctl"):
        _program(tmp_path / "bin" / name, f"echo {name} $* >>{tmp_path}/notes")
    installed = subprocess.run(
        ["./install.sh", "SPARKWRIGHT_ACTIVITY_ARN=arn:aws:states:eu-west-1:123456789012:activity:spark-job"],
        cwd=tmp_path / "sparkwright-worker-aarch64", capture_output=True, text=True, check=True,
        env=os.environ | {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "DESTDIR": str(tmp_path / "root")},
    )
    assert "sparkwright-worker 1.2.3 is installed" in installed.stdout
    assert (tmp_path / "root/usr/local/bin/sparkwright-worker").read_text() == program.read_text()
    assert (tmp_path / "root/etc/systemd/system/sparkwright-worker.service").is_file()
    assert "systemctl restart sparkwright-worker.service" in (tmp_path / "notes").read_text()


def _program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path

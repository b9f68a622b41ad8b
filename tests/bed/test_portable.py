"""Which C library a program needs is read from its symbols, and a later one than EMR 6 has is refused."""

import subprocess
from pathlib import Path

import pytest

from bed import portable
from bed.progress import BedError
from bed.release import glibc, latest_glibc

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


def test_what_is_no_program_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no program")
    with pytest.raises(BedError, match="cannot read"):
        glibc(path)

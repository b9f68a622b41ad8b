"""The wire tests of the Livy and YARN clients, in Rust: one list, on the simulators and on the real servers."""

import os
import re
import subprocess

import pytest

from bed.settings import REPOSITORY, Settings

_SECONDS = 1800
_SIMULATED, _REAL = "simulators, as they are", "real servers"
_HEADING = re.compile(r"^(simulators|real servers)(?:, (.*))?:$")
_LINE = re.compile(r"^(ok|FAILED) +[0-9.]+ s  (\w+)$")


def run(target: str, variables: dict[str, str]) -> str:
    """What cargo says of one of the two test programs, which passes."""
    # Of the whole workspace, so that nothing is built a second time with other features.
    command = ["cargo", "test", "--locked", "--workspace", "--test", target]
    ran = subprocess.run(
        command, cwd=REPOSITORY, env=os.environ | variables, timeout=_SECONDS,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def lists(output: str) -> dict[str, list[str]]:
    """By the heading of each list the names of those tests that passed, in their order."""
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for line in output.splitlines():
        if _HEADING.match(line):
            names = found.setdefault(line.rstrip(":"), [])
        elif (parts := _LINE.match(line)) and parts[1] == "ok":
            names.append(parts[2])
    return found


def test_the_same_list_passes_on_the_simulators_and_on_the_real_servers(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    simulated = run("wire_sim", {})
    real = run("wire_real", settings.environment())
    sides = lists(simulated) | lists(real)
    with capsys.disabled():  # They are there to be read.
        print()
        for side, names in sides.items():
            print(f"{side}: {len(names)} wire tests passed")
            if side in (_SIMULATED, _REAL):
                print("".join(f"  {name}\n" for name in names), end="")
    on_real = sides.pop(_REAL)
    assert len(on_real) == len(set(on_real)) > 30
    assert f"\n{len(on_real)} wire tests, 0 failed\n" in real
    assert "1 passed" in real
    assert _SIMULATED in sides and len(sides) >= 5, "one list for each kind of simulator"
    for side, names in sides.items():
        assert names == on_real, side

"""The wire tests of the Livy and YARN clients, in Rust, against the real servers."""

import os
import subprocess

from bed.settings import REPOSITORY, Settings


def test_the_clients_agree_with_the_real_servers(settings: Settings) -> None:
    command = ["cargo", "test", "--locked", "--package", "sparkwright-tests", "--test", "wire_real"]
    environment = os.environ | settings.environment()
    assert subprocess.run(command, cwd=REPOSITORY, env=environment, timeout=1800).returncode == 0

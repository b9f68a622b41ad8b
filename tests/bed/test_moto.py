"""The function's look-ups of clusters and secrets, in Rust, against moto's EMR and Secrets Manager."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bed.install import install_moto
from bed.process import Process
from bed.settings import Settings
from bed.test_wire import run

_PACKAGE_PARENT = Path(__file__).parents[1]
_ADDRESS = re.compile(r"^moto serves at (http://127\.0\.0\.1:\d+)$", re.MULTILINE)


@pytest.fixture
def moto_url(settings: Settings) -> Iterator[str]:
    """Where moto is, for one test."""
    process = Process("moto", settings.folders.run)
    process.log.unlink(missing_ok=True)  # It may name the port of an earlier one.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_", "PYTHON"))}
    python = install_moto(settings.folders) / "python"
    process.start([str(python), "-m", "bed.moto_server"], kept | {"PYTHONPATH": str(_PACKAGE_PARENT)})
    try:
        process.wait_until(lambda: bool(_ADDRESS.search(process.log.read_text())), 60)
        yield _ADDRESS.findall(process.log.read_text())[0]
    finally:
        process.stop(patience=5)


def test_clusters_and_secrets_are_looked_up(moto_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    output = run("moto", {"SPARKWRIGHT_MOTO_URL": moto_url})
    passed = re.search(r"test result: ok\. (\d+) passed; 0 failed; 0 ignored", output)
    assert passed and "skipped" not in output, output
    with capsys.disabled():
        print(f"\nmoto: {passed[1]} tests passed")
    assert int(passed[1]) >= 20, output

"""The bed for the tests: up once in a session. One that is up already is used and left as it is."""

from collections.abc import Iterator

import pytest

from bed.bed import Bed
from bed.cli import interrupt_on_signals
from bed.demo import programs, stage
from bed.demo.aws import Aws
from bed.demo.stage import Stage
from bed.settings import Folders, Options, Settings


def pytest_configure() -> None:
    """pytest alone would leave the bed behind on SIGTERM."""
    interrupt_on_signals()


@pytest.fixture(scope="session")
def bed() -> Iterator[Bed]:
    """A bed that is up."""
    made = Bed(Folders.from_environment())
    if made.is_up():
        yield made
        return
    made.up(Options())
    try:
        yield made
    finally:
        made.down()


@pytest.fixture(scope="session")
def settings(bed: Bed) -> Settings:
    """Where the parts of the bed are."""
    return bed.settings


@pytest.fixture(scope="session")
def aws(settings: Settings) -> Aws:
    """The local AWS."""
    return Aws(settings.url("localstack"))


@pytest.fixture(scope="session")
def a_stage(settings: Settings) -> Iterator[Stage]:
    """Both programs, built and deployed."""
    programs.build()
    made = stage.set_up(settings)
    yield made
    stage.tear_down(made)

"""The bed for the tests: up once in a session. One that is up already is used and left as it is."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bed.bed import Bed
from bed.cli import interrupt_on_signals
from bed.demo import programs, stage
from bed.demo.aws import Aws
from bed.demo.stage import Stage
from bed.scenario import LongWait, Scenario
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
def built() -> None:
    """All programs; cargo itself says how far it is."""
    programs.build_with_tests()


@pytest.fixture(scope="session")
def a_stage(built: None, settings: Settings) -> Iterator[Stage]:
    """Both programs, deployed."""
    made = stage.set_up(settings)
    yield made
    stage.tear_down(made)


@pytest.fixture(scope="session")
def stub_export_name(aws: Aws) -> str:
    """Where a resource is provided that does as it is told."""
    name = f"stub-{secrets.token_hex(3)}"
    bootstrap = Path(__file__).parent / "stub" / "bootstrap"
    stack = stage.deploy_provider(aws, f"provider-{name}", name, programs.archive(bootstrap))
    assert stack.follow(60) == "CREATE_COMPLETE", stack.events()
    return name


@pytest.fixture(scope="module")
def scenarios(
    a_stage: Stage, stub_export_name: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Scenario]]:
    """Makes stacks' lives for a file of tests."""
    made: list[Scenario] = []

    def make() -> Scenario:
        made.append(Scenario(a_stage, stub_export_name, tmp_path_factory.mktemp("scenario")))
        return made[-1]

    yield make
    for scenario in made:
        scenario.end()


@pytest.fixture
def scenario(a_stage: Stage, stub_export_name: str, tmp_path: Path) -> Iterator[Scenario]:
    """One stack's life."""
    made = Scenario(a_stage, stub_export_name, tmp_path)
    yield made
    made.end()


@pytest.fixture(scope="session")
def another_provider(a_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Deploys the function with another time-out, or so that its events are delivered more than once; its export name."""

    def deploy(timeout: int = 900, deliveries: str = "now") -> str:
        plain = stage.PROVIDER.read_text()
        changed = plain.replace("Timeout: 900\n", f"Timeout: {timeout}\n").replace(
            "        Variables:\n", f"        Variables:\n          PLUGIN_DELIVERIES: '{deliveries}'\n",
        )
        assert changed.count("PLUGIN_DELIVERIES") == changed.count(f"Timeout: {timeout}\n") == 1
        template = tmp_path_factory.mktemp("provider") / "provider.yaml"
        template.write_text(changed)
        name = f"another-{secrets.token_hex(3)}"
        stack = stage.deploy_provider(a_stage.aws, f"provider-{name}", name, programs.function_archive(), template)
        assert stack.follow(60) == "CREATE_COMPLETE", stack.events()
        return name

    return deploy


@pytest.fixture(scope="session")
def long_wait(
    a_stage: Stage, stub_export_name: str, another_provider: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LongWait]:
    """Under way from when it is first asked for, so that other tests need not stand and wait for it."""
    made = LongWait(Scenario(a_stage, stub_export_name, tmp_path_factory.mktemp("long-wait")), another_provider)
    yield made
    made.scenario.end()

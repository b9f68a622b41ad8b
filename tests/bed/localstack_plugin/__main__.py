"""Starts LocalStack with the additions: `python -m bed.localstack_plugin`."""

from bed.localstack_plugin import activities, deliveries, functions, loopback, stacks


def main() -> None:
    """Puts every addition in place, then runs LocalStack in this process."""
    for addition in (loopback, functions, deliveries, stacks, activities):
        addition.install()
    from localstack.runtime.main import main as run  # Imports most of LocalStack, so only now.

    run()


main()

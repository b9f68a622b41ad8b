"""Starts LocalStack with the additions: `python -m bed.localstack_plugin`."""

from bed.localstack_plugin import activities, functions, loopback, stacks


def main() -> None:
    """Puts every addition in place, then runs LocalStack in this process."""
    for addition in (loopback, functions, stacks, activities):
        addition.install()
    from localstack.runtime.main import main as run  # Imports most of LocalStack, so only now.

    run()


main()

"""A tour of both programs on the bed, shared with the tests that assert the same paths.

- `stage`: builds the programs, brings up the bed, deploys the provider and the activity, starts the worker.
- `programs`: how the two Rust programs are built, packed and started.
- `aws`: stacks and executions, followed as they go.
- `scenes`: what `make demo` shows and `test_demo.py` asserts.
- `timeline`: how it is printed.
"""

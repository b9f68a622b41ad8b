"""The test bed: a real Livy, Spark and YARN and a local AWS, as ordinary processes on this machine.

Layout:

- `cli`: the command `python3 -m bed` (run in `tests/`).
- `bed`: the `Bed`: install, up, down, start, stop, kill.
- `settings`: folders, ports and options; the only module that reads the environment.
- `prerequisites`, `install`, `maven`, `pins`: what must be there, what is fetched, in which versions.
- `spark`, `yarn`, `livy`, `localstack`: one part each: its configuration files and its process.
- `process`: starting, recognising and ending the bed's own processes, and no others.
- `localstack_plugin`: what LocalStack lacks: custom resources, Lambda without Docker, repairs.
- `demo`: `make demo`, a tour of both programs; `test_*.py` assert the same paths.
- `jobs`: the PySpark programs that demo and tests run.
"""

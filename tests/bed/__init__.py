"""The test bed: a real Livy, Spark and YARN and a local AWS, as ordinary processes on this machine.

Layout:

- `cli`: the command `python3 -m bed` (run in `tests/`).
- `bed`: the `Bed`: install, up, down, start, stop, kill.
- `settings`: folders, ports and options, and every variable of the environment that sets one.
- `prerequisites`, `install`, `maven`, `pins`: what must be there, what is fetched, in which versions.
- `jvm`: which JDK is used, and how.
- `spark`, `yarn`, `livy`, `localstack`: one part each: its configuration files and its process.
- `process`: starting, recognising and ending the bed's own processes, and no others.
- `cluster`: what YARN itself says of its applications and nodes.
- `localstack_plugin`: what LocalStack lacks: custom resources, Lambda without Docker, repairs.
- `scenario`, `transcript`: a stack's life with its applications, and what went to and fro, for the tests.
- `moto_server`: moto's EMR and Secrets Manager.
- `demo`: `make demo`, a tour of both programs; `test_*.py` assert the same paths.
- `jobs`: the PySpark programs that demo and tests run.
- `release`: `make package` and `make sizes`.
- `bench`, `bench_world`: `make bench-function`, and what stands around the function meanwhile.
- `browser`: headless Chromium, for the test of the worker's page.
- `fuzz`: `make fuzz` and `make test-fuzz`.
"""

import sys

# Here, before anything that an older Python cannot even read.
if sys.version_info < (3, 11):
    sys.exit("bed: this is Python %d.%d (%s); Python 3.11 or later is needed: Debian package python3 of release 12 or later"
             % (sys.version_info[0], sys.version_info[1], sys.executable))

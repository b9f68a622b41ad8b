"""What libFuzzer writes is understood, and a run that cannot show a search counts as a failed one."""

from bed.fuzz import read_log, targets

_SEARCHED = """\
INFO: Seed: 1
INFO: Loaded 1 modules   (8217 inline 8-bit counters): 8217 [0x562402, 0x562404),
INFO:       10 files found in corpus
INFO: seed corpus: files: 10 min: 3b max: 1307b total: 2152b rss: 28Mb
#11\tINITED cov: 1279 ft: 2006 corp: 8/2152b exec/s: 0 rss: 28Mb
#6465\tDONE   cov: 1607 ft: 3741 corp: 380/986Kb lim: 16384 exec/s: 404 rss: 32Mb
Done 6465 runs in 16 second(s)
stat::number_of_executed_units: 6465
stat::new_units_added:          717
stat::peak_rss_mb:              32
"""

_CRASHED = """\
INFO: Loaded 1 modules   (3115 inline 8-bit counters): 3115 [0x557f07, 0x557f08),
#54\tINITED cov: 497 ft: 800 corp: 43/9019b exec/s: 0 rss: 28Mb

thread '<unnamed>' (21030) panicked at targets/physical_id.rs:21:9:
`x` was printed as `y`
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
==21030== ERROR: libFuzzer: deadly signal
Test unit written to /somewhere/physical_id/crash-06d49b
stat::number_of_executed_units: 321
"""


def test_a_search_is_counted() -> None:
    found = read_log("properties", 10, 0, _SEARCHED)
    assert (found.executions, found.seconds, found.covered, found.counters) == (6465, 16, 1607, 8217)
    assert (found.new_inputs, found.peak_megabytes, found.problem) == (717, 32, None)


def test_a_crash_is_a_problem_with_its_message_and_its_input() -> None:
    found = read_log("physical_id", 10, 77, _CRASHED)
    assert found.problem is not None and found.executions == 321
    for part in ("targets/physical_id.rs:21:9", "was printed as `y`", "/somewhere/physical_id/crash-06d49b", "fuzz/corpus/physical_id/"):
        assert part in found.problem


def test_a_run_without_a_search_is_a_problem() -> None:
    for log in ("", _SEARCHED.replace("6465", "10"), _SEARCHED.replace("cov:", "rss:")):
        assert read_log("properties", 10, 0, log).problem
    assert read_log("properties", 10, 1, "").problem


def test_every_target_has_inputs_and_a_program() -> None:
    assert {"event", "function_event", "properties", "physical_id", "task_input", "livy_bodies", "yarn_bodies"} <= set(targets())

"""A wait that is longer than one invocation of the function."""

import json
import re

from bed.scenario import LongWait


def test_it_is_handed_over_from_invocation_to_invocation_and_the_job_runs_once(long_wait: LongWait) -> None:
    scenario, stack = long_wait.scenario, long_wait.stack
    scenario.becomes(stack, "CREATE_COMPLETE")
    (only,) = scenario.applications()
    assert (str(only), only.id) == ("FINISHED/SUCCEEDED", stack.outputs()["ApplicationId"])
    assert only.finished is not None
    assert only.finished - only.started > long_wait.job_seconds > long_wait.time_out_seconds
    hops = [int(hop) for hop in re.findall(r"request handed over next_hop=(\d+)", long_wait.log.text())]
    (create,) = scenario.requests(stack)
    answers = [json.loads(answer["Body"]) for answer in scenario.answers(create)]
    print(f"hand-overs: {len(hops)}, the last to hop {max(hops)}; answers: {len(answers)}")
    assert max(hops) >= 2 and len(hops) > max(hops), hops
    # Each of a pair may answer, and none contradicts another.
    assert {(answer["Status"], answer["PhysicalResourceId"]) for answer in answers} == {("SUCCESS", stack.outputs()["Id"])}
    scenario.delete(stack)
    assert [str(found) for found in scenario.applications()] == ["FINISHED/SUCCEEDED"]

"""Prometheus' own parser as a program, for tests whose environment is without it: OpenMetrics' text in, JSON out.

The JSON is a list of the families, each with `name`, `type`, `unit` and `samples`, and each sample with `name` and `labels`.
Text that Prometheus would refuse is an error.
"""

import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families


def main() -> None:
    """Reads all of stdin."""
    families = text_string_to_metric_families(sys.stdin.read())
    read = [
        {
            "name": family.name, "type": family.type, "unit": family.unit,
            "samples": [{"name": sample.name, "labels": sample.labels} for sample in family.samples],
        }
        for family in families
    ]
    json.dump(read, sys.stdout)


if __name__ == "__main__":
    main()

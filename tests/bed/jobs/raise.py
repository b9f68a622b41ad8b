"""Raises an exception of its own, deep in a call, once the Spark session is up."""

from pyspark.sql import SparkSession


class MissingPartitionError(Exception):
    """What a person should find in the stack's event or in the execution's cause."""


def load(spark: SparkSession, day: str) -> None:
    """Fails as a job fails whose input is not there."""
    if spark.range(3).count() == 3:
        raise MissingPartitionError(f"no partition for day {day} in table sales")


session = SparkSession.builder.appName("raise").getOrCreate()
load(session, "2026-11-21")

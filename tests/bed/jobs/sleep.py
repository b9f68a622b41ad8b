"""Runs for as many seconds as its argument says, as a streaming job would for ever."""

import sys
import time

from pyspark.sql import SparkSession

session = SparkSession.builder.appName("sleep").getOrCreate()
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    time.sleep(0.2)
print("slept", session.range(10).count())
session.stop()

"""Runs until the file that its argument names is there, but no longer than ten minutes: a failed test must not fill the node."""

import sys
import time
from pathlib import Path

from pyspark.sql import SparkSession

session = SparkSession.builder.appName("until").getOrCreate()
end = time.monotonic() + 600
while not Path(sys.argv[1]).exists() and time.monotonic() < end:
    time.sleep(0.2)
print("ran", session.range(10).count())
session.stop()

"""Ends with status 3 before there is any Spark session."""

import sys

print("about to leave", file=sys.stderr)
sys.exit(3)

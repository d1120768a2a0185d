"""Jars, through Maven."""

LOCK = "maven.lock"

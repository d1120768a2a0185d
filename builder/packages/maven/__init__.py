"""Jars, through Maven."""

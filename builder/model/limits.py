"""Lambda's limits for layers (its developer guide, "Lambda quotas"), and the unit that sizes are shown in."""

MB = 1_000_000
UNZIPPED_LIMIT = 262_144_000
"""Bytes that a function and all its layers may have unzipped."""
DIRECT_LIMIT = 52_428_800
"""Bytes of a zip that PublishLayerVersion takes directly; larger ones go through S3."""

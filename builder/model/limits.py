"""Lambda's limits for layers (developer guide, "Lambda quotas"), and the unit of sizes in output."""

MB = 1_000_000
UNZIPPED_LIMIT = 262_144_000
"""Unzipped bytes of a function with all its layers."""
DIRECT_LIMIT = 52_428_800
"""Bytes of a zip in a PublishLayerVersion request; a larger zip is uploaded through S3."""
MIN_MEMORY, MAX_MEMORY = 128, 32_768
"""MB of a function, as the model of the API has it: more than 10,240 only on Lambda Managed Instances."""
MAX_TIMEOUT = 1800
"""Seconds of an invocation. Functions on Lambda Managed Instances may take 5400 for asynchronous events."""

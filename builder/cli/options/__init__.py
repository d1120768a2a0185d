"""Options of the commands: bundles, and those that several share."""

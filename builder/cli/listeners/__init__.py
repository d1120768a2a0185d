"""How events are shown: on a terminal, in a log, and as JSON for programs."""

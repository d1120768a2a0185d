"""From files to a checked zip. Works on any layer, also other people's; nothing here executes what it looks at."""

"""Node.js packages, through npm, which runs no script of theirs on the host."""

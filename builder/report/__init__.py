"""What became of many layers: a page, and the same for programs and for the logs of code hosts."""

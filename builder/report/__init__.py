"""Reports on many layers: a page, and the same data for programs and for code hosts."""

"""Speed, size and memory against other tools and against the floor, as ratios within one run."""

"""What the words mean: recipe, runtime, architecture, target. Pure data; no network, no engine."""

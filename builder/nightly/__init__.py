"""Many layers, unattended: what changed is built, what breaks is told, what was interrupted goes on."""

"""The container engine: clients, builds, containers. Knows images, Dockerfiles and tars, never recipes."""

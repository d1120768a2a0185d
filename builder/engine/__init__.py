"""The container engine: clients, builds, containers. Depends on images, Dockerfiles and tars, never on recipes."""

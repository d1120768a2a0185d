"""Digests of image tags, queried through the engine, which has the credentials and mirrors of registries."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from builder.base.errors import EngineError, LayerwrightError, UsageError
from builder.engine import failure
from builder.engine.client import DOCKER, Engine
from builder.model.images import Image

if TYPE_CHECKING:
    import docker

_WORKERS = 8


def digests(engine: Engine, images: list[Image]) -> tuple[dict[str, str], list[LayerwrightError]]:
    """Return the digests of images by name, and an error for each image whose digest is not available.

    Raises EngineError if the engine is not Docker.
    """
    if engine.kind != DOCKER:
        msg = f"digests are queried through Docker's API, which {engine.kind} does not have"
        raise EngineError(msg, hint="use --engine docker for this command")
    api = _connect()
    by_name: dict[str, str] = {}
    errors: list[LayerwrightError] = []
    with ThreadPoolExecutor(_WORKERS) as pool:
        for image, answer in zip(images, pool.map(lambda image: _digest(api, image), images), strict=True):
            if isinstance(answer, str):
                by_name[image.name] = answer
            else:
                errors.append(answer)
    return by_name, errors


def _connect() -> "docker.DockerClient":
    """Connect to the daemon of the docker client: that of DOCKER_HOST, else that of its current context."""
    import os

    import docker
    from docker.context import ContextAPI

    if os.environ.get("DOCKER_HOST"):
        return docker.from_env()
    context = ContextAPI.get_current_context()
    return docker.DockerClient(base_url=context.Host, tls=context.TLSConfig or False)


def _digest(api: "docker.DockerClient", image: Image) -> str | LayerwrightError:
    import docker.errors

    try:
        return str(api.images.get_registry_data(image.name).id)
    except docker.errors.APIError as error:
        text = str(error.explanation or error)
        return failure.unpullable(text, image.name) or UsageError(
            f"{image.name}: the registry does not return a digest", why=[text]
        )

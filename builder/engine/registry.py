"""What a registry has under a tag: asked through the engine, which knows its credentials and mirrors."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from builder.base.errors import EngineError, LayerwrightError, UsageError
from builder.engine import failure
from builder.engine.client import DOCKER, Engine
from builder.model.images import Image

if TYPE_CHECKING:
    import docker

_AT_ONCE = 8


def digests(engine: Engine, images: list[Image]) -> tuple[dict[str, str], list[LayerwrightError]]:
    """Return the digest of each image by its name, and an error for each that the registry does not give."""
    if engine.kind != DOCKER:
        msg = f"digests are asked through Docker's API, and {engine.kind} has none"
        raise EngineError(msg, hint="use --engine docker for this command")
    api = _connect()
    found: dict[str, str] = {}
    errors: list[LayerwrightError] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for image, answer in zip(images, pool.map(lambda one: _digest(api, one), images), strict=True):
            if isinstance(answer, str):
                found[image.name] = answer
            else:
                errors.append(answer)
    return found, errors


def _connect() -> "docker.DockerClient":
    """Connect to where the docker client itself looks: its current context, unless DOCKER_HOST says otherwise."""
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
            f"{image.name}: the registry does not tell", why=[text]
        )

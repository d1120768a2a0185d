"""Questions to an image: a shell script is run in it, and its files are listed."""

import re
from collections import defaultdict

from builder.base import programs
from builder.base.errors import EngineError
from builder.engine import image_contents, sandbox
from builder.engine.client import Engine
from builder.engine.sandbox import ContainerRun
from builder.model.architectures import Architecture
from builder.model.image_facts import ImageFacts
from builder.model.images import Image

_KEY = re.compile(r"[a-z]+(\.[A-Za-z0-9_+-]+)?")
_LONGEST = 4096


def survey(engine: Engine, path: str, image: Image, arch: Architecture) -> ImageFacts:
    """Return the facts about an image. Raises NoImageError if it cannot be pulled, EngineError if nothing can be run.

    The script runs without network as an unprivileged user, as tests of layers do.
    """
    asked = ContainerRun(image=image, arch=arch, command=["/bin/sh", "-c", programs.text("shell/survey.sh")])
    finished = sandbox.run(engine, asked, ())
    if finished.returncode:
        msg = f"the questions to {image.name} ended with {finished.returncode}"
        raise EngineError(msg, why=finished.stderr.splitlines()[-3:])
    return _facts(path, finished.stdout, image_contents.read_image(engine, image.reference, arch))


def _facts(path: str, answers: str, contents: image_contents.ImageContents) -> ImageFacts:
    single: dict[str, str] = {}
    tables: dict[str, dict[str, str]] = defaultdict(dict)
    packages = []
    for line in answers.splitlines():
        key, tab, value = line.partition("\t")
        if not tab or not _KEY.fullmatch(key) or len(value) > _LONGEST or not value.isprintable():
            continue
        table, dot, name = key.partition(".")
        if key == "package":
            packages.append(value)
        elif dot:
            tables[table][name] = value
        else:
            single[key] = value
    return ImageFacts(
        image=path,
        release=single.get("release", ""),
        releasever=single.get("releasever", ""),
        bin_sh=single.get("shell", ""),
        coreutils=single.get("coreutils", ""),
        node_headers=tables["headers"].get("node", ""),
        managers=tables["manager"],
        environment=tables["environment"],
        programs=tables["program"],
        versions=tables["version"],
        libraries=contents.libraries,
        language_libraries=contents.language,
        packages=tuple(packages),
    )

"""What an installed layerwright has."""

from hatchling.builders.wheel import WheelBuilder
from kit.commands import ROOT


def test_the_wheel_has_the_code_the_marker_of_its_types_and_the_data() -> None:
    shipped = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    assert "builder/py.typed" in shipped
    for folder in ("builder", "images"):
        files = {path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file()}
        names = {path.as_posix() for path in files if not {"__pycache__", ".DS_Store"} & set(path.parts)}
        assert {name if folder == "builder" else f"builder/{name}" for name in names} <= shipped

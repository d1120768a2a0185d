"""Projects of Maven and Gradle: what is plain is followed, the rest is refused with the command that makes it plain."""

from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from kit.commands import layerwright

from builder.base.errors import UsageError
from builder.model.steps.project import ProjectChoice
from builder.packages import projects as shared
from builder.packages.maven import projects

POM = """<?xml version="1.0"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <groupId>org.shop</groupId><artifactId>orders</artifactId><version>1.0</version>
  <properties><slf4j.version>${own}</slf4j.version><own>2.0.16</own></properties>
  <dependencies>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId><version>${slf4j.version}</version></dependency>
    <dependency><groupId>org.junit</groupId><artifactId>junit</artifactId><version>5</version><scope>test</scope></dependency>
    <dependency><groupId>org.shop</groupId><artifactId>common</artifactId><version>${project.version}</version>
      <scope>runtime</scope><classifier>linux</classifier></dependency>
    <!-- <dependency>none</dependency> -->
  </dependencies>
</project>
"""
LOCK = """# This is a Gradle generated file for dependency locking.
org.junit.jupiter:junit-jupiter:5.10.0=testCompileClasspath,testRuntimeClasspath
org.slf4j:slf4j-api:2.0.16=compileClasspath,runtimeClasspath
com.fasterxml.jackson:jackson-bom:2.15.0=runtimeClasspath
empty=annotationProcessor
"""


def found(folder: Path, file: str | None = None) -> shared.FoundProject | None:
    return projects.find(shared.requested(folder, ProjectChoice(file=file)))


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder


def test_a_plain_pom_names_its_artifacts(tmp_path: Path) -> None:
    there = found(write(tmp_path / "orders", pom_xml=POM))
    assert there
    assert there.step(".") == {
        "uses": "maven",
        "artifacts": ["org.slf4j:slf4j-api:2.0.16", "org.shop:common:1.0:linux"],
    }
    assert (there.language, there.title, there.name, there.lock) == ("java", "Maven", "orders", None)


def test_what_a_pom_inherits_is_asked_for_with_the_command(tmp_path: Path) -> None:
    text = POM.replace("<version>${slf4j.version}</version>", "")
    folder = write(tmp_path / "orders", pom_xml=text)
    with pytest.raises(UsageError, match="does not say plainly") as raised:
        found(folder)
    assert raised.value.why == ("dependency 1: org.slf4j:slf4j-api:? has no plain version",)
    assert "mvn help:effective-pom" in str(raised.value.hint)
    (folder / "effective-pom.xml").write_text(POM, encoding="utf-8")
    assert found(folder, "effective-pom.xml")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("<scope>runtime</scope>", "<exclusions><exclusion/></exclusions>", "excludes parts"),
        ("</project>", "", "is not a valid pom.xml"),
        ("<project xmlns", '<!DOCTYPE x [<!ENTITY a "b">]><project xmlns', "is not a valid pom.xml"),
        ("2.0.16", "[2,3)", "does not say plainly"),
        ("2.0.16", "../../x", "does not say plainly"),
    ],
)
def test_other_poms_are_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        found(write(tmp_path / "orders", pom_xml=POM.replace(old, new)))


@pytest.mark.parametrize("own", ["${own}" * 100, "x" * 2000, "${long}" * 100])
def test_properties_do_not_multiply(tmp_path: Path, own: str) -> None:
    text = POM.replace("<own>2.0.16</own>", f"<own>{own}</own><long>{'x' * 900}</long>")
    with pytest.raises(UsageError, match="does not say plainly"):
        found(write(tmp_path / "orders", pom_xml=text))


@pytest.mark.parametrize("classifier", ["../x", "${none}", "x" * 2000])
def test_a_classifier_is_plain_as_well(tmp_path: Path, classifier: str) -> None:
    with pytest.raises(UsageError, match="does not say plainly"):
        found(write(tmp_path / "orders", pom_xml=POM.replace(">linux<", f">{classifier}<")))


def test_a_pom_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    text = POM.replace("</project>", "<a>" * 100_000 + "</a>" * 100_000 + "</project>")
    with pytest.raises(UsageError, match="is not a valid pom.xml") as raised:
        found(write(tmp_path / "orders", pom_xml=text))
    assert raised.value.why == ("line 12: it is nested too deeply",)


@pytest.mark.parametrize("line", ["&lt;\n", "x<br/>"])
def test_a_text_of_many_lines_takes_no_time(tmp_path: Path, line: str) -> None:
    text = POM.replace("<properties>", f"<description>{line * 500_000}</description><properties>")
    there = found(write(tmp_path / "orders", pom_xml=text))
    assert there
    assert len(there.step(".")["artifacts"]) == 2


def test_the_lock_of_gradle_has_all_jars(tmp_path: Path) -> None:
    folder = write(tmp_path / "orders", build_gradle="throw new Exception()", gradle_lockfile=LOCK)
    there = found(folder)
    assert there
    assert there.step(".") == {"uses": "maven", "artifacts": ["org.slf4j:slf4j-api:2.0.16"], "transitive": False}
    assert there.lock == folder / "gradle.lockfile"
    (folder / "gradle.lockfile").write_text("<<<<<<< HEAD\n" + LOCK, encoding="utf-8")
    with pytest.raises(UsageError, match="gradle.lockfile:1 is not a line that Gradle writes"):
        found(folder)
    (folder / "gradle.lockfile").unlink()
    with pytest.raises(UsageError, match="is a program, and there is no gradle.lockfile") as raised:
        found(folder)
    assert "gradle dependencies --write-locks" in str(raised.value.hint)


def test_a_project_without_dependencies_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no dependencies at run time"):
        found(write(tmp_path / "orders", pom_xml="<project><artifactId>x</artifactId></project>"))


@pytest.mark.engine
@pytest.mark.network
@pytest.mark.parametrize("tool", ["Maven", "Gradle"])
def test_a_folder_is_built(program: Callable[[str], str], tmp_path: Path, tool: str) -> None:
    program("mvn")
    one = POM.replace("<scope>runtime</scope>", "<scope>test</scope>")
    files = {"pom_xml": one} if tool == "Maven" else {"build_gradle": "", "gradle_lockfile": LOCK}
    write(tmp_path / "orders", **files)
    result = layerwright("build", "orders", "--arch", "arm64", "--no-test", cwd=tmp_path)
    assert result.code == 0, result.err
    assert f"{tool} project `orders`, " in result.err
    (path,) = (tmp_path / "dist").glob("*.zip")
    assert ZipFile(path).namelist() == ["java/lib/slf4j-api-2.0.16.jar"]

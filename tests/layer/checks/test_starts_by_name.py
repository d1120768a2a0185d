"""Programs that Python code starts: in which dresses they are found, and when their absence is no harm."""

import pytest
from kit.zips import found, tree

from builder.layer.python_loads import may_open, opened


def programs(code: str, path: str = "python/shop/lazy.py") -> list[str]:
    """Return the programs in the messages, with their lines."""
    rows = found(tree({path: code.encode()}), only="loaded-by-name")
    assert {(row.severity, row.path) for row in rows} <= {("warning", path)}
    return [row.message.removeprefix("starts the program ").partition(", which neither")[0] for row in rows]


@pytest.mark.parametrize("function", ["run", "call", "check_call", "check_output", "Popen"])
def test_functions_of_subprocess_are_known_by_all_their_names(function: str) -> None:
    assert programs(f'from subprocess import {function}\n{function}(["qpdf"])\n') == ["`qpdf` (line 2)"]
    assert programs(f'from subprocess import {function} as r\nr(["qpdf"])\n') == ["`qpdf` (line 2)"]
    assert programs(f'import subprocess as s\ns.{function}(["qpdf"])\n') == ["`qpdf` (line 2)"]
    assert programs(f'from shop.tools import {function.lower()}\n# subprocess\n{function.lower()}(["qpdf"])\n') == []


@pytest.mark.parametrize(
    "call",
    [
        'subprocess.run(args=["qpdf", "a"])',
        'subprocess.run(["qpdf"] + p)',
        'subprocess.run(["qpdf"] + p + ["x"])',
        'subprocess.run(["qpdf", *p])',
        'subprocess.run([*["qpdf"], *p])',
        'subprocess.run("qpdf")',
        'subprocess.run(shlex.split("qpdf --x"))',
        'subprocess.run("qpdf --x".split())',
        'subprocess.run("qpdf a b", shell=True)',
        'subprocess.run("LANG=C qpdf a b", shell=True)',
        'subprocess.run(f"qpdf {p} b", shell=True, check=True)',
        'subprocess.run("qpdf " + p, shell=True)',
        'subprocess.run("qpdf %s" % p, shell=True)',
        'subprocess.run("qpdf {}".format(p), shell=True)',
        'subprocess.run(p, executable="qpdf")',
        'subprocess.getoutput("qpdf a")',
        'os.system("qpdf a; echo b")',
        'os.popen("qpdf a | cat")',
        'os.execvp("qpdf", p)',
        'os.execlp("qpdf", "qpdf", "a")',
        'os.spawnvp(os.P_WAIT, "qpdf", p)',
        'os.posix_spawnp("qpdf", p, os.environ)',
        'asyncio.create_subprocess_exec("qpdf", *p)',
        'asyncio.create_subprocess_shell(f"qpdf {p}")',
    ],
)
def test_a_program_is_found_in_each_way_to_start_it(call: str) -> None:
    code = f"import asyncio, os, shlex, subprocess\n{call}\n"
    assert programs(code) == ["`qpdf` (line 2)"]
    assert programs(f"import asyncio, os, shlex, subprocess\ntry:\n    {call}\nexcept OSError:\n    pass\n") == []


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ('from asyncio import create_subprocess_exec\nawait create_subprocess_exec("qpdf")\n', 2),
        ('from os import system\nsystem("qpdf a")\n', 2),
        ('import subprocess\ncmd = ["qpdf"]\nsubprocess.run(cmd)\n', 3),
        ('import subprocess\ndef f(p):\n    cmd = ["qpdf", p]\n    cmd += ["x"]\n    subprocess.run(cmd + p)\n', 5),
        ('import subprocess\ncmd = ["qpdf"]\ncmd = cmd + p\ncmd = [*cmd, p]\nsubprocess.run(cmd)\n', 5),
        ('import subprocess\nPROGRAM = "qpdf"\ndef f():\n    subprocess.run([PROGRAM, "x"])\n', 4),
        ('import subprocess\nPROGRAM: str = "qpdf"\ndef f():\n    subprocess.run(f"{PROGRAM} x", shell=True)\n', 4),
        ('import subprocess\nclass A:\n    cmd = "qpdf"\n    def f(self):\n        subprocess.run([self.cmd])\n', 5),
        ('import subprocess\ndef f(p, cmd="qpdf"):\n    args = [cmd, p]\n    subprocess.Popen(args)\n', 4),  # ffmpeg
        ('import os\nif os.system("qpdf a") != 0:\n    raise OSError\n', 2),
        ('import subprocess\nrc = subprocess.call("qpdf a", shell=True)\nif rc:\n    raise OSError\n', 2),
        (
            (
                'import subprocess\ntry:\n    subprocess.run(["qpdf"])\nexcept OSError as e:\n    if e.errno:\n'
                "        raise\n    else:\n        raise ImportError\n"
            ),
            3,
        ),
    ],
)
def test_a_name_that_is_assigned_once_stands_for_its_value(code: str, line: int) -> None:
    assert programs(code) == [f"`qpdf` (line {line})"]


@pytest.mark.parametrize(
    "code",
    [
        "subprocess.run(cmd)",
        'cmd = ["qpdf"]\ncmd = other()\nsubprocess.run(cmd)',
        'cmd = ["qpdf"]\ncmd.insert(0, "nice")\nsubprocess.run(cmd)',
        'cmd = ["qpdf"]\ncmd[0] = found\nsubprocess.run(cmd)',
        'for cmd in (["qpdf"], ["mutool"]):\n    subprocess.run(cmd)',
        'PROGRAM = "qpdf"\nif x:\n    PROGRAM = "mutool"\nsubprocess.run([PROGRAM])',
        'PROGRAM = "qpdf"\ndef f(PROGRAM):\n    subprocess.run([PROGRAM])',
        'subprocess.run("qpdf a b")',  # a file of that name
        'subprocess.run(f"qpdf{x} a", shell=True)',
        'subprocess.run("qpdf a || true", shell=True)',
        'subprocess.run("command -v qpdf", shell=True)',
        'subprocess.run("qpdf a", shell=x)',
        'os.system("qpdf --version > /dev/null 2>&1")',
        'available = os.system("qpdf a") == 0',
        'if not os.system("qpdf a"):\n    fast()',
        'cp = subprocess.run("qpdf a", shell=True)\nif cp.returncode == 0:\n    fast()',  # as pymupdf asks tesseract
        'os.execv("qpdf", p)',  # no PATH
        '"""subprocess.run(["qpdf"])"""',
        'if __name__ == "__main__":\n    subprocess.run(["qpdf"])',
        'if sys.platform == "darwin":\n    subprocess.run(["qpdf"])',
        'def f():\n    subprocess.run(["qpdf"])\ndef g():\n    try:\n        f()\n    except OSError:\n        pass',
    ],
)
def test_what_may_be_another_program_or_does_without_it_is_not_told(code: str) -> None:
    assert programs(f"import os, subprocess, sys\n{code}\n") == []


@pytest.mark.parametrize(
    "code",
    [
        'if shutil.which("qpdf") is None:\n    raise OSError("no qpdf")\n',
        'if not which("qpdf"):\n    raise OSError("no qpdf")\n',
        'if shutil.which("qpdf"):\n    pass\nelse:\n    raise OSError("no qpdf")\n',
        'if not (exe := shutil.which("qpdf")):\n    raise OSError("no qpdf")\n',
        'if shutil.which("qpdf"):\n    x()\nelif y:\n    raise ValueError\nelse:\n    raise OSError\n',
    ],
)
def test_a_program_that_is_looked_for_is_needed_where_its_absence_raises(code: str) -> None:
    assert programs(f"import shutil\n{code}") == ["`qpdf` (line 2)"]


def test_what_is_looked_for_keeps_its_name() -> None:
    code = 'import shutil\ndef f():\n    exe = shutil.which("qpdf")\n    if exe is None:\n        raise OSError\n'
    assert programs(code) == ["`qpdf` (line 4)"]
    code = (
        'import shutil\ndef f():\n    exe = shutil.which("qpdf")\n    if exe:\n        return exe\n    raise OSError\n'
    )
    assert programs(code) == ["`qpdf` (line 4)"]
    either = 'import shutil\nif not shutil.which("qpdf") and not shutil.which("gs"):\n    raise OSError\n'
    assert programs(either) == ["`qpdf` or `gs` (line 2)"]
    each = 'import shutil\nif not shutil.which("qpdf") or not shutil.which("gs"):\n    raise OSError\n'
    assert programs(each) == ["`qpdf` (line 2)", "`gs` (line 2)"]


@pytest.mark.parametrize(
    "code",
    [
        'if shutil.which("qpdf"):\n    subprocess.run(["qpdf"])\n',
        'exe = shutil.which("qpdf")\nif exe:\n    subprocess.run([exe])\n',
        'def has():\n    return bool(which("qpdf"))\ndef f():\n    if has():\n        subprocess.run(["qpdf"])\n',
        'if wanted and not shutil.which("qpdf"):\n    raise OSError\n',
        'exe = shutil.which("qpdf") or bundled()\nif not exe:\n    raise OSError\n',
        'if not shutil.which("qpdf", path=own):\n    raise OSError\n',
        'if not shutil.which("qpdf"):\n    warn()\nsubprocess.run(["qpdf"])\n',
        'if not shutil.which("qpdf"):\n    raise OSError\ndef f():\n    return bool(shutil.which("qpdf"))\n',
        'try:\n    if not shutil.which("qpdf"):\n        raise OSError\nexcept OSError:\n    pass\n',
        'if not shutil.which("qpdf") and not shutil.which("mutool"):\n    raise OSError\n',
        'p = p or shutil.which("qpdf")\nif not p:\n    raise OSError\n',
    ],
)
def test_a_module_that_looks_for_a_program_and_goes_on_does_without_it(code: str) -> None:
    assert programs(f"import shutil, subprocess\n{code}") == []


HELPED = """
import os, platform
from subprocess import Popen
def pages(path, own=None):
    args = arguments(path)
    if cairo:
        args = [_path("pdftocairo", own)] + args
    else:
        args = [_path("pdftoppm", own)] + args
    Popen(args)
    Popen([_path("pdfinfo", own), path])
def _path(command, own):
    if platform.system() == "Windows":
        command = command + ".exe"
    if own is not None:
        command = os.path.join(own, command)
    return command
"""


def test_a_function_of_the_module_that_returns_its_argument_stands_for_it() -> None:
    """As in pdf2image, where either of two programs is put before arguments."""
    assert programs(HELPED) == ["`pdftocairo` or `pdftoppm` (line 10)", "`pdfinfo` (line 11)"]
    layer = {"python/shop/lazy.py": HELPED.encode(), "bin/pdftoppm": b"x", "bin/pdfinfo": b"x"}
    assert found(tree(layer), only="loaded-by-name") == []
    assert programs(HELPED.replace("    if own is not None:\n        command", "    command")) == []
    assert programs(HELPED.replace("return command", "return find(command)")) == []


@pytest.mark.parametrize("path", ["cli/x.py", "cli.py", "__main__.py", "scripts/x.py"])
def test_commands_of_packages_are_for_terminals(path: str) -> None:
    code = 'import subprocess\nsubprocess.run(["qpdf"])\n'
    assert programs(code, f"python/shop/{path}") == []
    assert programs(code, "python/shop/tools/x.py") == ["`qpdf` (line 2)"]


def test_a_module_that_was_made_to_take_long_does_not() -> None:
    """What is looked at again for each name, or each letter, does not end before the tests do."""
    names = "".join(f"a{number} = a{number + 1} + a{number + 1}\n" for number in range(60))
    code = f'import subprocess\n{names}a60 = "qpdf"\nsubprocess.run([a0])\n{"f(" * 50}{")" * 50}\n'.encode()
    many = b"import subprocess\nx = 'qpdf'\n" + b"if a:\n    b = [x]\n    subprocess.run(b)\n" * 3000
    assert may_open(code)
    assert opened(code) == ()
    assert opened(many) == ()
    for piece in (b"'a=", b"'", b"a", b"a=b ", b" "):
        assert not may_open(b"import subprocess\n'" + piece * (900_000 // len(piece)))

"""The site of the documentation, as a reader sees it on a telephone and on a screen."""

import functools
import subprocess
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from threading import Thread

import pytest
from kit import browsers
from kit.commands import ROOT
from kit.handlers import FolderHandler
from selenium import webdriver

SIZES = {390: 844, 1280: 900}
"""Width and height in pixels."""
WIDE = "return document.documentElement.scrollWidth"
BROKEN = """return [...document.querySelectorAll("code .option")].filter(
  option => option.getClientRects().length > 1).map(option => option.textContent)"""
PAGES = sorted(path.stem for path in (ROOT / "docs").glob("*.md"))


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    subprocess.run(["make", "docs"], cwd=ROOT, check=True)
    quiet = functools.partial(FolderHandler, directory=str(ROOT / "build" / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), quiet) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with browsers.chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.mark.engine
@pytest.mark.long
@pytest.mark.network
@pytest.mark.parametrize("width", SIZES)
def test_every_page_fits_its_screen_and_breaks_no_option(browser: webdriver.Chrome, site: str, width: int) -> None:
    screen = {"width": width, "height": SIZES[width], "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    options = 0
    for page in PAGES:
        browser.get(f"{site}/{page}.html")
        assert browser.execute_script(WIDE) <= width, page
        assert browser.execute_script(BROKEN) == [], page
        options += browser.execute_script('return document.querySelectorAll("code .option").length')
    assert options > 100
    assert [entry["message"] for entry in browser.get_log("browser")] == []  # type: ignore[no-untyped-call]

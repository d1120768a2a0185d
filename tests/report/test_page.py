"""The page in a real browser: Debian's Chromium, as a person uses it."""

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from kit import browsers, fleet
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from builder.publish import arn_book
from builder.publish.arn_book import ArnEntry
from builder.report import page as report_page
from builder.report import write

SECONDS = 20
ARN = "arn:aws:lambda:eu-west-1:123456789012:layer:layer001-python312-arm64:7"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with browsers.chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("dist")
    made = fleet.fill(folder, 100)
    (one,) = (record for record in made if record.slot == "layer001-python3.12-arm64")
    arn_book.add(
        folder,
        [
            ArnEntry(
                account="123456789012",
                region="eu-west-1",
                layer="layer001-python312-arm64",
                arn=ARN,
                number=7,
                code_sha256=one.manifest.zip.code_sha256 if one.manifest else "",
                recipe=one.recipe,
                target=one.target,
                runtimes=one.runtimes,
                architectures=one.architectures,
            )
        ],
    )
    with mock.patch.object(report_page, "_TOGETHER", 30):  # so that there are several pieces of data
        return write.write([folder], folder / "report").page.as_uri()


@pytest.fixture
def opened(browser: webdriver.Chrome, page: str) -> webdriver.Chrome:
    browser.get("about:blank")
    browser.get(page)
    ready(browser)
    return browser


def ready(browser: webdriver.Chrome) -> None:
    WebDriverWait(browser, SECONDS).until(
        lambda one: one.execute_script("return document.documentElement.dataset.ready")
    )


def visible(browser: webdriver.Chrome) -> list[str]:
    chips = browser.find_elements(By.CSS_SELECTOR, "#grid a.state")
    return [str(one.get_attribute("hash")).removeprefix("#") for one in chips if one.is_displayed()]


def focused(browser: webdriver.Chrome) -> str:
    return str(browser.execute_script("return document.activeElement.hash || document.activeElement.id"))


def test_the_page_runs_without_an_error(opened: webdriver.Chrome) -> None:
    log: list[dict[str, Any]] = opened.get_log("browser")  # type: ignore[no-untyped-call]
    assert [one for one in log if one["level"] == "SEVERE"] == []
    assert opened.title == "✗ 2 failed: 100 layers"
    assert len(visible(opened)) == 100


def test_search_and_filters_leave_what_fits(opened: webdriver.Chrome) -> None:
    search = opened.find_element(By.ID, "q")
    search.send_keys("layer003 arm64")
    assert visible(opened) == [f"layer003-{runtime}-arm64" for runtime in fleet.RUNTIMES]
    assert opened.find_element(By.ID, "shown").text == "5 of 100 shown"
    search.clear()
    search.send_keys("error: no")  # what a failure says is found, too
    assert len(visible(opened)) == 2
    search.clear()
    search.send_keys(Keys.BACKSPACE)
    for box in opened.find_elements(By.CSS_SELECTOR, "input[name=state]"):
        if box.get_attribute("value") != "failed":
            box.click()
    assert len(visible(opened)) == 2
    assert len([row for row in opened.find_elements(By.CSS_SELECTOR, "#grid tbody tr") if row.is_displayed()]) == 2


def test_a_layer_tells_all_about_itself(opened: webdriver.Chrome) -> None:
    opened.find_element(By.CSS_SELECTOR, "#grid a[href='#layer001-python3.12-arm64']").click()
    detail = opened.find_element(By.ID, "detail")
    WebDriverWait(opened, SECONDS).until(lambda _: detail.is_displayed())
    text = detail.text
    for part in (
        *("Published", "eu-west-1", ARN),
        *("layer001-1.0-python3.12-arm64", "revision 3", "recipe.toml changed", "GLIBC 2.28", "wheels"),
        *(
            "Packages",
            "layer001-7",
            "Beerware",
            "libz.so.1",
            "near the limit",
            "Since the revision before",
            "cold start",
        ),
    ):
        assert part in text
    meters = detail.find_elements(By.CSS_SELECTOR, "[role=meter]")
    assert [one.get_attribute("aria-label") for one in meters] == ["zip", "unzipped"]
    assert [one.get_attribute("aria-valuemax") for one in meters] == ["52428800", "262144000"]
    cells = detail.find_elements(By.CSS_SELECTOR, "svg rect.cell")
    assert len(cells) == 40
    area = sum(float(str(one.get_attribute("width"))) * float(str(one.get_attribute("height"))) for one in cells)
    assert area == pytest.approx(600 * 300, rel=1e-6)
    assert len(detail.find_elements(By.CSS_SELECTOR, "polyline.line")) == 4
    assert detail.find_elements(By.TAG_NAME, "button")


def test_each_layer_has_its_own_details(opened: webdriver.Chrome) -> None:
    slots = visible(opened)
    told = opened.execute_async_script(
        """
        const [slots, done] = arguments;
        const wait = () => new Promise((resolve) => setTimeout(resolve, 5));
        (async () => {
          const told = [];
          for (const slot of slots) {
            location.hash = slot;
            while (document.querySelector("#grid [aria-current]")?.hash !== "#" + slot) await wait();
            told.push(document.querySelector("#detail h2").textContent);
          }
          done(told);
        })();
        """,
        slots,
    )
    assert [name.replace("-1.0-", "-") for name in told] == slots
    assert len(opened.find_elements(By.CSS_SELECTOR, "#grid [aria-current]")) == 1


def test_a_page_that_is_opened_at_a_layer_shows_it(opened: webdriver.Chrome, page: str) -> None:
    opened.get("about:blank")
    opened.get(f"{page}#layer001-python3.12-arm64")
    ready(opened)
    assert "layer001-1.0-python3.12-arm64" in opened.find_element(By.ID, "detail").text


def test_a_failure_shows_its_reason_its_hint_and_the_end_of_its_log(opened: webdriver.Chrome) -> None:
    failed = opened.find_elements(By.CSS_SELECTOR, "#grid a.failed")
    failed[0].click()
    detail = opened.find_element(By.ID, "detail")
    WebDriverWait(opened, SECONDS).until(lambda _: detail.is_displayed())
    text = detail.text
    for part in ("step `tree` failed", "a.c:1: error: no", "mend it", "the end of its log"):
        assert part in text


def test_keys_alone_do_everything(opened: webdriver.Chrome) -> None:
    body = opened.find_element(By.TAG_NAME, "body")
    body.send_keys("/")
    assert focused(opened) == "q"
    first = opened.find_elements(By.CSS_SELECTOR, "#grid a.state")[0]
    opened.execute_script("arguments[0].focus()", first)
    opened.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    second = focused(opened)
    assert second != str(first.get_attribute("hash"))
    opened.switch_to.active_element.send_keys(Keys.ENTER)
    WebDriverWait(opened, SECONDS).until(lambda one: one.find_element(By.ID, "detail").is_displayed())
    assert focused(opened) == "detail"
    opened.switch_to.active_element.send_keys(Keys.ESCAPE)
    WebDriverWait(opened, SECONDS).until(lambda one: not one.find_element(By.ID, "detail").is_displayed())
    assert not opened.find_element(By.ID, "detail").is_displayed()
    assert focused(opened) == second  # back to where one was


def contrast(browser: webdriver.Chrome) -> dict[str, float]:
    """Return the contrast of text against what lies behind it, as WCAG 2 counts it, by what the text is."""
    script = """
    const luminance = (colour) => {
      const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
        .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
      return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const behind = (element) => {
      for (let one = element; one; one = one.parentElement) {
        const colour = getComputedStyle(one).backgroundColor;
        if (!/rgba\\(0, 0, 0, 0\\)|transparent/.test(colour)) return colour;
      }
      return getComputedStyle(document.documentElement).backgroundColor;
    };
    const found = {};
    for (const selector of ["h1", ".when", ".legend", "#grid tbody th", "#grid a.built", "#grid a.failed", "small",
                            "#grid .built .mark", "#grid .unchanged .mark", "#grid .same .mark", "footer"]) {
      const element = document.querySelector(selector);
      const pair = [luminance(getComputedStyle(element).color), luminance(behind(element))].sort((a, b) => b - a);
      found[selector] = (pair[0] + 0.05) / (pair[1] + 0.05);
    }
    return found;
    """
    return dict(browser.execute_script(script))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_are_both_readable(opened: webdriver.Chrome, scheme: str) -> None:
    emulation: dict[str, Any] = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", emulation)
    background = opened.execute_script("return getComputedStyle(document.documentElement).backgroundColor")
    parts = [int(part) for part in background.removeprefix("rgb(").rstrip(")").split(",")]
    assert (min(parts) > 200) == (scheme == "light")
    weak = {what: round(ratio, 2) for what, ratio in contrast(opened).items() if ratio < 4.5}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert weak == {}


BROKEN_WORDS = """
const broken = [];
const walk = document.createTreeWalker(document.getElementById('detail'), NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
    if (!walk.currentNode.parentElement.closest('th, td')) continue;
    for (const word of walk.currentNode.data.matchAll(/[A-Za-z]{2,12}/g)) {
        const range = document.createRange();
        range.setStart(walk.currentNode, word.index);
        range.setEnd(walk.currentNode, word.index + word[0].length);
        if (range.getClientRects().length > 1) broken.push(word[0]);
    }
}
return broken;
"""


@pytest.mark.parametrize("width", [500, 1000, 1500])
def test_words_in_tables_are_not_broken(opened: webdriver.Chrome, width: int) -> None:
    opened.set_window_size(width, 900)
    opened.find_element(By.CSS_SELECTOR, "#grid a[href='#layer001-python3.12-arm64']").click()
    WebDriverWait(opened, SECONDS).until(lambda one: one.find_element(By.ID, "detail").is_displayed())
    assert "version" in opened.find_element(By.ID, "detail").text
    broken = opened.execute_script(BROKEN_WORDS)
    opened.set_window_size(1500, 1000)
    assert broken == []


def test_a_narrow_window_shows_everything_without_scrolling_sideways(opened: webdriver.Chrome) -> None:
    opened.set_window_size(500, 900)
    opened.find_elements(By.CSS_SELECTOR, "#grid a.state")[0].click()
    WebDriverWait(opened, SECONDS).until(lambda one: one.find_element(By.ID, "detail").is_displayed())
    wide = opened.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    opened.set_window_size(1500, 1000)
    assert wide <= 0

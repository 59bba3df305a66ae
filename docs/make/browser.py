"""The page of demo.py served, and a real Chromium without a screen to look at pages with: for pictures and tests."""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Iterator, Tuple

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

ROOT = Path(__file__).parents[2]
# Besides having no screen, it is to ask the network for nothing but the page.
FLAGS = (
    "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
    "disable-component-update", "disable-sync", "disable-dev-shm-usage", "hide-scrollbars",
)  # fmt: skip
PATIENCE = 120  # seconds
ROW_HEIGHT = 35  # of the page's tables, in pixels


@contextmanager
def chromium(size: Tuple[int, int] = (1280, 1000)) -> Iterator["Chrome"]:
    """Start Chromium.

    size (Tuple[int, int]): Width and height of its window, in pixels.
    YIELDS (Chrome): The browser.
    RAISES (RuntimeError): If Selenium, Chromium or ChromeDriver is not installed.
    """
    try:
        from selenium import webdriver
    except ImportError:
        raise RuntimeError('Selenium is needed: pip install "spacy-bio-ner[test]"') from None
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        raise RuntimeError("Chromium and ChromeDriver are needed: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"user-data-dir={profile}", f"window-size={size[0]},{size[1]}"):
            options.add_argument(f"--{flag}")
        chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            yield chrome
        finally:
            chrome.quit()


@contextmanager
def served_demo(*models: Path) -> Iterator[str]:
    """Serve the page to try pipelines on.

    *models (Path): The pipelines it offers.
    YIELDS (str): Its address.
    RAISES (RuntimeError): If it does not come up.
    """
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    script = ROOT / "examples" / "demo.py"
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.port", port, "--", *models]
    server = subprocess.Popen([str(part) for part in command], cwd=ROOT)
    try:
        _wait(server, f"http://localhost:{port}/_stcore/health")
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait()


def select_row(browser: "Chrome", row: int) -> None:
    """Click on a row of the first table of the page, which is drawn on a canvas.

    browser (Chrome): The browser, with the page in it.
    row (int): The number of the row, from 1.
    """
    from selenium.webdriver.common.actions.action_builder import ActionBuilder

    place = (
        "const c = document.querySelector('[data-testid=stDataFrame] canvas'); c.scrollIntoView({block: 'nearest'});"
    )
    place += "const r = c.getBoundingClientRect(); return [r.x, r.y]"
    x, y = browser.execute_script(place)
    actions = ActionBuilder(browser)
    actions.pointer_action.move_to_location(round(x + 16), round(y + ROW_HEIGHT * (row + 0.5))).click()
    actions.pointer_action.move_to_location(1, 1)  # where nothing appears below the pointer
    actions.perform()


def _wait(server: subprocess.Popen, address: str) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"Streamlit does not answer at {address}")

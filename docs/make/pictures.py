"""Make the pictures of the README: of a report, and of the page to try pipelines on."""

import io
from pathlib import Path

import typer
from browser import PATIENCE, chromium, select_row, served_demo
from PIL import Image
from wasabi import msg

SELECTED_ROW = 3  # of the page's table, from 1: the one whose alternatives are shown


def main(
    report: Path = typer.Argument(..., help="Page written by 'bio-ner report'", exists=True, dir_okay=False),
    model: Path = typer.Argument(..., help="Pipeline to show on the page", exists=True, file_okay=False),
    folder: Path = typer.Argument(..., help="Folder for the pictures"),
):
    """Make the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with chromium((1280, 1230)) as browser:
            browser.get(report.resolve().as_uri())
            save(browser.get_screenshot_as_png(), folder / "report.png")
            mistakes = browser.find_element("id", "mistakes")
            save(mistakes.screenshot_as_png, folder / "mistakes.png")
            with served_demo(model) as address:
                browser.set_window_size(1280, 1300)
                browser.get(address)
                show_demo(browser)
                save(browser.get_screenshot_as_png(), folder / "demo.png")
    except RuntimeError as err:
        msg.fail(str(err), exits=1)


def show_demo(browser) -> None:
    """Wait for the page, and select a row."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    def tables(n):
        found = browser.find_elements(By.CSS_SELECTOR, "[data-testid=stDataFrame] canvas")
        return found if len(found) >= n else None

    wait = WebDriverWait(browser, PATIENCE)
    wait.until(lambda _: tables(1))
    select_row(browser, SELECTED_ROW)
    wait.until(lambda _: "Instead of" in browser.find_element(By.TAG_NAME, "body").text and tables(2))
    browser.execute_async_script("setTimeout(arguments[0], 1000)")  # the second table fades in


def save(png: bytes, path: Path) -> None:
    """Save a picture with a palette, which makes it smaller."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(256, method=Image.Quantize.MAXCOVERAGE).save(path, optimize=True)
    msg.good(f"Saved {path} ({path.stat().st_size // 1000} kB)")


if __name__ == "__main__":
    typer.run(main)

#!/usr/bin/env python3
"""Makes pictures of a suite's page, for pages that cannot show it: bench/picture.py DIR/index.html PART=FILE.png ...

PART is a CSS selector, as in '#rates'; of several that match the first is taken. Runs in tests/.venv, which ./check.sh makes.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
WIDTH, HEIGHT, SCALE = 960, 800, 1.5


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__.splitlines()[0])
    page_file, parts = Path(sys.argv[1]).resolve(), [part.rpartition("=")[::2] for part in sys.argv[2:]]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE, reduced_motion="reduce")
        page.goto(page_file.as_uri())
        page.wait_for_timeout(1500)
        for selector, file in parts:
            page.locator(selector).first.screenshot(path=file, animations="disabled")
            print(file, Path(file).stat().st_size, "bytes")
        browser.close()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Opens a suite's page in headless Chromium: every chart drawn, filter and sorting at work, light and dark, no wider than a
phone, nothing said on the console, nothing loaded beside the file. What is not so ends it with a message."""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

# Only a hang lasts so long, however slow the machine.
PATIENCE_MS = 300_000
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]

# Each canvas, by its name or its label, and whether it shows the colour of its data: axes alone are no chart.
CANVASES = """() => [...document.querySelectorAll("canvas")].map((canvas) => {
  const { width, height } = canvas;
  const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const words = new Uint32Array(copy.getImageData(0, 0, width, height).data.buffer);
  const colours = ["--bar", "--s1"].map((name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  const data = colours.map((hex) => [5, 3, 1].reduce((sum, at) => sum * 256 + parseInt(hex.slice(at, at + 2), 16), 255));
  return [canvas.id || canvas.getAttribute("aria-label"), words.some((word) => data.includes(word))];
})"""
IDS = """() => [...document.querySelectorAll("#table tbody tr:not([hidden]) .id")].map((id) => id.textContent)"""
COLUMN = """(at) => [...document.querySelectorAll("#table tbody tr")].map((line) => line.cells[at].dataset.v)"""
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
BACK = "() => getComputedStyle(document.body).backgroundColor"

CHARTS = ["latency-chart", "connections-rate", "connections-p99", "sweep-rate", "sweep-time", "sweep-errors", "resources-cpu", "resources-memory"]
GROUPS = ["Tornado", "gevent", "Ceiling"]


def check(fact, *seen):
    if not fact:
        raise SystemExit(f"page.py: {' '.join(map(str, seen))}")


def drawn(page):
    canvases = dict(page.evaluate(CANVASES))
    rates = [f"Requests per second, {group}; the table of all figures has them" for group in GROUPS]
    check(sorted(canvases) == sorted(CHARTS + rates), "other charts than expected:", sorted(canvases))
    check(all(canvases.values()), "a chart shows no data:", canvases)
    return len(canvases)


def filters(page):
    everything = page.evaluate(IDS)
    page.fill("#filter", "GEVENT @r")
    check(page.evaluate(IDS) == [f"gevent_pure_wsgi:rates@r{rate}" for rate in (400, 2000, 8000)], "filter:", page.evaluate(IDS))
    check(page.inner_text("#shown") == f"3 of {len(everything)} rows", page.inner_text("#shown"))
    page.fill("#filter", "no such row")
    check(page.evaluate(IDS) == [], "filter left", page.evaluate(IDS))
    page.fill("#filter", "")
    check(page.evaluate(IDS) == everything, "an empty filter hides rows")
    return len(everything)


def sorts(page):
    heads = page.locator("#table thead th")
    at = heads.all_inner_texts().index("req/s")
    for order in ("descending", "ascending"):
        heads.nth(at).locator("button").click()
        check(heads.nth(at).get_attribute("aria-sort") == order, "aria-sort is not", order)
        column = page.evaluate(COLUMN, at)
        figures = [float(value) for value in column if value]
        check(column[-1] == "" and figures == sorted(figures, reverse=order == "descending"), order, column)
    heads.nth(0).locator("button").click()
    ids = page.evaluate(IDS)
    check(ids[0].startswith("builtin") and ids[-1].startswith("tornado"), "sorted by id:", ids)


def themes(page):
    light = page.evaluate(BACK), page.locator("#latency-chart").screenshot()
    page.click("#theme")
    dark = page.evaluate(BACK), page.locator("#latency-chart").screenshot()
    check(light[0] != dark[0] and light[1] != dark[1], "light and dark look alike:", light[0], dark[0])
    drawn(page)
    page.click("#theme")
    check(page.evaluate(BACK) == light[0], "the theme does not come back")
    page.emulate_media(color_scheme="dark")
    page.evaluate("localStorage.clear()")
    page.reload()
    check(page.evaluate(BACK) == dark[0], "the system's theme is not followed")


def phone(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    check(page.evaluate(TOO_WIDE) <= 0, "at 390 px the page is too wide by", page.evaluate(TOO_WIDE))
    drawn(page)


def main():
    said, asked = [], []
    url = Path(sys.argv[1]).resolve().as_uri()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS, timeout=PATIENCE_MS)
        page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(url)
        charts = drawn(page)
        page.select_option("#latency-group", label="Ceiling")
        drawn(page)
        rows = filters(page)
        sorts(page)
        themes(page)
        phone(page)
        browser.close()
    check(said == [], "the console says", said)
    check(set(asked) == {url}, "beside the file it asks for", set(asked) - {url})
    print(f"{charts} charts, {rows} rows")


if __name__ == "__main__":
    main()

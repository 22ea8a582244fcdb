"""Pictures of the panel: light and dark, 1,200 and 400 pixels wide, of the panel and of what it says after a click.

    panel_pictures.py FOLDER [--readme FILE]

tests/interop/run calls it, and fails if a page has an error. docs/panel.png is made by --readme.
"""

import sys
from pathlib import Path

from PIL import Image

from dashboard import Dashboard, browser
from story import QUEUE, STUCK, render_farm

PANEL = {"panel": {"jobQueue": QUEUE, "limit": 60}}
README_HEIGHT = 800


def pictures(folder):
    """Takes all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"ALLOWED_QUEUES": QUEUE, "ALLOW_TERMINATE": "true"}
    with browser() as chromium:
        for theme in ("light", "dark"):
            for width in (1200, 400):
                with Dashboard(render_farm(), chromium, **settings) as dashboard:

                    def picture(name, most=1500, dashboard=dashboard, end=f"{theme}-{width}"):
                        frame = dashboard.page.locator(".frame")
                        box = frame.bounding_box()
                        clip = {"x": 0, "y": 0, "width": box["width"], "height": min(box["height"], most)}
                        dashboard.page.screenshot(path=folder / f"{name}-{end}.png", clip=clip, full_page=True)
                        dashboard.check()

                    dashboard.show(PANEL, theme, width)
                    picture("panel")
                    dashboard.page.locator("textarea").fill("Needs more memory than any node has")
                    dashboard.press(dashboard.button(f"Cancel this job: the first in line, {STUCK}"))
                    picture("report-one")
                    dashboard.show(PANEL, theme, width)
                    dashboard.press(dashboard.widget.get_by_text("waiting jobs shown"))
                    picture("report-all")
                    dashboard.show({"panel": {"jobQueue": QUEUE, "statuses": ["SUCCEEDED"]}}, theme, width)
                    picture("empty")
                    dashboard.show({"panel": {"jobQueue": "simulation"}}, theme, width)
                    picture("refused")


def readme(folder, file):
    """The picture of the README and of docs/panel.md. It is drawn, so that few colours are enough."""
    image = Image.open(folder / "panel-light-1200.png").convert("RGB")
    image = image.crop((0, 0, image.width, README_HEIGHT)).quantize(128, dither=Image.Dither.NONE)
    image.save(file, optimize=True)
    print(f"{file}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    pictures(folder)
    if sys.argv[2:3] == ["--readme"]:
        readme(folder, Path(sys.argv[3]))

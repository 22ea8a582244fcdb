"""The panel in a browser: each button does what it says after a confirmation, showing and refreshing changes nothing, and
what comes with a job stays text. The function's binary against the emulator, under a page that does what AWS documents
of the console."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from dashboard import Dashboard, browser
from story import QUEUE, STUCK, render_farm

WIDTHS = [400, 1200]
THEMES = ["light", "dark"]
ALL = {"panel": {"jobQueue": QUEUE, "limit": 200}}
SETTINGS = {"ALLOWED_QUEUES": f"{QUEUE},<i id=hit>", "ALLOW_TERMINATE": "true"}

# What would show if a text of a job, a tag or a queue were taken for HTML.
MARKUP = [
    "<i id=hit>",
    "\"'><i id=hit>",
    "</cwdb-action><i id=hit></i>",
    "</textarea></style><i id=hit>",
    "<script>document.title = 'hit'</script>",
    "<img src=x onerror=\"document.title = 'hit'\">",
    "&lt;i id=hit&gt; &amp;amp; javascript:alert(1)",
]


@pytest.fixture(scope="module")
def chromium():
    with browser() as chromium:
        yield chromium


@pytest.fixture
def farm(chromium):
    with Dashboard(render_farm(), chromium, **SETTINGS) as dashboard:
        yield dashboard
        dashboard.check()


def small(**more):
    """A queue with a job in each status, and an array."""
    job = {"jobQueue": QUEUE, "age": "3h"} | more
    statuses = ["SUBMITTED", "PENDING", "RUNNABLE", "RUNNABLE", "STARTING", "RUNNING", "RUNNING"]
    jobs = [{"jobName": f"job-{n}", "status": status} | job for n, status in enumerate(statuses)]
    jobs.append({"jobName": "array", "status": "PENDING", "arraySize": 3, "children": ["RUNNABLE"] * 3} | job)
    return {"queues": [{"name": QUEUE}], "jobs": jobs}


def actions(dashboard):
    """What each button says, what it asks, and what it sends."""
    return dashboard.page.evaluate(
        """[...document.querySelectorAll('.widget cwdb-action')].map(action => ({
            label: action.previousElementSibling.textContent,
            question: action.getAttribute('confirmation'),
            payload: JSON.parse(action.textContent),
        }))"""
    )


def test_showing_and_refreshing_change_nothing(farm):
    shows = [ALL, ALL | {}, {"select": {"jobQueue": QUEUE}, "maxJobs": 3}, {"jobId": farm.jobs()[STUCK]["jobId"]}]
    for merges in (False, True):
        for params in shows:
            farm.show(params, merges=merges)
            for _ in range(3):
                farm.refresh()
            assert farm.changes() == []
    # What was typed does not act either.
    farm.show(ALL)
    farm.page.locator("textarea").fill("too large")
    farm.refresh()
    assert farm.page.locator("textarea").input_value() == "too large"
    assert farm.changes() == []
    # Nor does a button whose question is answered with no.
    farm.press(farm.button("Cancel this job"), confirm=False)
    assert len(farm.events) == len(shows) * 4 * 2 + 2 and farm.changes() == []


def test_a_saved_request_acts_by_its_button_only(farm):
    job = farm.jobs()[STUCK]["jobId"]
    for merges in (False, True):
        farm.show({"jobId": job, "reason": "saved"}, merges=merges)
        assert "Nothing was done." in farm.text() and farm.changes() == []
        assert farm.press(farm.button("Cancel 1 job"), confirm=False) == ["This cancels 1 job. Continue?"]
        assert farm.changes() == []
    assert farm.press(farm.button("Cancel 1 job")) == ["This cancels 1 job. Continue?"]
    assert [call["operation"] for call in farm.changes()] == ["CancelJob"]
    assert farm.jobs()[STUCK]["statusReason"].startswith("saved | by dashboard batch-night-shift | ")


def test_each_button_does_what_it_says_and_leads_back(chromium):
    with Dashboard(small(), chromium, **SETTINGS) as dashboard:
        dashboard.show(ALL)
        buttons = actions(dashboard)
    labels = [button["label"] for button in buttons]
    assert labels == [
        "Cancel this job",
        "Cancel the 5 waiting jobs shown",
        *["Cancel these 2", "Cancel", "Cancel"],
        *["Cancel these 2", "Cancel", "Cancel"],
        "Cancel",
        "Terminate",
        *["Terminate these 2", "Terminate", "Terminate"],
    ]
    for place, button in enumerate(buttons):
        with Dashboard(small(), chromium, **SETTINGS) as dashboard:
            # AWS does not say whether a button's fields come alone or beside the saved ones.
            dashboard.show(ALL, merges=place % 2 == 1)
            press_and_look(dashboard, place, button)
            dashboard.check()


def press_and_look(dashboard, place, button):
    """Presses the button at a place, compares what it says with what the emulator has then, and goes back."""
    verb = button["label"].split()[0]
    number = int(next(iter(re.findall(r"\d+", button["label"])), 1))
    question = button["question"]
    said = f"This {verb.lower()}s {f'{number} jobs: ' if number > 1 else 'the '}"
    assert question.startswith(said) and question.endswith(" Continue?")
    meant = actions(dashboard)[place]["payload"]["jobIds"]
    assert len(meant) == number
    dashboard.page.locator("textarea").fill("<b>Wrong</b> image")
    assert len(dashboard.press(dashboard.buttons().nth(place))) == 1
    sent = dashboard.events[-1]
    assert sent["jobIds"] == meant and sent["widgetContext"]["params"] == ALL
    flags = {"Cancel": "isCancelled", "Terminate": "isTerminated"}
    jobs = dashboard.jobs().values()
    for flag in flags.values():
        ended = [job["jobId"] for job in jobs if job.get(flag)]
        assert sorted(ended) == sorted(meant if flag == flags[verb] else []), button
    reasons = [job["statusReason"] for job in jobs if job["jobId"] in meant]
    ours = "<b>Wrong</b> image | by dashboard batch-night-shift | "
    assert len(reasons) == number and all(reason.startswith(ours) for reason in reasons)
    assert dashboard.widget.locator("tbody tr").count() == number and "Done" in dashboard.text()
    assert dashboard.press(dashboard.button("← Back")) == []
    assert dashboard.widget.locator("h3").inner_text() == QUEUE


def test_no_button_acts_without_its_question(farm):
    farm.show(ALL)
    buttons = actions(farm)
    # The head, all that wait, five statuses, two hundred jobs.
    # One of the jobs that are shown is protected.
    assert len(buttons) == 1 + 1 + 5 + 199 and all(button["question"] for button in buttons)
    assert farm.changes() == []


def test_all_two_hundred_jobs_in_one_click(farm):
    farm.show(ALL)
    farm.press(farm.button("Cancel the 148 waiting jobs shown"))
    cancelled = [job for job in farm.jobs().values() if job.get("isCancelled")]
    assert len(cancelled) == 148
    assert farm.widget.locator("tbody tr").count() == 148


@pytest.mark.parametrize("width", WIDTHS)
def test_texts_of_jobs_are_never_html(chromium, width):
    queue = MARKUP[0]
    jobs = []
    for status in ("RUNNABLE", "PENDING", "RUNNING"):
        for text in MARKUP:
            tags = {"owner": text, text[:100]: "x"}
            jobs.append({"jobName": text, "jobQueue": queue, "status": status, "statusReason": text, "tags": tags})
    with Dashboard({"queues": [{"name": queue}], "jobs": jobs}, chromium, **SETTINGS) as dashboard:
        panel = {"panel": {"jobQueue": queue}}

        def check():
            page = dashboard.page
            assert page.title() == "A dashboard" and page.locator("#hit, .widget script, .widget img").count() == 0
            dashboard.check()

        dashboard.show(panel, width=width)
        for text in MARKUP:
            assert dashboard.text().count(text) >= 6, text
        assert dashboard.widget.locator("h3").inner_text() == queue
        check()
        dashboard.page.locator("textarea").fill(MARKUP[3])
        dashboard.refresh()
        assert dashboard.page.locator("textarea").input_value() == MARKUP[3]
        check()
        questions = dashboard.press(dashboard.button("waiting jobs shown"))
        assert queue in questions[0]
        for text in MARKUP:
            assert text in dashboard.text(), text
        check()
        for wrong in ({"jobIds": MARKUP}, {"panel": {"jobQueue": "<img src=x>"}}, {MARKUP[5]: 1}, {"jobIds": [], MARKUP[1]: 1}):
            before = dashboard.changes()
            dashboard.show(wrong, width=width)
            assert dashboard.text() and dashboard.changes() == before
            check()


def views(dashboard, theme, width):
    """Every kind of page, one after the other."""
    dashboard.show(ALL, theme, width)
    yield "panel"
    dashboard.press(dashboard.button("Terminate these"))
    yield "report"
    dashboard.show({"jobId": "my-job"}, theme, width)
    yield "not a job"
    dashboard.show({"select": {"jobQueue": QUEUE}}, theme, width)
    yield "saved request"
    dashboard.show({"panel": {"jobQueue": QUEUE, "statuses": ["FAILED"]}}, theme, width)
    yield "few"
    dashboard.show({"panel": {"jobQueue": "other"}}, theme, width)
    yield "refused"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_pages_are_accessible_and_fit_their_width(chromium, theme, width):
    with Dashboard(small(statusReason="CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - None"), chromium, **SETTINGS) as dashboard:
        seen = []
        for view in views(dashboard, theme, width):
            seen.append(view)
            # A widget is a part of the console's page, which has the landmarks and the first heading.
            options = {"rules": {"region": {"enabled": False}, "heading-order": {"enabled": False}}}
            found = Axe().run(dashboard.page, options=options).response
            bad = [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]]
            assert bad == [], (view, json.dumps(bad, indent=1))
            assert len(found["passes"]) > 5
            sizes = dashboard.page.evaluate("[document.querySelector('.widget')].map(w => [w.scrollWidth, w.clientWidth])[0]")
            assert sizes[0] <= sizes[1], (view, sizes)
        assert len(seen) == 6
        dashboard.check()


def test_what_cannot_be_read_is_said(chromium):
    for denied, says in (("GetJobQueueSnapshot", "First in line: cannot be read."), ("ListJobs", "Refused")):
        with Dashboard(small() | {"faults": {"denied": [denied]}}, chromium, **SETTINGS) as dashboard:
            dashboard.show(ALL)
            assert says in dashboard.text() and denied in dashboard.text()
            dashboard.check()
    with Dashboard({"queues": [{"name": QUEUE, "state": "DISABLED"}], "jobs": []}, chromium, **SETTINGS) as dashboard:
        dashboard.show(ALL)
        assert "No jobs in these statuses." in dashboard.text() and "DISABLED" in dashboard.text()
        assert dashboard.buttons().count() == 0
        dashboard.check()

"""Experiments and pipelines through the form, watched to their end, compared."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from browser.people import Person
from support.live import Live, definition, step

pytestmark = pytest.mark.slow

END = 120_000  # a run starts a job in a sandbox


def choose_processor(page: Page, button: str, name: str) -> None:
    page.get_by_role("button", name=button).click()
    page.get_by_role("dialog").get_by_role("textbox", name="Search processors").fill(name)
    page.get_by_role("dialog").get_by_role("button", name=f"lab/code-{name}/{name}").click()


def choose_folder(page: Page, name: str, folder: str) -> None:
    page.get_by_role("button", name=f"Choose data for {name}").click()
    page.get_by_role("dialog").get_by_role("button", name=folder).click()
    page.get_by_role("button", name="Use this folder").click()


def ended(page: Page, status: str) -> None:
    expect(page.get_by_role("heading", level=1).filter(has_text=status)).to_be_visible(timeout=END)


def test_an_experiment_is_started_through_the_form_and_watched_to_its_end(person: Person) -> None:
    page = person.page
    person.go(f"/{person.live.project_path}/-/experiments")
    page.get_by_role("link", name="New experiment").first.click()
    choose_processor(page, "Choose a processor", "learn")
    choose_folder(page, "input_path", "input")
    page.get_by_role("textbox", name="learning_rate").fill("1e-4")
    page.get_by_role("textbox", name="epochs").fill("5")
    page.get_by_role("button", name="Check first").click()
    expect(page.get_by_text("Ready to run")).to_be_visible()
    page.get_by_role("button", name="Run", exact=True).click()
    ended(page, "success")
    page.get_by_role("tab", name="Log").click()
    expect(page.get_by_text("epoch=5")).to_be_visible()
    page.get_by_role("tab", name="Metrics").click()
    expect(page.get_by_role("figure", name="Chart of loss").locator("canvas")).to_be_visible()


def test_a_value_out_of_its_type_is_refused_at_its_field(person: Person) -> None:
    page = person.page
    person.go(f"/{person.live.project_path}/-/runs/new?kind=experiment&processor=lab/code-learn/learn@latest")
    page.get_by_role("textbox", name="epochs").fill("1.5")
    page.get_by_role("button", name="Check first").click()
    expect(page.get_by_text("Enter a whole number, such as -3 or 10.")).to_be_visible()


def test_two_steps_are_chained_into_a_dataset(person: Person) -> None:
    page = person.page
    person.go(f"/{person.live.project_path}/-/runs/new?kind=dataops")
    choose_processor(page, "Choose a processor", "copy")
    choose_folder(page, "input_path", "input")
    choose_processor(page, "Add a step", "copy")
    page.get_by_role("textbox", name="Name", exact=True).fill("copied twice")
    page.get_by_role("button", name="Run", exact=True).click()
    ended(page, "success")
    page.get_by_role("link", name="Look at the dataset").click()
    expect(page.get_by_role("region", name="Provenance").get_by_text("step copy")).to_be_visible()
    expect(page.get_by_role("region", name="Output output_path").get_by_text("0.txt")).to_be_visible()


def test_a_failure_is_shown_with_exit_code_and_log(person: Person, live_server: Live) -> None:
    page = person.page
    plan = definition("fails", "dataops", step("bad", "trouble", mode="exit", code=7))
    run = live_server.reef.start_run(live_server.project_path, plan)
    person.go(f"/{live_server.project_path}/-/runs/{run['id']}")
    ended(page, "failed")
    expect(page.get_by_text("exit code 7").first).to_be_visible()
    expect(page.get_by_text("last words before the end")).to_be_visible()


def test_a_running_run_is_canceled(person: Person, live_server: Live) -> None:
    page = person.page
    plan = definition("sleeps", "dataops", step("long", "trouble", mode="sleep"))
    run = live_server.reef.start_run(live_server.project_path, plan)
    person.go(f"/{live_server.project_path}/-/runs/{run['id']}")
    expect(page.get_by_text("first line of sleep")).to_be_visible(timeout=END)
    page.get_by_role("button", name="Cancel").click()
    ended(page, "canceled")


def test_two_experiments_are_compared(person: Person, live_server: Live) -> None:
    page, reef = person.page, live_server.reef
    for rate in (0.5, 0.25):
        run = reef.start_run(
            live_server.project_path, definition("compared", "experiment", step("learn", "learn", learning_rate=rate))
        )
        reef.wait_run(run["id"])
    person.go(f"/{live_server.project_path}/-/experiments")
    page.get_by_role("checkbox", name="Choose experiment").nth(0).check()
    page.get_by_role("checkbox", name="Choose experiment").nth(1).check()
    page.get_by_role("button", name="Compare (2)").click()
    expect(page.get_by_role("row", name=re.compile("^learning_rate"))).to_contain_text("0.25")
    expect(page.get_by_role("row", name=re.compile("^accuracy")).locator(".best")).to_have_count(1)
    expect(page.get_by_role("figure", name="Chart of accuracy").locator("canvas")).to_be_visible()


def test_a_processor_is_found_in_the_marketplace(person: Person) -> None:
    page = person.page
    person.go("/marketplace")
    page.get_by_role("searchbox", name="Search processors").fill("learn")
    page.get_by_role("link", name="lab/code-learn/learn").click()
    expect(page.get_by_role("cell", name="--learning-rate")).to_be_visible()

"""Finding, judging and publishing processors, as a person does it in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser import shop as shops
from browser.people import Person
from browser.shop import Shop
from support.live import Live

pytestmark = pytest.mark.slow

BUILT = 120_000  # an image is built


def test_a_processor_shows_its_parameters_with_their_lines(person: Person, shop: Shop) -> None:
    page = person.page
    person.go(f"/marketplace/{shop.id}")
    expect(page.get_by_role("heading", name="Turn texts", level=1)).to_be_visible()
    row = page.get_by_role("row", name=re.compile("--times"))
    expect(row).to_contain_text("1 to 9")
    expect(row).to_contain_text("turns")
    with page.expect_popup() as opened:
        row.get_by_role("link", name="turn.py:10").click()
    expect(opened.value.locator(".cm-activeLine")).to_contain_text("--times")


def test_a_processor_is_reached_by_its_name(person: Person, shop: Shop) -> None:
    person.go(f"/marketplace/{shop.slug}?tab=versions")
    expect(person.page.get_by_role("heading", name="Turn texts", level=1)).to_be_visible()
    expect(person.page.get_by_role("region", name="Differences")).to_be_visible()


def test_the_image_of_a_version_is_named_with_commands_to_look_at_it(person: Person, shop: Shop) -> None:
    page = person.page
    person.go(f"/marketplace/{shop.id}")
    page.get_by_role("tab", name="Image").click()
    expect(page.get_by_label("Pull it", exact=True)).to_contain_text(
        re.compile(r"podman pull .*/lab/code-turn/turn@sha256:")
    )
    expect(page.get_by_label("Inspect it without pulling", exact=True)).to_contain_text("skopeo inspect")
    expect(page.get_by_text("python3 /mlreef/code/turn.py")).to_be_visible()


def test_an_older_version_is_chosen_and_stays_in_the_address(person: Person, shop: Shop) -> None:
    page = person.page
    person.go(f"/marketplace/{shop.id}?version=1.0.0")
    expect(page.get_by_role("cell", name="--loud")).to_be_visible()
    expect(page.get_by_role("cell", name="--mode")).to_have_count(0)


def test_a_publication_is_prepared_from_a_description_with_advice_on_its_number(person: Person, shop: Shop) -> None:
    page = person.page
    person.go(f"/{shop.project_path}/-/processors")
    page.get_by_role("button", name="Publish").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("combobox", name="Program or description")).to_have_value("processor.yaml")
    expect(dialog.get_by_text("4 parameters found in turn.py")).to_be_visible()
    expect(dialog.get_by_text("processor.yaml sets")).to_contain_text("min, max, unit")
    expect(dialog.get_by_text("The parameters are the same.")).to_be_visible()
    expect(dialog.get_by_role("radio", name=re.compile("Python 3.11"))).to_be_checked()
    expect(dialog.get_by_role("button", name="Publish 2.0.1")).to_be_enabled()


def test_a_breaking_change_is_told_before_it_is_published_and_the_build_is_watched(
    person: Person, live_server: Live
) -> None:
    page = person.page
    made = live_server.project("code-break", {"turn.py": shops.OLD})
    order = {"name": "turn", "kind": "operation", "environment": "python-3.11"}
    published = live_server.reef.publish(made.id, ref="main", entry="turn.py", **order)
    assert live_server.reef.wait_publication(published["id"], timeout=240)["status"] == "succeeded"
    change = [{"action": "update", "file_path": "turn.py", "content": shops.NEW}]
    made.commits.create({"branch": "main", "commit_message": "Modes", "actions": change})
    person.go("/lab/code-break/-/processors")
    page.get_by_role("button", name="Publish").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert").filter(has_text="Breaking changes against 1.0.0")).to_contain_text(
        "loud is gone"
    )
    dialog.get_by_role("button", name="Publish 2.0.0").click()
    expect(page.get_by_role("list", name="Phases")).to_contain_text("Build, attest and sign the image")
    expect(page.get_by_text("Version 2.0.0 is ready to be used")).to_be_visible(timeout=BUILT)
    expect(page.get_by_role("log")).to_contain_text(re.compile("sha256:|layer|image", re.IGNORECASE))
    page.get_by_role("link", name="All publications").click()
    expect(page.get_by_role("link", name=re.compile("succeeded.*2.0.0"))).to_be_visible()


def test_faults_of_a_program_are_linked_to_their_lines(person: Person, live_server: Live) -> None:
    page = person.page
    live_server.project("code-faulty", {"bad.py": "print('hello')\n", "processor.yaml": "kind: nothing\nwrong: 1\n"})
    person.go("/lab/code-faulty/-/processors")
    # A second such button comes with the words that nothing is published yet.
    page.get_by_role("button", name="Publish").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_contain_text("processor.yaml:2:1")
    with page.expect_popup() as opened:
        dialog.get_by_role("link", name="processor.yaml:2:1").first.click()
    expect(opened.value.locator(".cm-activeLine")).to_contain_text("wrong")


def test_the_open_network_needs_consent(person: Person, shop: Shop) -> None:
    page = person.page
    person.go(f"/{shop.project_path}/-/processors")
    page.get_by_role("button", name="Publish").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Types, licence, network").click()
    dialog.get_by_role("combobox", name="Network").click()
    page.get_by_role("option", name="Open: any host").click()
    expect(dialog.get_by_role("button", name="Publish 2.0.1")).to_be_disabled()
    dialog.get_by_role("checkbox", name="I agree").check()
    expect(dialog.get_by_role("button", name="Publish 2.0.1")).to_be_enabled()


def test_environments_tell_who_uses_them(person: Person, shop: Shop) -> None:
    page = person.page
    person.go("/environments")
    card = page.get_by_role("region", name="Python 3.11")
    expect(card).to_contain_text("CPU")
    expect(card).to_contain_text("Used by")
    expect(page.get_by_role("button", name="Register an image")).to_have_count(0)


def test_another_version_of_a_step_keeps_what_was_typed(person: Person, shop: Shop) -> None:
    page = person.page
    person.go(f"/{person.live.project_path}/-/runs/new?kind=dataops&processor={shop.slug}@2.0.0")
    page.get_by_role("textbox", name="times").fill("3")
    page.get_by_role("combobox", name="Version").click()
    page.get_by_role("option", name="1.0.0", exact=True).click()
    expect(page.get_by_role("switch", name="loud")).to_be_visible()
    expect(page.get_by_role("textbox", name="times")).to_have_value("3")


PAGES = [
    "/marketplace",
    "/marketplace/{id}",
    "/marketplace/{id}?tab=versions",
    "/marketplace/{id}?tab=image",
    "/marketplace/{id}?tab=proof",
    "/environments",
    "/lab/code-turn/-/processors?tab=publications",
]


@pytest.mark.parametrize("path", PAGES)
def test_a_telephone_shows_whole_pages(person: Person, shop: Shop, path: str) -> None:
    page = person.page
    page.set_viewport_size({"width": 360, "height": 740})
    person.go(path.format(id=shop.id))
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360

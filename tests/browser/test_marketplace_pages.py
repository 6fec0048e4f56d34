"""The marketplace: searching and narrowing, versions compared and judged, what maintainers do with them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser import shop as shops
from browser.people import Person
from browser.shop import Shop
from support.live import Live

pytestmark = pytest.mark.slow

END = 120_000  # a run starts a job in a sandbox


def test_what_is_searched_for_stays_in_the_address(person: Person, shop: Shop) -> None:
    page = person.page
    person.go("/marketplace")
    page.get_by_role("searchbox", name="Search processors").fill("backwards")
    expect(page).to_have_url(re.compile(r"search=backwards"))
    expect(page.get_by_text("1 processor for")).to_be_visible()
    page.reload()
    expect(page.get_by_role("searchbox", name="Search processors")).to_have_value("backwards")
    expect(page.get_by_role("link", name=re.compile("Turn texts"))).to_be_visible()


def test_facets_narrow_and_chips_take_it_back(person: Person, shop: Shop) -> None:
    page = person.page
    person.go("/marketplace")
    page.get_by_role("group", name="Data in").get_by_role("checkbox", name=re.compile("text")).check()
    expect(page).to_have_url(re.compile("input_type=text"))
    expect(page.locator("a.card")).to_have_count(1)
    page.get_by_role("group", name="Tag").get_by_role("checkbox", name=re.compile("playful")).check()
    page.get_by_role("searchbox", name="Search processors").fill("nothing is called so")
    expect(page.get_by_role("heading", name="No processor fits")).to_be_visible()
    page.get_by_role("searchbox", name="Search processors").fill("")
    page.get_by_role("button", name="Remove the filter Tag: playful").click()
    expect(page.get_by_role("link", name=re.compile("Turn texts"))).to_be_visible()
    page.get_by_role("button", name="Clear all").click()
    expect(page).not_to_have_url(re.compile("input_type"))
    page.go_back()
    expect(page.get_by_role("button", name="Remove the filter Data in: text")).to_be_visible()


def test_filters_are_in_a_drawer_on_a_telephone(person: Person, shop: Shop) -> None:
    page = person.page
    page.set_viewport_size({"width": 360, "height": 740})
    person.go("/marketplace")
    page.get_by_role("button", name="Filters").click()
    drawer = page.get_by_role("dialog", name="Filters")
    drawer.get_by_role("checkbox", name=re.compile("algorithm")).check()
    drawer.get_by_role("button", name="Show 1 processor").click()
    expect(page.get_by_role("button", name="Filters (1)")).to_be_visible()
    expect(page.locator("a.card")).to_have_count(1)


def test_a_list_of_ones_own_and_of_what_is_starred(person: Person, shop: Shop, live_server: Live) -> None:
    page = person.page
    person.go("/marketplace")
    page.get_by_role("tab", name="Starred").click()
    expect(page.get_by_role("heading", name="Nothing starred")).to_be_visible()
    page.get_by_role("tab", name="Mine").click()
    expect(page.get_by_role("link", name=re.compile("Turn texts"))).to_be_visible()


def test_the_readme_is_shown_and_runs_nothing(person: Person, shop: Shop) -> None:
    page = person.page
    person.go(f"/marketplace/{shop.id}")
    readme = page.get_by_role("region", name="README")
    expect(readme.locator("em")).to_have_text("small")
    assert page.evaluate("window.hacked") is None
    assert readme.locator("script").count() == 0
    assert "javascript:" not in readme.inner_html()


def test_two_versions_are_compared_and_what_breaks_is_marked(person: Person, shop: Shop) -> None:
    page = person.page
    person.go(f"/marketplace/{shop.id}?tab=versions")
    expect(page.get_by_role("region", name="What is new in 2.0.0")).to_contain_text("mode says what is turned")
    found = page.get_by_role("region", name="Differences")
    expect(found.get_by_text("Breaking from 1.0.0 to 2.0.0")).to_be_visible()
    expect(found.get_by_role("row", name=re.compile("^loud"))).to_contain_text("removed")
    expect(found.get_by_role("row", name=re.compile("^mode"))).to_contain_text("added")


def test_the_signature_is_checked_in_the_browser(person: Person, shop: Shop) -> None:
    page = person.page
    person.go(f"/marketplace/{shop.id}?tab=image")
    page.get_by_role("button", name="Check the signature now").click()
    expect(page.get_by_text("The signature is good")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="It was made with")).to_be_visible()


def test_a_version_is_verified_on_its_reference_data(person: Person, shop: Shop) -> None:
    page = person.page
    person.go(f"/marketplace/{shop.id}?version=1.0.0&tab=proof")
    expect(page.get_by_role("region", name="Reference run")).to_contain_text("reference/texts")
    page.get_by_role("button", name="Manage version 1.0.0").click()
    page.get_by_role("menuitem", name="Verify now").click()
    history = page.get_by_role("region", name="Verifications of 1.0.0")
    expect(history.get_by_text("passed").first).to_be_visible(timeout=END)
    history.get_by_role("link", name="Run").first.click()
    expect(page.get_by_role("heading", level=1).filter(has_text="success")).to_be_visible()


def test_a_deprecated_version_warns_whoever_chooses_it(person: Person, shop: Shop) -> None:
    page = person.page
    person.go(f"/marketplace/{shop.id}?version=1.0.0")
    page.get_by_role("button", name="Manage version 1.0.0").click()
    page.get_by_role("menuitem", name="Deprecate").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Deprecate")).to_be_disabled()
    dialog.get_by_role("textbox", name="Why").fill("Too loud.")
    dialog.get_by_role("textbox", name="What to use instead").fill(f"{shop.slug}@2.0.0")
    dialog.get_by_role("button", name="Deprecate").click()
    note = page.get_by_role("alert").filter(has_text="Version 1.0.0 should no longer be used")
    expect(note).to_contain_text("Too loud.")
    person.go(f"/{person.live.project_path}/-/runs/new?kind=dataops&processor={shop.slug}@1.0.0")
    expect(page.get_by_text("Version 1.0.0 is deprecated")).to_be_visible()
    person.go(f"/marketplace/{shop.id}?version=1.0.0")
    page.get_by_role("button", name="Manage version 1.0.0").click()
    page.get_by_role("menuitem", name="Take back deprecation").click()
    page.get_by_role("dialog").get_by_role("button", name="Take back").click()
    expect(note).to_have_count(0)


def test_an_unpublished_version_can_no_longer_be_chosen_and_comes_back_as_a_new_one(
    person: Person, live_server: Live
) -> None:
    page = person.page
    made = live_server.project(
        "code-gone", {"turn.py": shops.OLD, "processor.yaml": "kind: operation\nentry: turn.py\n"}
    )
    done = shops.publish(live_server, made.id, "1.0.0")
    person.go(f"/marketplace/{done['processor']['id']}")
    page.get_by_role("button", name="Manage version 1.0.0").click()
    page.get_by_role("menuitem", name="Unpublish").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("can be repeated exactly")).to_be_visible()
    dialog.get_by_role("textbox", name="Reason").fill("Wrote over its input.")
    dialog.get_by_role("button", name="Unpublish").click()
    expect(page.get_by_role("alert").filter(has_text="can no longer be chosen")).to_contain_text(
        "Wrote over its input."
    )
    expect(page.get_by_role("button", name="Use")).to_have_count(0)
    page.get_by_role("button", name="Manage version 1.0.0").click()
    page.get_by_role("menuitem", name="Republish").click()
    page.get_by_role("dialog").get_by_role("textbox", name="New version").fill("1.0.1")
    page.get_by_role("dialog").get_by_role("button", name="Republish").click()
    expect(page.get_by_text("Version 1.0.1 is ready to be used")).to_be_visible(timeout=END)


def test_a_tag_publishes_and_is_told_in_the_list(person: Person, live_server: Live) -> None:
    page = person.page
    made = live_server.project(
        "code-tag", {"turn.py": shops.OLD, "processor.yaml": "kind: operation\nentry: turn.py\n"}
    )
    shops.publish(live_server, made.id, "1.0.0")
    person.go("/lab/code-tag/-/processors?tab=publications")
    expect(page.get_by_role("switch", name="Publish when a version tag is pushed")).to_be_checked()
    made.tags.create({"tag_name": "v1.1.0", "ref": "main"})
    row = page.get_by_role("link", name=re.compile("succeeded.*1.1.0"))
    page.wait_for_timeout(1000)
    page.reload()
    expect(row).to_contain_text("by a tag", timeout=END)


def test_a_range_is_asked_for_and_resolved(person: Person, shop: Shop) -> None:
    page = person.page
    person.go(f"/{person.live.project_path}/-/runs/new?kind=dataops&processor={shop.slug}@2.0.0")
    page.get_by_role("combobox", name="Version").click()
    page.get_by_role("option", name=re.compile(r"^\^2 ")).click()
    page.get_by_role("button", name="Choose data for input_path").click()
    page.get_by_role("dialog").get_by_role("button", name="input").click()
    page.get_by_role("button", name="Use this folder").click()
    page.get_by_role("button", name="Check first").click()
    expect(page.get_by_text("Ready to run")).to_be_visible()

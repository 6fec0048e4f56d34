"""Logging in and looking at files, as a person does it in a browser."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.people import PICTURES, Person

pytestmark = pytest.mark.slow


def test_a_visitor_is_sent_to_the_login_page_and_then_to_where_they_wanted(anyone: Person) -> None:
    anyone.go("/account/tokens")
    expect(anyone.page.get_by_role("heading", name="Log in")).to_be_visible()
    anyone.fill_login(anyone.live.password)
    expect(anyone.page.get_by_role("heading", name="Access tokens")).to_be_visible()


def test_a_wrong_password_is_told_in_the_form(anyone: Person) -> None:
    anyone.go("/login")
    anyone.fill_login("not the password")
    expect(anyone.page.get_by_role("alert")).to_be_visible()
    expect(anyone.page).to_have_url(re.compile("/login"))


def test_a_new_person_registers_and_makes_a_project(anyone: Person) -> None:
    page, name = anyone.page, f"eve-{secrets.token_hex(3)}"
    anyone.go("/register")
    page.get_by_role("textbox", name="Name", exact=True).fill("Eve")
    page.get_by_role("textbox", name="User name").fill(name)
    page.get_by_role("textbox", name="E-mail").fill(f"{name}@example.org")
    page.locator("input[type=password]").fill(secrets.token_urlsafe(12))
    page.get_by_role("button", name="Create account").click()
    page.get_by_role("button", name="New").first.click()
    page.get_by_role("menuitem", name="Project").click()
    page.get_by_role("dialog").get_by_role("textbox", name="Name").fill("My leaves")
    page.get_by_role("button", name="Create project").click()
    expect(page).to_have_url(re.compile(f"/{name}/my-leaves"))
    expect(page.get_by_role("link", name="File README.md")).to_be_visible()


def test_a_readme_is_rendered_below_the_files(person: Person, pictures: str) -> None:
    person.go(f"/{pictures}")
    expect(person.page.get_by_role("link", name="Folder train")).to_be_visible()
    expect(person.page.get_by_role("heading", name="Leaves")).to_be_visible()
    expect(person.page.locator(".markdown em")).to_have_text("leaves")


def test_a_folder_of_pictures_is_a_grid_with_a_large_view(person: Person, pictures: str) -> None:
    page = person.page
    person.go(f"/{pictures}")
    page.get_by_role("link", name="Folder train").click()
    expect(page.locator(".thumb")).to_have_count(PICTURES)
    for number in range(PICTURES):
        expect(page.locator(".thumb img").nth(number)).to_have_js_property("naturalWidth", 32)
    page.get_by_role("button", name="leaf-0.png").click()
    expect(page.get_by_role("img", name="train/leaf-0.png")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("dialog").get_by_text("2 of 12")).to_be_visible()


def test_a_csv_file_is_a_table(person: Person, pictures: str) -> None:
    person.go(f"/{pictures}/-/blob/main/labels.csv")
    expect(person.page.get_by_text("300 rows, 2 columns")).to_be_visible()
    expect(person.page.get_by_role("columnheader", name="size")).to_be_visible()


def test_a_commit_shows_pictures_that_were_added(person: Person, pictures: str) -> None:
    page = person.page
    person.go(f"/{pictures}/-/commits/main")
    page.get_by_role("link", name="Add pictures").click()
    expect(page.get_by_text(f"{PICTURES} files changed")).to_be_visible()
    expect(page.get_by_role("region", name="train/leaf-0.png").get_by_text("added")).to_be_visible()


def test_a_file_is_uploaded_as_a_commit(person: Person, pictures: str, tmp_path: Path) -> None:
    page, file = person.page, tmp_path / "notes.txt"
    file.write_text("from the browser\n")
    person.go(f"/{pictures}")
    page.get_by_role("button", name="Upload").click()
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Commit").click()
    page.get_by_role("link", name="File notes.txt").click()
    expect(page.get_by_text("from the browser")).to_be_visible()


def test_a_token_is_shown_once_and_revoked(person: Person) -> None:
    page, name = person.page, f"laptop-{secrets.token_hex(3)}"
    person.go("/account/tokens")
    page.get_by_role("button", name="New token").first.click()
    page.get_by_role("dialog").get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text(re.compile("^glpat-"))).to_be_visible()
    page.get_by_role("button", name=f"Revoke {name}").click()
    expect(page.get_by_role("button", name=f"Revoke {name}")).to_have_count(0)


def test_dark_colours_are_kept(person: Person) -> None:
    person.page.get_by_role("button", name="Switch to dark colours").click()
    person.page.reload()
    expect(person.page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")

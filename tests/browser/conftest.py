"""A real browser in front of a running server; every test fails on whatever the browser's console complains about."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from browser import shop as shops
from browser.people import PICTURES, Person, picture
from support.live import Live

PATIENCE = 15_000  # machines that test are busy
expect.set_options(timeout=PATIENCE)

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of the session."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextlib.contextmanager
def visit(browser: Browser, live: Live, **options: Any) -> Iterator[Person]:
    """Somebody with a fresh browser profile; at the end the console must be clean."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    person = Person(page, live)
    page.on("console", lambda message: person.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: person.complaints.append(str(error)))
    yield person
    context.close()
    # The browser itself reports the answer 401 to "who am I?" of somebody not logged in.
    assert [text for text in person.complaints if "status of 401" not in text] == []


@pytest.fixture
def anyone(browser: Browser, live_server: Live) -> Iterator[Person]:
    """A visitor."""
    with visit(browser, live_server) as person:
        yield person


@pytest.fixture(scope="session")
def session(browser: Browser, live_server: Live) -> Any:
    """The cookies of the ordinary user: logging in is slow on purpose, so it is done once."""
    context = browser.new_context()
    person = Person(context.new_page(), live_server)
    person.log_in()
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def person(browser: Browser, live_server: Live, session: Any) -> Iterator[Person]:
    """The ordinary user, logged in, at the start page."""
    with visit(browser, live_server, storage_state=session) as person:
        person.go("/")
        yield person


@pytest.fixture(scope="session")
def shop(live_server: Live) -> shops.Shop:
    """A processor with all that a description may say, in two versions."""
    return shops.open_shop(live_server)


@pytest.fixture(scope="session")
def pictures(live_server: Live) -> str:
    """The path of a project with a folder of pictures and a table."""
    name = f"pictures-{secrets.token_hex(3)}"
    table = "name,size\n" + "".join(f"leaf-{number}.png,{number}\n" for number in range(300))
    made = live_server.project(name, {"labels.csv": table, "README.md": "# Leaves\n\nMany *leaves*.\n"})
    actions = [
        {"action": "create", "file_path": f"train/leaf-{number}.png", "content": picture(number), "encoding": "base64"}
        for number in range(PICTURES)
    ]
    made.commits.create({"branch": "main", "commit_message": "Add pictures", "actions": actions})
    return f"lab/{name}"

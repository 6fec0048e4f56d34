"""Somebody in front of a browser, and the pictures they look at."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field

from PIL import Image
from playwright.sync_api import Page, expect

from support.live import Live

PICTURES = 12


@dataclass
class Person:
    """Somebody in front of a browser; what the console said is kept."""

    page: Page
    live: Live
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open an address of the application."""
        self.page.goto(self.live.url + path)

    def fill_login(self, password: str) -> None:
        """Fill the login form and send it."""
        self.page.get_by_role("textbox", name="User name or e-mail").fill(self.live.username)
        self.page.locator("input[type=password]").fill(password)
        self.page.get_by_role("button", name="Log in").click()

    def log_in(self) -> None:
        """Log in as the ordinary user of the live server."""
        self.go("/login")
        self.fill_login(self.live.password)
        expect(self.page.get_by_role("heading", name="Your projects")).to_be_visible()


def picture(number: int) -> str:
    """A small picture, as the commits API takes it."""
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), (number * 20 % 256, 90, 200)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()

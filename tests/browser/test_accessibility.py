"""Every kind of page against the rules of WCAG A and AA, in both colour schemes."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from browser.people import Person
from support.live import Live

pytestmark = pytest.mark.slow

AXE = Path(__file__).resolve().parent.parent.parent / "frontend/node_modules/axe-core/axe.min.js"
PAGES = [
    "/",
    "/projects",
    "/marketplace",
    "/marketplace?kind=operation&search=turn",
    "/marketplace/lab/code-turn/turn",
    "/marketplace/lab/code-turn/turn?tab=versions",
    "/marketplace/lab/code-turn/turn?tab=image",
    "/marketplace/lab/code-turn/turn?tab=proof",
    "/environments",
    "/lab/code-turn/-/processors",
    "/lab/code-turn/-/processors?tab=publications",
    "/account/tokens",
    "/lab/data",
    "/lab/data/-/tree/main/input",
    "/lab/data/-/blob/main/README.md",
    "/lab/data/-/commits/main",
    "/lab/data/-/runs",
    "/lab/data/-/experiments",
    "/lab/data/-/runs/new?kind=experiment&processor=lab/code-learn/learn@latest",
    "/lab/data/-/members",
    "/lab/data/-/settings",
]
RULES = "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa']})"


def violations(person: Person, path: str) -> list[str]:
    person.go(path)
    person.page.wait_for_load_state("networkidle")
    person.page.evaluate(AXE.read_text())
    found = person.page.evaluate(RULES)["violations"]
    return [f"{path}: {one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.usefixtures("shop")
def test_pages_keep_the_rules_of_accessibility(browser: Browser, live_server: Live, scheme: str) -> None:
    assert AXE.is_file(), "first run: python scripts/frontend.py check"
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light", bypass_csp=True)
    person = Person(context.new_page(), live_server)
    person.log_in()
    assert [text for path in PAGES for text in violations(person, path)] == []
    context.close()

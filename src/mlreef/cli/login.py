"""`mlreef login`: from a password to a kept token."""

from __future__ import annotations

from typing import Annotated

import typer

from mlreef.cli import output, session


def login(
    url: Annotated[str, typer.Argument(help="The server.")] = session.DEFAULT_URL,
    username: Annotated[str | None, typer.Option("--username", "-u", help="Asked for when left out.")] = None,
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
    token: Annotated[str | None, typer.Option(help="Use an existing token instead of a password.")] = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="How long the new token lasts.")] = 90,
    as_json: output.AsJson = False,
) -> None:
    """Log in to a server and keep a token for later commands."""
    from mlreef import sdk

    base = url.rstrip("/")
    if token is None:
        user = username or typer.prompt("Username")
        password = typer.get_text_stream("stdin").readline().rstrip("\n") if password_stdin else _ask()
        token = sdk.login(base, user, password, days=days)
    me = sdk.MLReef(base, token).http.call("GET", "/api/v4/user")
    path = session.save(session.Credentials(base, token))
    if as_json:
        output.document({"url": base, "username": me["username"]})
    else:
        output.note(f"logged in to {base} as {me['username']}; the token is kept in {path}")


def _ask() -> str:
    answer: str = typer.prompt("Password", hide_input=True)
    return answer

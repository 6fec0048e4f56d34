"""The SDK: everything that the web can do, from Python.

    from mlreef.sdk import MLReef
    reef = MLReef("http://localhost:8080", token="glpat-...")
    run = reef.start_run("group/data", definition)
    for event in reef.watch(run["id"]):
        print(event.name, event.data)

`reef.forge` is python-gitlab's client of the same server: projects, members, files and CI are GitLab's own API.
"""

from mlreef.sdk.client import MLReef, Reference
from mlreef.sdk.http import ApiError
from mlreef.sdk.login import login, register
from mlreef.sdk.sse import Event

__all__ = ["ApiError", "Event", "MLReef", "Reference", "login", "register"]

"""Prints the management service's OpenAPI document, from which the client's types are made (`npm run gen-api`)."""  # noqa: INP001

import json
import sys
import warnings

from mlreef.management import Settings, create_app

warnings.simplefilter("ignore")
settings = Settings(
    database_url="sqlite:////nowhere",
    external_url="http://localhost",
    forge_url="http://localhost",
    hook_secret="-" * 40,
)
json.dump(create_app(settings).openapi(), sys.stdout, indent=1, sort_keys=True)

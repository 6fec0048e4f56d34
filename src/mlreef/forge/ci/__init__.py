"""CI coordination: configurations become CI pipelines, CI pipelines jobs, and runners carry jobs out.

`config` reads YAML, `statuses` decides states, `pipelines`, `jobs`, `runners`, `traces` and `variables` hold data and
routes, `service` is what other slices may call.
"""

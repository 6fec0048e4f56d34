"""From a `.gitlab-ci.yml` text to the jobs of one CI pipeline.

Reading goes in steps, each its own module and free of HTTP and database: `document` (YAML under caps), `includes`
(other files), `merging` (extends, !reference), `jobs` (typed job keys), `rules` and `expressions` (which jobs run),
and `compiling`, which puts them together. Every fault is a `ConfigError` naming the job and the key.
"""

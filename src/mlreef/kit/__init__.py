"""Domain-free building blocks shared by every service: errors, time, ids, database, object store, HTTP.

Nothing here knows what a project, a job or an experiment is. Imports only go down to here, never up.
"""

"""Data pipeline definitions: the document users write, its checks, and what it resolves to.

One model for the web form, the YAML file in a repository and the SDK. Everything that can be wrong with a definition
is found here, all at once and each fault naming its field, before anything runs.
"""

"""Git repositories of projects: transport, contents, commits, branches and tags."""

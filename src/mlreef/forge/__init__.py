"""The forge: users, git repositories, CI and tokens, over GitLab's wire protocol."""

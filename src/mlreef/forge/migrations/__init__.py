"""The forge's chain of migrations: 0001 users and projects, 0002 repositories and LFS, 0003 CI and webhooks."""

"""What the suites need to start real servers."""

"""What jobs, the forge and the web application fetch: CI configuration, the framework, addresses."""

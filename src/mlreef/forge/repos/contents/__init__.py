"""Reading and writing files of a repository over REST."""

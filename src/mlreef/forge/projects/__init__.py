"""Projects: their settings, members, stars and forks."""

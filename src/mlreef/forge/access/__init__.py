"""Users, sessions, tokens: who a caller is, and the one policy that says what a caller may do."""

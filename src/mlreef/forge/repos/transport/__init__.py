"""Git smart HTTP: https://git-scm.com/docs/http-protocol and gitprotocol-pack(5)."""

"""Projects that this service may work in: its account is a member, it hears webhooks, and it configures CI."""

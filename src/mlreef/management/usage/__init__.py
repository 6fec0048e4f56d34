"""Usage: who used what for how long, as append-only records, one per finished job."""

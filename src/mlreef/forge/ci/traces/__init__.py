"""Job logs: append-only chunks while a job lives, one archived object afterwards."""

"""The part of the job interface that all kinds of jobs share: what is my work, and this is how it ended."""

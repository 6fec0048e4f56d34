"""MLReef: collaborative MLOps. See ARCHITECTURE.md."""

"""Pipeline runs: started from a plan as an immutable snapshot, carried out by CI jobs, ended truly.

The forge says what jobs did, the framework inside the jobs says what processors did; a step succeeds only when both
say so. Steps whose cache key is known from an earlier success are not run again.
"""

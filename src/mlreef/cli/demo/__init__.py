"""The demo: a data scientist's day on real data, played through the same interfaces that users have.

`play` makes a user, a group, a data project with scikit-learn's handwritten digits, publishes the starter library, runs
data operations, visualizations and experiments, and runs the first pipeline again to show the cache.
"""

from mlreef.cli.demo.day import Demo, play
from mlreef.cli.demo.report import Report

__all__ = ["Demo", "Report", "play"]

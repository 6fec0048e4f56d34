"""Losses."""
from absl import flags

FLAG = flags.DEFINE_enum('loss', 'mse', ['mse', 'huber'], 'Which loss.')
flags.DEFINE_float('delta', 1.0, 'Where Huber turns linear.')

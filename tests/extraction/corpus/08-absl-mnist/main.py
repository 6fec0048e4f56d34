# Copyright 2021 The Authors.
"""Trains a small network on MNIST."""
from absl import app
from absl import flags
from absl import logging
import jax
import jax.numpy as jnp
import tensorflow as tf
import tensorflow_datasets as tfds

FLAGS = flags.FLAGS

flags.DEFINE_string('workdir', None, 'Directory to store model data.')
flags.DEFINE_string('data_dir', '/tmp/tfds', 'Where the data set lies.')
flags.DEFINE_float('learning_rate', 0.1, 'The learning rate for the momentum optimizer.', lower_bound=0.0)
flags.DEFINE_float('momentum', 0.9, 'The decay rate used for the momentum optimizer.')
flags.DEFINE_integer('batch_size', 128, 'The batch size for training.', lower_bound=1, upper_bound=4096)
flags.DEFINE_integer('num_epochs', 10, 'Number of training epochs.')
flags.DEFINE_bool('augment', False, 'Whether to shift the pictures.')
flags.DEFINE_enum('optimizer', 'sgd', ['sgd', 'adam', 'lamb'], 'Which optimizer.')
_LAYERS = flags.DEFINE_list('layers', ['256', '128'], 'Units of the hidden layers.')
_TAGS = flags.DEFINE_multi_string('tag', None, 'Words for the log; repeated.')
flags.mark_flags_as_required(['workdir'])


def main(argv):
  if len(argv) > 1:
    raise app.UsageError('Too many command-line arguments.')
  tf.config.experimental.set_visible_devices([], 'GPU')
  logging.info('JAX process: %d / %d', jax.process_index(), jax.process_count())
  ds = tfds.load('mnist', data_dir=FLAGS.data_dir, batch_size=FLAGS.batch_size)
  units = [int(u) for u in _LAYERS.value]
  params = [jnp.zeros((a, b)) for a, b in zip([784] + units, units + [10])]
  for epoch in range(FLAGS.num_epochs):
    logging.info('epoch %d of %s', epoch, _TAGS.value)


if __name__ == '__main__':
  app.run(main)

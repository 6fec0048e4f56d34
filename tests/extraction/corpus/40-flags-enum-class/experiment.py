"""Runs an ablation; flags are defined where they are used."""
import enum
import os
from typing import Sequence

from absl import app
from absl import flags

import losses


class Split(enum.Enum):
    TRAIN = 'train'
    TEST = 'test'


_DATA = flags.DEFINE_string('data_path', None, 'Where the examples are.', required=True)
_OUT = flags.DEFINE_string('output_path', os.path.join('/tmp', 'ablation'), 'Where results are written.')
_SPLIT = flags.DEFINE_enum_class('split', Split.TRAIN, Split, 'Which part to take.')
_STEPS = flags.DEFINE_multi_integer('checkpoint', [1000], 'Steps to write checkpoints at.')
_DRY = flags.DEFINE_boolean('dry_run', False, 'Do nothing.')


def main(argv: Sequence[str]) -> None:
  del argv
  print(_DATA.value, _SPLIT.value, losses.FLAG.value)


if __name__ == '__main__':
  app.run(main)

from dataclasses import dataclass, field
from typing import List

from simple_parsing import ArgumentParser, choice


@dataclass
class HParams:
    """Set of options for the training of a Model."""

    num_layers: int = 4  # Number of layers in the model.
    # Number of units (neurons) per layer.
    num_units: int = 64
    optimizer: str = choice("ADAM", "SGD", "RMSPROP", default="ADAM")
    learning_rate: float = 1e-3
    early_stop: bool = False
    milestones: List[int] = field(default_factory=list)


@dataclass
class Files:
    data_dir: str
    out_dir: str = "results"


parser = ArgumentParser()
parser.add_argument("--debug", action="store_true")
parser.add_arguments(HParams, dest="hparams")
parser.add_arguments(Files, dest="files")

args = parser.parse_args()
print(args.hparams, args.files)

"""Train a policy."""
import dataclasses
import enum
import pathlib
from typing import Literal, Tuple

import tyro


class Activation(enum.Enum):
    RELU = enum.auto()
    GELU = enum.auto()


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
    # Learning rate of Adam
    learning_rate: float = 3e-4
    betas: Tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0


@dataclasses.dataclass
class Config:
    """Configuration of a run."""

    dataset: pathlib.Path
    """Folder with episodes."""
    output_dir: pathlib.Path = pathlib.Path("./runs") / "latest"
    """Where checkpoints go."""
    optimizer: OptimizerConfig = dataclasses.field(default_factory=OptimizerConfig)
    activation: Activation = Activation.RELU
    algorithm: Literal["ppo", "sac", "dqn"] = "ppo"
    total_steps: int = 1_000_000
    normalise: bool = True
    hidden: Tuple[int, ...] = (256, 256)
    run_name: str | None = None


def main(config: Config) -> None:
    print(config)


if __name__ == "__main__":
    main(tyro.cli(Config))

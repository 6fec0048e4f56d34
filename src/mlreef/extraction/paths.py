"""Names of libraries and builtins that mean something to extraction."""

from __future__ import annotations

import builtins
import math
import string
import sys
from typing import Any

from mlreef.extraction.values import Ref

BUILTINS = frozenset(dir(builtins))

_CONSTANTS: dict[str, Any] = {
    "math.pi": math.pi,
    "math.e": math.e,
    "math.inf": math.inf,
    "numpy.pi": math.pi,
    "numpy.inf": math.inf,
    "sys.maxsize": 2**63 - 1,
    "sys.platform": "linux",
    "os.name": "posix",
    "os.linesep": "\n",
    "os.pathsep": ":",
    "os.devnull": "/dev/null",
    "math.tau": math.tau,
    "numpy.e": math.e,
    "string.ascii_letters": string.ascii_letters,
    "string.ascii_lowercase": string.ascii_lowercase,
    "string.digits": string.digits,
    "typing.TYPE_CHECKING": False,
    "logging.DEBUG": 10,
    "logging.INFO": 20,
    "logging.WARNING": 30,
    "logging.ERROR": 40,
    "logging.CRITICAL": 50,
    "os.sep": "/",
    "os.curdir": ".",
    "argparse.OPTIONAL": "?",
    "argparse.ZERO_OR_MORE": "*",
    "argparse.ONE_OR_MORE": "+",
    "argparse.REMAINDER": "...",
    "argparse.SUPPRESS": "==SUPPRESS==",
}


def known_constant(name: str) -> Any:
    """The constant of that name, or a reference to whatever it is."""
    return _CONSTANTS.get(name, Ref(name))


_LIBRARIES = frozenset(
    {
        *(
            "numpy",
            "pandas",
            "torch",
            "torchvision",
            "torchaudio",
            "tensorflow",
            "keras",
            "sklearn",
            "scipy",
            "jax",
            "flax",
        ),
        *(
            "matplotlib",
            "seaborn",
            "plotly",
            "PIL",
            "cv2",
            "skimage",
            "imageio",
            "tqdm",
            "yaml",
            "requests",
            "joblib",
            "wandb",
        ),
        *("transformers", "datasets", "tokenizers", "accelerate", "peft", "lightning", "pytorch_lightning", "mlflow"),
        *(
            "xgboost",
            "lightgbm",
            "catboost",
            "librosa",
            "soundfile",
            "nltk",
            "spacy",
            "gensim",
            "polars",
            "pyarrow",
            "duckdb",
        ),
        *(
            "click",
            "typer",
            "fire",
            "absl",
            "docopt",
            "hydra",
            "omegaconf",
            "pydantic",
            "pydantic_settings",
            "attr",
            "attrs",
        ),
        *(
            "rich",
            "loguru",
            "tyro",
            "simple_parsing",
            "jsonargparse",
            "configargparse",
            "annotated_types",
            "typing_extensions",
        ),
        *(
            "mlreef",
            "dotenv",
            "boto3",
            "psutil",
            "h5py",
            "networkx",
            "statsmodels",
            "optuna",
            "ray",
            "albumentations",
            "timm",
        ),
    }
)


def is_library(name: str) -> bool:
    """Whether a top-level module is known not to be a file of the program."""
    return name in sys.stdlib_module_names or name in _LIBRARIES

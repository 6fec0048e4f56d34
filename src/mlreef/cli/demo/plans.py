"""What the demo publishes and runs: data, not code."""

from __future__ import annotations

from typing import Any

GROUP = "demo"
DATA = "digits"

PROCESSORS: dict[str, tuple[str, str]] = {
    "image-augment": ("augment", "scikit-learn"),
    "image-noise": ("noise", "scikit-learn"),
    "text-clean": ("clean", "python-3.11"),
    "class-balance": ("class-balance", "scikit-learn"),
    "image-embedding": ("embedding", "scikit-learn"),
    "sklearn-classifier": ("classifier", "scikit-learn"),
    "keras-cnn": ("cnn", "tensorflow-2"),
}
"""Code project -> the processor that it publishes, and the environment that it is built on."""

TRAIN, TEST = {"branch": "main", "path": "train"}, {"branch": "main", "path": "test"}


def slug(project: str) -> str:
    """How a data pipeline names the latest version of a starter processor."""
    return f"{GROUP}/{project}/{PROCESSORS[project][0]}@latest"


def _step(name: str, project: str, inputs: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    return {
        "name": name,
        "processor": slug(project),
        "inputs": inputs,
        "parameters": parameters,
        "machine": "cpu-small",
        "timeout": 1800,
    }


def _pipeline(name: str, kind: str, *steps: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "name": name, "kind": kind, "steps": list(steps)}


DATAOPS = _pipeline(
    "augment-and-noise",
    "dataops",
    _step("augment", "image-augment", {"input_path": TRAIN}, copies=1, rotate=10.0),
    _step("noise", "image-noise", {"input_path": {"step": "augment", "output": "output_path"}}, amount=0.02),
)

VISUALS = _pipeline(
    "look-at-the-digits",
    "visualization",
    _step("class-balance", "class-balance", {"input_path": TRAIN}, title="Digits to learn from"),
    _step("embedding", "image-embedding", {"input_path": TEST}, method="tsne"),
)

SKLEARN = _pipeline(
    "svm",
    "experiment",
    _step("svm", "sklearn-classifier", {"train_path": TRAIN, "test_path": TEST}, model="svm"),
)

KERAS = _pipeline(
    "cnn",
    "experiment",
    _step("cnn", "keras-cnn", {"train_path": TRAIN, "test_path": TEST}, epochs=20),
)

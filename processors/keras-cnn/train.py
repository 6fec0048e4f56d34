"""Trains a convolutional network with Keras and measures it on images that it did not see."""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from PIL import Image

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Convolutional network for images")
    parser.add_argument("--train-path", required=True, help="one folder of images per class, to learn from")
    parser.add_argument("--test-path", required=True, help="one folder of images per class, to be measured on")
    parser.add_argument("--output-path", required=True, help="where the model and its report go")
    parser.add_argument("--epochs", type=int, default=20, help="passes over the training images")
    parser.add_argument("--batch-size", type=int, default=32, help="images per step")
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="step size of Adam")
    parser.add_argument("--filters", type=int, default=32, help="filters of the first layer")
    parser.add_argument("--dropout", type=float, default=0.3, help="share of units left out while learning")
    parser.add_argument("--size", type=int, default=8, help="images are scaled to this many pixels a side")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers")
    return parser.parse_args()


def load(folder: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    files = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"no images below {folder}")
    pixels = [np.asarray(Image.open(path).convert("L").resize((size, size)), dtype=np.float32) for path in files]
    return np.stack(pixels)[..., None] / 255, np.array([path.parent.name for path in files])


def build(args: argparse.Namespace, classes: int) -> keras.Model:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((args.size, args.size, 1)),
            layers.Conv2D(args.filters, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.Conv2D(args.filters * 2, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(args.dropout),
            layers.Conv2D(args.filters * 2, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(args.dropout),
            layers.Dense(classes, activation="softmax"),
        ]
    )


class Report(keras.callbacks.Callback):
    """Prints what the platform follows, once per epoch."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        values = {"loss": "loss", "accuracy": "train_accuracy", "val_loss": "val_loss", "val_accuracy": "accuracy"}
        found = " ".join(f"{name}={logs[key]:.6f}" for key, name in values.items() if logs and key in logs)
        print(f"mlreef: epoch={epoch + 1} {found}", flush=True)


def main() -> None:
    args = parse()
    keras.utils.set_random_seed(args.seed)
    x_train, train_names = load(args.train_path, args.size)
    x_test, test_names = load(args.test_path, args.size)
    classes = sorted(set(train_names))
    y_train = np.searchsorted(classes, train_names)
    y_test = np.searchsorted(classes, test_names)
    print(f"{len(x_train)} images to learn from, {len(x_test)} to be measured on, {len(classes)} classes", flush=True)
    model = build(args, len(classes))
    model.compile(keras.optimizers.Adam(args.learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        x_train, y_train, batch_size=args.batch_size, epochs=args.epochs, verbose=0,
        validation_data=(x_test, y_test), callbacks=[Report()],
    )
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"mlreef: epoch={args.epochs} test_loss={loss:.6f} accuracy={accuracy:.6f}", flush=True)
    target = Path(args.output_path)
    target.mkdir(parents=True, exist_ok=True)
    model.save(target / "model.keras")
    (target / "report.json").write_text(json.dumps({"accuracy": accuracy, "loss": loss, "classes": classes}, indent=1))


if __name__ == "__main__":
    main()

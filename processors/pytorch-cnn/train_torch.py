"""Trains a convolutional network of PyTorch on class folders of images and measures it on images that it did not see."""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Image classifier of PyTorch")
    parser.add_argument("--train-path", required=True, help="one folder of images per class, to learn from")
    parser.add_argument("--test-path", required=True, help="one folder of images per class, to be measured on")
    parser.add_argument("--output-path", required=True, help="where the model and its report go")
    parser.add_argument("--epochs", type=int, default=15, help="passes over the training images")
    parser.add_argument("--batch-size", type=int, default=32, help="images of one step")
    parser.add_argument("--learning-rate", type=float, default=0.002, help="of Adam")
    parser.add_argument("--size", type=int, default=16, help="images are scaled to this many pixels a side")
    parser.add_argument("--patience", type=int, default=5, help="epochs without a smaller loss after which it ends")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers")
    return parser.parse_args()


def load(folder: str, size: int) -> tuple[torch.Tensor, list[str]]:
    files = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"no images below {folder}")
    pixels = [np.asarray(Image.open(path).convert("L").resize((size, size)), dtype=np.float32) / 255 for path in files]
    return torch.from_numpy(np.stack(pixels)[:, None]), [path.parent.name for path in files]


def network(classes: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveMaxPool2d(3),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 9, classes),
    )


def main() -> None:
    args = parse()
    if args.size < 6:
        raise SystemExit("--size must be at least 6")
    torch.manual_seed(args.seed)
    x_train, names_train = load(args.train_path, args.size)
    x_test, names_test = load(args.test_path, args.size)
    classes = sorted(set(names_train))
    unknown = set(names_test) - set(classes)
    if unknown:
        raise SystemExit(f"classes {', '.join(sorted(unknown))} are in --test-path only")
    y_train, y_test = (torch.tensor([classes.index(name) for name in names]) for names in (names_train, names_test))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model, best, waited, accuracy = network(len(classes)).to(device), float("inf"), 0, 0.0
    optimizer = torch.optim.Adam(model.parameters(), args.learning_rate)
    target = Path(args.output_path)
    target.mkdir(parents=True, exist_ok=True)
    for epoch in range(1, args.epochs + 1):
        model.train()
        total = 0.0
        for chosen in torch.randperm(len(x_train)).split(args.batch_size):
            loss = nn.functional.cross_entropy(model(x_train[chosen].to(device)), y_train[chosen].to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(chosen)
        model.eval()
        with torch.no_grad():
            predicted = torch.cat([model(part.to(device)).argmax(1).cpu() for part in x_test.split(512)])
        accuracy = (predicted == y_test).float().mean().item()
        print(f"mlreef: epoch={epoch} loss={total / len(x_train):.6f} accuracy={accuracy:.6f}", flush=True)
        # The images to be measured on have no say in when it ends.
        waited = 0 if total < best * 0.999 else waited + 1
        best = min(best, total)
        if waited >= args.patience:
            break
    card = {"framework": "pytorch", "classes": classes, "size": args.size, "accuracy": accuracy, "epochs": epoch}
    torch.save(model.state_dict(), target / "model.pt")
    (target / "model.json").write_text(json.dumps(card, indent=1))


if __name__ == "__main__":
    main()

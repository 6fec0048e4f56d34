import argparse
import inspect

HYPER = {
    "lr": dict(type=float, default=3e-4, help="learning rate"),
    "batch_size": dict(type=int, default=64),
    "dropout": {"type": float, "default": 0.1},
    "optimizer": {"choices": ("adam", "sgd"), "default": "adam"},
}
FLAGS = ["amp", "compile", "wandb"]
PATHS = [("--input-dir", "where the data is"), ("--output-dir", "where the model goes")]


def add(parser, name, **kwargs):
    flag = "--" + name.replace("_", "-")
    parser.add_argument(flag, dest=name, **kwargs)


def make_parser():
    parser = argparse.ArgumentParser("train")
    for flag, text in PATHS:
        parser.add_argument(flag, required=True, help=text)
    group = parser.add_argument_group("hyperparameters")
    for name, settings in HYPER.items():
        add(group, name, **settings)
    for flag in FLAGS:
        parser.add_argument(f"--{flag}", action="store_true", help="use %s" % flag)
    for i in range(3):
        parser.add_argument("--hidden{}".format(i + 1), type=int, default=2 ** (8 - i))
    return parser


def train(args):
    print(inspect.signature(train), args)


if __name__ == "__main__":
    train(make_parser().parse_args())

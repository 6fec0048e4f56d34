#!/usr/bin/env python3
"""Prepare data, train and evaluate a sentiment classifier."""
import argparse
import logging
import sys


def cmd_prepare(args):
    print("preparing", args.input, "->", args.output)


def cmd_train(args):
    print("training for", args.epochs, "epochs", args.verbose)


def cmd_evaluate(args):
    print("evaluating", args.model)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-v", "--verbose", action="store_true", help="say more")
    parser.add_argument("--log-file", default=None)
    sub = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--seed", type=int, default=1)

    p = sub.add_parser("prepare", parents=[common], help="clean and split the texts")
    p.add_argument("--input", required=True)
    p.add_argument("--output", required=True)
    p.add_argument("--test-size", type=float, default=0.2)
    p.set_defaults(func=cmd_prepare)

    p = sub.add_parser("train", parents=[common], help="fit the model")
    p.add_argument("data")
    p.add_argument("--epochs", type=int, default=3)
    p.add_argument("--model", choices=("lstm", "cnn"), default="lstm")
    p.add_argument("--output", default="model")
    p.set_defaults(func=cmd_train)

    p = sub.add_parser("evaluate", aliases=["eval"], help="print scores")
    p.add_argument("data")
    p.add_argument("--model", required=True)
    p.set_defaults(func=cmd_evaluate)

    args = parser.parse_args()
    logging.basicConfig(level=logging.DEBUG if args.verbose else logging.INFO, filename=args.log_file)
    return args.func(args)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python
"""Training script in the style of big detection frameworks."""
import os

from engine.defaults import default_argument_parser, launch


def setup(args):
    print("config", args.config_file, args.opts)


def main(args):
    setup(args)
    if args.eval_only:
        return {}


def invoke_main() -> None:
    args = default_argument_parser().parse_args()
    print("Command Line Args:", args)
    launch(main, args.num_gpus, num_machines=args.num_machines, dist_url=args.dist_url, args=(args,))


if __name__ == "__main__":
    invoke_main()

import argparse
import os
import sys

__all__ = ["default_argument_parser", "launch"]


def default_argument_parser(epilog=None):
    """Create a parser with some common arguments."""
    parser = argparse.ArgumentParser(
        epilog=epilog
        or f"""
Examples:

Run on single machine:
    $ {sys.argv[0]} --num-gpus 8 --config-file cfg.yaml
""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config-file", default="", metavar="FILE", help="path to config file")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="Whether to attempt to resume from the checkpoint directory. ",
    )
    parser.add_argument("--eval-only", action="store_true", help="perform evaluation only")
    parser.add_argument("--num-gpus", type=int, default=1, help="number of gpus *per machine*")
    parser.add_argument("--num-machines", type=int, default=1, help="total number of machines")

    # PyTorch still may leave orphan processes in multi-gpu training.
    port = 2**15 + 2**14 + hash(os.getuid() if sys.platform != "win32" else 1) % 2**14
    parser.add_argument(
        "--dist-url",
        default="tcp://127.0.0.1:{}".format(port),
        help="initialization URL for pytorch distributed backend.",
    )
    parser.add_argument(
        "opts",
        help="Modify config options at the end of the command, as pairs.",
        default=None,
        nargs=argparse.REMAINDER,
    )
    return parser


def launch(main_func, num_gpus, num_machines=1, dist_url=None, args=()):
    main_func(*args)

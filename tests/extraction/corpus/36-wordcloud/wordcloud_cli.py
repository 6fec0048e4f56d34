r"""Command-line tool to generate word clouds.

Usage::
    $ python wordcloud_cli.py --text corpus/ --imagefile cloud.png
"""
import argparse
import logging
import os
import sys

import numpy as np
from PIL import Image

IMAGE_TYPES = [ext for ext in (".png", ".svg", ".pdf")]


def make_parser():
    description = ('A simple command line interface for word clouds.')
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        '--text', metavar='folder', default='-', help='folder of texts (default: stdin)')
    parser.add_argument('--regexp', metavar='regexp', default=None, help='override the regular expression of a word')
    parser.add_argument('--stopwords', metavar='file', help='specify file of stopwords')
    parser.add_argument('--imagefile', metavar='file', default='-', help='file the completed PNG image is written to')
    parser.add_argument('--output_dir', default='.')
    color_group = parser.add_mutually_exclusive_group()
    color_group.add_argument('--colormask', metavar='file', help='color mask to use for image coloring')
    color_group.add_argument('--color', metavar='color', help='use given color')
    parser.add_argument('--width', metavar='width', type=int, default=400, help='define output image width in pixels')
    parser.add_argument('--height', metavar='height', type=int, default=200, help='define output image height in pixels')
    parser.add_argument('--margin', metavar='width', type=int, default=2, help='spacing to leave around words')
    parser.add_argument('--relative_scaling', type=float, default=0, metavar='rs', help='scaling of words by frequency (0 - 1)')
    parser.add_argument('--no_collocations', action='store_false', dest='collocations', help='do not add collocations (bigrams)')
    parser.add_argument('--scale', default=1, type=float)
    parser.add_argument('--repeat', action='store_true', dest='repeat')
    return parser


def parse_args(arguments):
    # prog = 'python wordcloud_cli.py'
    parser = make_parser()
    args = parser.parse_args(arguments)
    if args.colormask and args.color:
        raise ValueError('specify either a color mask or a color function')
    args = vars(args)
    return args


def main(args):
    print(args)


if __name__ == '__main__':
    args = parse_args(sys.argv[1:])
    main(args)

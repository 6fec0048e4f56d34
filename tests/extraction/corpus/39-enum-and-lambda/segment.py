from argparse import ArgumentParser, ArgumentDefaultsHelpFormatter
from enum import Enum
from functools import partial
import multiprocessing as mp
import os.path as osp

HERE = osp.join("assets", "models")


class Method(Enum):
    OTSU = "otsu"
    WATERSHED = "watershed"
    UNET = "unet"

    def __str__(self):
        return self.value


class Norm(str, Enum):
    none = "none"
    minmax = "minmax"


def main():
    parser = ArgumentParser(formatter_class=ArgumentDefaultsHelpFormatter)
    add = partial(parser.add_argument)
    parser.add_argument("images", metavar="IMAGES", help="folder")
    parser.add_argument("out", metavar="OUT", help="folder")
    parser.add_argument("--method", type=Method, choices=list(Method), default=Method.OTSU)
    parser.add_argument("--norm", choices=[n.value for n in Norm], default=Norm.minmax.value)
    parser.add_argument("--weights", default=osp.join(HERE, "unet.pt"), help="weights of the U-Net")
    parser.add_argument("--min-size", type=lambda x: int(float(x)), default=64, help="drop smaller objects, in pixels")
    parser.add_argument("--tile", type=lambda s: tuple(int(v) for v in s.split("x")), default=(512, 512))
    parser.add_argument("--processes", type=int, default=mp.cpu_count())
    parser.add_argument("--overlay", type=lambda s: s.lower() in ("true", "1", "yes"), default=True)
    args = parser.parse_args()
    with mp.Pool(args.processes) as pool:
        pool.map(partial(print, args.method), [args.images])


if __name__ == "__main__":
    main()

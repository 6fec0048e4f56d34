import argparse
import os
from ast import literal_eval

import yaml
from easydict import EasyDict as edict

from lib.trainer import Trainer


def str2bool(v):
    if isinstance(v, bool):
        return v
    if v.lower() in ('yes', 'true', 't', 'y', '1'):
        return True
    elif v.lower() in ('no', 'false', 'f', 'n', '0'):
        return False
    else:
        raise argparse.ArgumentTypeError('Boolean value expected.')


def parse_config():
    parser = argparse.ArgumentParser(description='Train from a YAML file')
    parser.add_argument('-c', '--config', type=str, default='configs/base.yaml', help='YAML file')
    parser.add_argument('--data_root', type=str, default=os.environ.get('DATA_ROOT', 'data'))
    parser.add_argument('--exp_name', type=str, default=None)
    parser.add_argument('--fp16', type=str2bool, nargs='?', const=True, default=False, help='half precision')
    parser.add_argument('--use_ema', type=str2bool, default=True)
    parser.add_argument('--local_rank', type=int, default=int(os.environ.get('LOCAL_RANK', 0)))
    parser.add_argument('--betas', type=literal_eval, default=(0.9, 0.999))
    parser.add_argument('--set', dest='set_cfgs', default=None, nargs=argparse.REMAINDER, help='set extra config keys')
    args = parser.parse_args()

    with open(args.config) as f:
        cfg = edict(yaml.safe_load(f))
    cfg.TAG = os.path.splitext(os.path.basename(args.config))[0]
    return args, cfg


def main():
    args, cfg = parse_config()
    Trainer(cfg, args).fit()


if __name__ == '__main__':
    main()

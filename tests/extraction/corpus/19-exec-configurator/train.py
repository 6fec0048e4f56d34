"""
This training script can be run both on a single gpu in debug mode,
and also in a larger training run with distributed data parallel (ddp).
"""
import os
import time
import math

import numpy as np
import torch

# default config values designed to train a small model
out_dir = 'out'
eval_interval = 2000
log_interval = 1
eval_only = False # if True, script exits right after the first eval
dataset = 'openwebtext'
batch_size = 12
block_size = 1024
n_layer = 12
learning_rate = 6e-4
# -----------------------------------------------------------------------------
config_keys = [k for k,v in globals().items() if not k.startswith('_') and isinstance(v, (int, float, bool, str))]
exec(open('configurator.py').read()) # overrides from command line or config file
config = {k: globals()[k] for k in config_keys} # will be useful for logging
# -----------------------------------------------------------------------------

os.makedirs(out_dir, exist_ok=True)
torch.manual_seed(1337)
data_dir = os.path.join('data', dataset)
train_data = np.memmap(os.path.join(data_dir, 'train.bin'), dtype=np.uint16, mode='r')
iter_num = 0
t0 = time.time()
while True:
    lr = learning_rate * math.exp(-iter_num)
    iter_num += 1
    if iter_num > 10:
        break

"""General-purpose training script for image-to-image translation.

Example:
    python train.py --dataroot ./datasets/maps --name maps_cyclegan --model cycle_gan
"""
import time
from options.train_options import TrainOptions
from data import create_dataset
from models import create_model

if __name__ == '__main__':
    opt = TrainOptions().parse()   # get training options
    dataset = create_dataset(opt)
    dataset_size = len(dataset)
    print('The number of training images = %d' % dataset_size)

    model = create_model(opt)
    model.setup(opt)
    for epoch in range(opt.epoch_count, opt.n_epochs + opt.n_epochs_decay + 1):
        epoch_start_time = time.time()
        for i, data in enumerate(dataset):
            model.set_input(data)
            model.optimize_parameters()
        print('End of epoch %d \t Time Taken: %d sec' % (epoch, time.time() - epoch_start_time))

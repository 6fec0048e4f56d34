# MLReef-2020: Image augmentation for data augmentation
import argparse
import os
import sys
from pathlib import Path

from tensorflow.keras.preprocessing.image import ImageDataGenerator, array_to_img, img_to_array, load_img


class Augment:
    name = 'augment'

    def __init__(self, params):
        self.input_dir = params['input_path']
        self.output_dir = params['output_path']
        self.iterations = int(params['iterations'])
        self.rotation_range = float(params['rotation_range'])
        self.horizontal_flip = params['horizontal_flip']
        self.datagen = ImageDataGenerator(rotation_range=self.rotation_range, horizontal_flip=self.horizontal_flip)

        # create folder if does not exists
        if not os.path.exists(self.output_dir):
            os.makedirs(self.output_dir)

        # Find the images in the folder
        self.images = []
        for root, dirs, files in os.walk(self.input_dir):
            for file in files:
                self.images.append(os.path.join(root, file))

    def __execute__(self):
        for image in self.images:
            x = img_to_array(load_img(image))
            x = x.reshape((1,) + x.shape)
            for i, batch in enumerate(self.datagen.flow(x, save_to_dir=self.output_dir, save_prefix='aug')):
                if i > self.iterations:
                    break
        print("Augmentation done")
        return 1


def process_arguments(args):
    parser = argparse.ArgumentParser(description='Pipeline: Augmentation')
    parser.add_argument('--input-path', action='store', help='path to directory of images or image file')
    parser.add_argument('--output-path', action='store', default='.', help='output directory to save images')
    parser.add_argument('--iterations', action='store', default=1, type=int, help='number of augmentations per image')
    parser.add_argument('--rotation-range', action='store', default=20, type=float, help='angle in degrees')
    parser.add_argument('--width-shift-range', action='store', default=0, type=float, help='fraction of total width')
    parser.add_argument('--shear-range', action='store', default=0.2, type=float, help='shear intensity in degrees')
    parser.add_argument('--zoom-range', action='store', default=0, type=float)
    parser.add_argument('--horizontal-flip', action='store', default='True', type=str, help='flip the images')
    params = vars(parser.parse_args(args))
    if params['input_path'] is None:
        parser.error('--input-path is missing')
    return params


if __name__ == "__main__":
    print("Beginning execution of im_augment.py script ......... \n")
    params = process_arguments(sys.argv[1:])
    op = Augment(params)
    print("Output files saved at:", params['output_path'])
    op.__execute__()

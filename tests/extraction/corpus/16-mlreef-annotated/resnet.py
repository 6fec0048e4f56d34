# Example DataProcessor: Algorithm, with everything declared in annotations
import os
import sys

from mlreef.annotations import data_processor, metric, parameter
from tensorflow.keras.applications.resnet50 import ResNet50


@data_processor(
    name="Resnet50",
    author="MLReef",
    command="resnet50",
    type="ALGORITHM",
    description="CNN Model resnet50",
    visibility="PUBLIC",
    input_type="IMAGE",
    output_type="MODEL",
)
@parameter(name="input-path", type="str", required=True, defaultValue="train", description="path to directory of images")
@parameter(name="output-path", type="str", required=True, defaultValue="output", description="path to output metrics")
@parameter(name="height", type="int", required=True, defaultValue="36", description="height of cropped images in px")
@parameter(name="width", type="int", required=True, defaultValue="36", description="width of cropped images in px")
@parameter(name="epochs", type="int", required=True, defaultValue="5", description="number of epochs for training")
@parameter(name="use-pretrained", type="BOOLEAN", required=False, defaultValue="True", description="use weights")
@parameter(name="loss", type="STRING", required=False, defaultValue="categorical_crossentropy")
@parameter(name="learning-rate", type="FLOAT", required=False, defaultValue="0.0001", description="learning rate of Adam")
@metric(name="recall", ground_truth="", prediction="")
def init_params():
    pass


class Resnet:
    def __init__(self, params):
        self.params = params
        self.model = ResNet50(weights="imagenet" if params["use-pretrained"] == "true" else None)

    def train(self):
        print("training on", self.params["input-path"])


def parse(argv):
    return {argv[i].lstrip("-"): argv[i + 1] for i in range(0, len(argv) - 1, 2)}


if __name__ == "__main__":
    init_params()
    resnet = Resnet(parse(sys.argv[1:]))
    resnet.train()

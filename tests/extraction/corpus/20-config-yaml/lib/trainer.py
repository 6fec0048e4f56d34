class Trainer:
    def __init__(self, cfg, args):
        self.cfg = cfg

    def fit(self):
        print(self.cfg)

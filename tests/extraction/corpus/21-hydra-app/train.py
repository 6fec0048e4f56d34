import hydra
import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(cfg: DictConfig) -> None:
    pl.seed_everything(cfg.seed)
    print(OmegaConf.to_yaml(cfg))
    model = hydra.utils.instantiate(cfg.model)
    trainer = pl.Trainer(**cfg.trainer)
    trainer.fit(model)


if __name__ == "__main__":
    main()

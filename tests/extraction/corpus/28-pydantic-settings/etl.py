"""Load events into Parquet files."""
from pathlib import Path
from typing import Literal, Optional

from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Window(BaseModel):
    hours: int = Field(24, ge=1, le=24 * 365, description="Length of the window in hours")
    offset: int = 0


class Settings(BaseSettings):
    """What to load and how."""

    model_config = SettingsConfigDict(cli_parse_args=True, env_prefix="ETL_", extra="ignore")

    source: Path = Field(description="Folder of JSON lines")
    destination: Path = Field(default=Path("parquet"), description="Folder of Parquet files")
    compression: Literal["snappy", "zstd", "gzip"] = "zstd"
    row_group: int = Field(default=100_000, gt=0)
    sample: Optional[float] = Field(None, ge=0, le=1, description="Part of the rows to keep")
    columns: list[str] = []
    strict: bool = False
    window: Window = Window()


def main() -> None:
    settings = Settings()
    print(settings.model_dump_json())


if __name__ == "__main__":
    main()

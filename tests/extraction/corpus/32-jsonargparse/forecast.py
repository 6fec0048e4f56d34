from pathlib import Path
from typing import Optional

import pandas as pd
from jsonargparse import CLI
from statsmodels.tsa.holtwinters import ExponentialSmoothing


def forecast(data: Path, output: Path, horizon: int = 12, seasonal: Optional[str] = "add", period: int = 12, damped: bool = False, alpha: Optional[float] = None):
    """Forecast every column of a table.

    :param data: CSV file, one column per series
    :param output: CSV file that is written
    :param horizon: steps to look ahead
    :param seasonal: add, mul or nothing
    :param period: length of a season
    :param damped: damp the trend
    """
    frame = pd.read_csv(data, index_col=0, parse_dates=True)
    result = {}
    for name in frame:
        fit = ExponentialSmoothing(frame[name], trend="add", damped_trend=damped, seasonal=seasonal, seasonal_periods=period).fit()
        result[name] = fit.forecast(horizon)
    pd.DataFrame(result).to_csv(output)


if __name__ == "__main__":
    CLI(forecast)

import click
import librosa
import librosa.display
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import os


def common(f):
    """Options that all of our audio tools have."""
    f = click.option("--sr", default=22050, help="Sampling rate in Hz", envvar="AUDIO_SR")(f)
    f = click.option("--mono/--stereo", default=True)(f)
    return f


@click.command()
@click.option("--source", required=True, type=click.Path(exists=True), help="folder with wav files")
@click.option("--destination", required=True, type=click.Path())
@common
@click.option("--kind", type=click.Choice(["mel", "stft", "cqt"]), default="mel")
@click.option("--n-fft", "n_fft", type=int, default=2048)
@click.option("--hop", type=click.IntRange(min=1), default=512, help="hop length (samples)")
@click.option("--fmax", type=click.FloatRange(0, 96000, min_open=True), default=None)
@click.option("--cmap", default="magma", prompt=False)
@click.option("--dpi", default=100.0)
def run(source, destination, sr, mono, kind, n_fft, hop, fmax, cmap, dpi):
    os.makedirs(destination, exist_ok=True)
    for name in sorted(os.listdir(source)):
        y, rate = librosa.load(os.path.join(source, name), sr=sr, mono=mono)
        S = librosa.feature.melspectrogram(y=y, sr=rate, n_fft=n_fft, hop_length=hop, fmax=fmax)
        fig, ax = plt.subplots()
        librosa.display.specshow(librosa.power_to_db(S, ref=np.max), ax=ax, cmap=cmap)
        fig.savefig(os.path.join(destination, name + ".png"), dpi=dpi)
        plt.close(fig)


if __name__ == '__main__':
    run()

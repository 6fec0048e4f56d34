import click
import pandas as pd

pass_config = click.make_pass_decorator(dict, ensure=True)


@click.group()
@click.option("--debug/--no-debug", default=False, envvar="DEBUG")
@click.option("--workdir", type=click.Path(), default=".")
@click.pass_context
def cli(ctx, debug, workdir):
    """Tools for tables."""
    ctx.ensure_object(dict)
    ctx.obj["debug"] = debug


@cli.command("split")
@click.argument("source", type=click.Path(exists=True))
@click.argument("destination", type=click.Path())
@click.option("--ratio", type=click.FloatRange(0, 1), default=0.8, show_default=True)
@click.option("--shuffle/--keep-order", "shuffle", default=True)
@click.pass_context
def split(ctx, source, destination, ratio, shuffle):
    """Split a table into two."""
    df = pd.read_csv(source)
    if shuffle:
        df = df.sample(frac=1)
    cut = int(len(df) * ratio)
    df[:cut].to_csv(destination + "/train.csv")
    df[cut:].to_csv(destination + "/test.csv")


@cli.command()
@click.argument("sources", nargs=-1, required=True)
@click.option("-o", "--output", required=True)
@click.option("--on", "columns", multiple=True)
@click.option("--how", type=click.Choice(["inner", "left", "outer"]), default="inner")
def join(sources, output, columns, how):
    """Join tables."""
    frames = [pd.read_csv(s) for s in sources]
    result = frames[0]
    for other in frames[1:]:
        result = result.merge(other, on=list(columns) or None, how=how)
    result.to_csv(output)


if __name__ == "__main__":
    cli(obj={})

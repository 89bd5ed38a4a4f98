"""The options that say how samples are computed; they change samples by rounding alone."""

import click

PATH_OPTION = click.option(
    "--path",
    type=click.Choice(["fast", "plain"]),
    help="Of diffusion models. fast (the default): one encoder pass for both branches of guidance, kept modulations. "
    "Same samples but for rounding.",
)
SPEED_OPTIONS = (
    click.option(
        "--spade-cache",
        type=click.Choice(["auto", "full", "shared", "off"]),
        help="What of SDM's modulations is kept between steps: gamma and beta (full), the 128 channels before them "
        "(shared), nothing, or what fits half of the free memory (auto, the default). `benchmark sampling` prints "
        "their sizes.",
    ),
    click.option("--channels-last", is_flag=True, help="Another memory layout, faster for some diffusion models."),
    click.option("--compile", is_flag=True, help="torch.compile, for long runs of diffusion models on a GPU."),
)

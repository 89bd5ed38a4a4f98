"""sdm-bench edit"""

from pathlib import Path
from typing import Any

import click

from sdm_bench.commands import options
from sdm_bench.commands.generate import SOLVER_OPTIONS
from sdm_bench.commands.process_options import PROCESS_OPTIONS, take_process
from sdm_bench.commands.speed_options import PATH_OPTION, SPEED_OPTIONS

EXAMPLE = """\b
Examples:
  sdm-bench edit scene.png labels.png edited.png --instances instances.png --checkpoint runs/sdm --out edit
  sdm-bench edit --pairs FOLDER --checkpoint runs/sdm --seeds 0-3 --jump-samples 10 --out edit
  sdm-bench evaluate edit --metric edit --metric edit_lpips --metric edit_miou --segmenter runs/unet
  sdm-bench edit --draw --method sdm --checkpoint toy --out drawn
  sdm-bench report edit --table editing --figure editing --out report

\b
A folder of pairs has images/, labels/ and edited/ with files of the same names, and where there are
any instances/, edited_instances/ and masks/. Label maps are encoded as those of the training.
"""
CHECKPOINT_OPTIONS = (
    click.option(
        "--checkpoint",
        required=True,
        help="A run's folder, a weights file, a released file, folder or archive as its authors packed it, or `toy`, "
        "what ships with the program for --dataset (by default Cityscapes).",
    ),
    click.option("--method", help="The method of --checkpoint (default: what it says)."),
    click.option("--raw", is_flag=True, help="Where weights and their average are there: the weights."),
    click.option("--preset", help="Of a released checkpoint (default: the one whose keys and shapes it has)."),
    click.option("--recipe", help="sdm, sdm-released or spade: how label maps are read (default: as in training)."),
    options.dataset,
    click.option(
        "--data", type=options.EXISTING_FOLDER, help="Where the classes.yaml of one's own dataset is (no default)."
    ),
)
INPAINTING_OPTIONS = (
    click.option(
        "--merge",
        type=click.Choice(["after", "before"]),
        help="Of diffusion models: when what is known comes in, after each step (RePaint's algorithm 1, the default) "
        "or before the network (its released code).",
    ),
    click.option(
        "--jump-samples",
        type=click.IntRange(min=1),
        help="How often each stretch of --jump-length steps is walked (default: 1, once; RePaint: 10). Steps multiply.",
    ),
    click.option("--jump-length", type=click.IntRange(min=1), help="Steps of a jump back (default: 10)."),
    click.option(
        "--strength",
        type=float,
        help="The share of the steps that are walked, up to 1 (default); below, from the picture with noise (SDEdit).",
    ),
)


@click.command(cls=options.Command, epilog=EXAMPLE)
@click.argument("image", required=False, type=options.FILE)
@click.argument("labels", required=False, type=options.FILE)
@click.argument("edited_labels", required=False, type=options.FILE)
@click.option(
    "--pairs", type=options.EXISTING_FOLDER, help="A folder of many, see below (default: the one edit that is named)."
)
@options.with_options(*CHECKPOINT_OPTIONS)
@click.option(
    "--instances", type=options.FILE, help="The instance map of LABELS, for networks with an edge channel (no default)."
)
@click.option(
    "--edited-instances", type=options.FILE, help="That of EDITED_LABELS (default: continued from the other)."
)
@click.option("--mask", type=options.FILE, help="What is erased: a PNG of two values (default: where classes differ).")
@click.option(
    "--margin", type=click.IntRange(min=0), default=0, show_default=True, help="Pixels by which what is erased grows."
)
@options.with_options(*INPAINTING_OPTIONS)
@click.option("--no-paste", is_flag=True, help="Leave outside what the network made of it, not the picture's pixels.")
@options.with_options(*SOLVER_OPTIONS, *PROCESS_OPTIONS)
@click.option("--seeds", type=options.IntegerList(), default="0", show_default=True, help="Like 0-2 or 0,4.")
@click.option("--variant", default="", help="What the tables call this ablation of the method.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Edits computed together (default: up to 8).")
@options.with_options(PATH_OPTION, *SPEED_OPTIONS)
@click.option("--draw", is_flag=True, help="A page on this machine to paint on LABELS, or on a toy scene, and see it.")
@click.option("--port", type=click.IntRange(0, 65535), help="Of --draw (default: any that is free).")
@click.option("--out", required=True, type=options.OUT, help="Where samples/, edit.json and the maps beside them go.")
@options.device
def edit(image: Path | None, labels: Path | None, edited_labels: Path | None, **chosen: Any) -> None:
    """Edit IMAGE: erase it where EDITED_LABELS differs from LABELS, and make that part anew; the rest stays.

    A diffusion model sees at every step what is known. A GAN makes the whole picture, with the style of IMAGE where it
    has an encoder, of which the erased part is taken; its rows say re-synthesis. Writes samples/seed-000/<name>.png.
    """
    from sdm_bench.base.errors import UserError
    from sdm_bench.base.progress import say
    from sdm_bench.checkpoints.generators import WeightsSpec
    from sdm_bench.datasets.pairs import PairFiles, pairs_in
    from sdm_bench.sampling.edit import edit_pictures, open_editor
    from sdm_bench.sampling.editor import InpaintingChoice
    from sdm_bench.sampling.synthesizers import SamplingOptions, Speed

    def take(*names: str) -> dict[str, Any]:
        return {name: chosen.pop(name) for name in names}

    drawn, port = chosen.pop("draw"), chosen.pop("port")
    folder, single = chosen.pop("pairs"), take("instances", "edited_instances", "mask")
    files = {"IMAGE": image, "LABELS": labels, "EDITED_LABELS": edited_labels}
    given = {**files, **{f"--{name.replace('_', '-')}": path for name, path in single.items()}}
    if drawn:
        _refuse_undrawn({"--pairs": folder, **given}, chosen)
    elif port is not None:
        raise UserError(f"--port {port}: does nothing without --draw")
    elif folder is not None:
        idle = [name for name, path in given.items() if path is not None]
        if idle:
            raise UserError(f"--pairs {folder} with {idle[0]}: the folder says all; give one of them")
        pairs = pairs_in(folder)
    elif image is None or labels is None or edited_labels is None:
        raise UserError("say what to edit: IMAGE, LABELS and EDITED_LABELS, --pairs FOLDER, or --draw")
    else:
        maps = (single["instances"], single["edited_instances"], single["mask"])
        pairs = [PairFiles(image.stem, image, labels, edited_labels, *maps)]
    opened = open_editor(
        weights=WeightsSpec(**take("method", "checkpoint", "preset", "raw"), process=take_process(chosen)),
        sampling=SamplingOptions(
            **take("solver", "solver_steps", "timestep_respacing", "guidance", "eta", "threshold", "precision"),
            **take("guidance_by", "segmenter"),
        ),
        choice=InpaintingChoice(**take("merge", "jump_length", "jump_samples", "strength")),
        speed=Speed(**take("path", "spade_cache", "channels_last", "compile")),
        paste=not chosen.pop("no_paste"),
        **take("dataset", "data", "recipe", "device"),
    )
    if drawn:
        from sdm_bench.drawing.draw import draw

        server = draw(opened, image, labels, single["instances"], chosen["out"], port or 0, options.command_line())
        click.echo(server.address)
        say("open this address in a browser on this machine; Ctrl-C ends")
        with server:
            server.serve_forever()
    else:
        edit_pictures(opened, pairs, command=options.command_line(), **chosen)


def _refuse_undrawn(given: dict[str, Path | None], chosen: dict[str, Any]) -> None:
    """Raises UserError for what the page itself says, or has no use for."""
    from sdm_bench.base.errors import UserError
    from sdm_bench.base.processes import rank_and_count

    if rank_and_count()[1] > 1:
        raise UserError("--draw: one process serves the page; start it without torchrun")
    painted = [name for name in ("--pairs", "EDITED_LABELS", "--edited-instances", "--mask") if given[name] is not None]
    painted += ["--margin"] if chosen["margin"] else []
    painted += ["--seeds"] if chosen["seeds"] != [0] else []
    painted += [flag for flag, name in (("--variant", "variant"), ("--batch-size", "batch_size")) if chosen[name]]
    if painted:
        raise UserError(f"{painted[0]} with --draw: on the page; leave it out")
    for name in ("LABELS", "--instances"):
        if given[name] is not None and given["IMAGE"] is None:
            raise UserError(f"{name} with --draw: without IMAGE; give both")

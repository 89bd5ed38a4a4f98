"""sdm-bench completion"""

import click

from sdm_bench.commands import options

EXAMPLE = """\b
Examples:
  sdm-bench completion bash > ~/.local/share/bash-completion/completions/sdm-bench
  sdm-bench completion zsh > ~/.zfunc/_sdm-bench
  sdm-bench completion fish > ~/.config/fish/completions/sdm-bench.fish
"""
PROGRAM = "sdm-bench"
# Where click finds what a shell asks for.
VARIABLE = "_SDM_BENCH_COMPLETE"


@click.command(cls=options.Command, epilog=EXAMPLE)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script for SHELL that completes commands, options and names of methods, protocols and weights.

    zsh looks for it in the folders of $fpath, such as ~/.zfunc after `fpath+=~/.zfunc` in .zshrc.
    """
    from click.shell_completion import get_completion_class

    main = click.get_current_context().find_root().command
    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(main, {}, PROGRAM, VARIABLE).source())

"""Completion of the command line by shells."""

import os
from typing import Annotated, Literal

import click
from click.shell_completion import (
    CompletionItem,
    ShellComplete,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

from builder.cli.options.parameters import Argument, typed

_POWERSHELL = """\
Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($word, $line, $cursor)
    $env:%(complete_var)s = "powershell_complete"
    $env:COMP_WORDS = "$line"
    $env:COMP_WORD = "$word"
    %(prog_name)s | ForEach-Object {
        $text, $help = $_ -split "`t", 2
        if (-not $help) { $help = $text }
        [System.Management.Automation.CompletionResult]::new($text, $text, "ParameterValue", $help)
    }
    Remove-Item Env:%(complete_var)s, Env:COMP_WORDS, Env:COMP_WORD
}
"""


class PowerShellComplete(ShellComplete):
    """PowerShell, which click does not know: the words of its syntax tree, and the one that is begun."""

    name = "powershell"
    source_template = _POWERSHELL

    def get_completion_args(self) -> tuple[list[str], str]:
        begun = os.environ.get("COMP_WORD", "")
        words = split_arg_string(os.environ.get("COMP_WORDS", ""))[1:]
        return (words[:-1] if begun and words else words), begun

    def format_completion(self, item: CompletionItem) -> str:
        return f"{item.value}\t{item.help}" if item.help else str(item.value)


add_completion_class(PowerShellComplete)


@click.command(epilog="Example: layerwright completion bash > /etc/bash_completion.d/layerwright")
@typed
def completion(shell: Annotated[Literal["bash", "zsh", "fish", "powershell"], Argument("SHELL")]) -> None:
    """Print what a shell needs to complete commands, options and recipes.

    SHELL is bash, zsh, fish or powershell. Load it when the shell starts:

    \b
    bash        eval "$(layerwright completion bash)" in ~/.bashrc
    zsh         eval "$(layerwright completion zsh)" in ~/.zshrc
    fish        layerwright completion fish | source in ~/.config/fish/config.fish
    powershell  layerwright completion powershell | Out-String | Invoke-Expression in $PROFILE
    """  # noqa: D301  click's mark for lines that are not wrapped again
    from builder.cli import COMPLETION, main, terminal

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101  each choice is a class of click or ours
    terminal.source(found(main, {}, "layerwright", COMPLETION).source())


COMMANDS = (completion,)

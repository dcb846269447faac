"""The memory of one run: how ops of a job hand over values that must never reach a disk.

What belongs here: an IO manager that keeps values in the process and refuses partial re-executions with a clear word.

What stays out: assets, which write through the workplace and hand over nothing.

See https://docs.dagster.io/guides/build/io-managers
"""

import dagster as dg

RUN_MEMORY = "run_memory"


class RunMemory(dg.IOManager):
    """Hands values from op to op inside one run, in memory: a plan holds issue text and must never reach a disk."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], object] = {}

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Keep a value."""
        self._values[context.step_key, context.name] = obj

    def load_input(self, context: dg.InputContext) -> object:
        """Give a value of this run.

        Raises:
            dg.Failure: the value was made by another run, of which this one is a partial re-execution.
        """
        output = context.upstream_output
        key = (output.step_key, output.name) if output else ("", "")
        if key not in self._values:
            description = (
                "the plan was made by another run and is kept nowhere\n"
                "HINT: Re-execute all steps; what is restored already is found and not made twice."
            )
            raise dg.Failure(description, allow_retries=False)
        return self._values[key]


@dg.io_manager(description="Keeps values in the memory of the run only.")
def run_memory() -> RunMemory:
    """Make the memory of one run."""
    return RunMemory()

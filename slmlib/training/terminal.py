"""What a person sees in a terminal while a model trains: one bar, a line for every measurement."""

from tqdm import tqdm

from slmlib.training.logs import Event
from slmlib.training.run import Result


class TerminalProgress:
    """An observer that draws a progress bar with the time left and prints measurements and stories."""

    def __init__(self) -> None:
        self.bar: tqdm | None = None

    def __call__(self, event: Event) -> None:
        """Show one event of the trainer."""
        kind = event["event"]
        if kind == "start":
            decided = event["decided"]
            self.bar = tqdm(
                total=decided["total_steps"],
                initial=event["step"],
                desc="training",
                unit="step",
                dynamic_ncols=True,
            )
            tqdm.write(
                f"Training for {decided['total_steps']:,} steps. Ctrl-C saves; the same command goes on."
            )
        assert self.bar is not None, "the trainer's first event is `start`"
        if kind == "step":
            self.bar.set_postfix_str(
                f"loss {event['loss']:.3f}, {event['tokens_per_second']:,} tokens/s", refresh=False
            )
            self.bar.update(1)
        elif kind == "evaluation":
            tqdm.write(
                f"step {event['step']:>6,}  {event['bits_per_byte']:.4f} bits per byte  "
                f"perplexity {event['perplexity']:>9,.2f}  loss {event['loss']:.4f}  (whole validation set)"
            )
        elif kind == "warning":
            tqdm.write(f"Warning, step {event['step']:,}: {event['text']}")
        elif kind == "story":
            tqdm.write(f"\n--- a story {event['name']} training ---\n{event['text']}\n")
        elif kind == "end":
            self.bar.close()


def closing_card(result: Result) -> str:
    """The last lines of a run: how good, how fast, where it is, and what to type next."""
    trainer = result.trainer
    total = trainer.config.total_steps
    tokens = trainer.step * trainer.config.batch_size * trainer.model.config.context_length
    speed = f", {tokens / trainer.seconds:,.0f} tokens/s" if trainer.seconds else ""
    lines = [
        f"{'Finished' if result.finished else 'Stopped and saved'}: step {trainer.step:,} of {total:,}"
        + ("" if result.trained_now else " (this run had been finished before)"),
        f"  validation set  {result.evaluation}",
        f"  training        {trainer.seconds:.0f} s, {tokens:,} tokens{speed}",
        f"  peak memory     {trainer.device.peak_memory() / 1e6:,.0f} MB",
        f"  loss curve      {trainer.folder / 'loss.png'}",
        f"  checkpoints     {trainer.folder / 'checkpoints'}",
    ]
    if result.finished:
        lines.append(f"Next: python -m slmlib generate --model {trainer.folder}")
    else:
        lines.append("The same command goes on from here.")
    return "\n".join(lines)

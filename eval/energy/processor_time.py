"""Processor time of this process and of those that it started."""

import time


def processor_seconds() -> float:
    """Seconds of processor time so far, user and system, of this process and every descendant.

    A descendant that has ended counts where its parent has waited for it (its time is then in the parent's
    ``children_user`` and ``children_system``); one that nobody waited for is lost, so the figure may be too low, never
    too high.
    """
    import psutil  # noqa: PLC0415 - of the extra `eval`

    me = psutil.Process()
    own = me.cpu_times()
    total: float = time.process_time() + own.children_user + own.children_system
    for child in me.children(recursive=True):
        try:
            of = child.cpu_times()
        except psutil.Error:  # ended meanwhile, and in the parent's time from now on
            continue
        total += of.user + of.system + of.children_user + of.children_system
    return total

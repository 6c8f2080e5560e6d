"""Whether arrivals still come from the hospital's record: a board that lacks patients must say so."""

from ui.dashboard.here import Here
from ui.dashboard.look import Safe, callout
from ui.dashboard.strings import many, text
from ui.dashboard.times import clock_time


def feed_notices(here: Here) -> list[Safe]:
    """What is wrong with the feed now; nothing where all is well or there is no feed."""
    status = here.service.feed(here.actor)
    if status is None:
        return []
    notices = []
    if status.error is not None:
        since = status.good_at
        title = (
            text("feed.away-never") if since is None else text("feed.away", at=clock_time(since, here.now))
        )
        notices.append(callout(title, text("feed.away-hint", error=status.error), tone="danger", live=True))
    if status.unread:
        notices.append(callout(many("feed.unread", status.unread), text("feed.unread-hint"), tone="warn"))
    return notices

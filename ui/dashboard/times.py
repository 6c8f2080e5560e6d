"""Instants and durations in words."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from ui.dashboard.strings import text


def zone() -> ZoneInfo | None:
    """The zone of the person's browser; None is the server's own."""
    try:
        name = st.context.timezone
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None


def clock_time(at: datetime, now: datetime) -> str:
    """``14:05``, and the date too where it is another day."""
    local, today = at.astimezone(zone()), now.astimezone(zone())
    return f"{local:%H:%M}" if local.date() == today.date() else f"{local:%Y-%m-%d %H:%M}"


def duration(length: timedelta) -> str:
    """``12 min``, ``2 h 5 min``, ``3 d 4 h``, or that it is less than a minute. The sign is dropped."""
    minutes = int(abs(length.total_seconds()) // 60)
    if minutes == 0:
        return text("time.now")
    if minutes < 60:
        return text("time.minutes", minutes=minutes)
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return text("time.hours", hours=hours, minutes=minutes)
    days, hours = divmod(hours, 24)
    return text("time.days", days=days, hours=hours)

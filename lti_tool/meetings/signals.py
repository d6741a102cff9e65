"""What other rooms may listen to. Handlers run inside the transaction of the change."""

from blinker import Signal

# Sent with the program as sender, `session`, and `meetings` (list of Meeting) that have just been planned.
meetings_planned = Signal("meetings-planned")
# Sent with the program as sender, `session`, and `meeting` after its time was changed.
meeting_moved = Signal("meeting-moved")
# Sent with the program as sender, `session`, and `meeting` when it was closed, before it is counted.
meeting_closed = Signal("meeting-closed")

"""What other rooms may listen to. Handlers run inside the transaction of the change."""

from blinker import Signal

# Sent with the course's id as sender after a complete reading that changed who is there, with `session`,
# `joined` and `left`: lists of person ids. Who joined was seen by a reading for the first time, or again.
roster_changed = Signal("roster-changed")

"""What other rooms may listen to. Handlers run inside the transaction of the change."""

from blinker import Signal

# Sent with the course's id as sender and `session` after every complete reading, whether it changed anything or
# not: what an earlier reading brought before it failed, or a launch, is followed up then.
roster_read = Signal("roster-read")

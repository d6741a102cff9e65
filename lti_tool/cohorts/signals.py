"""What other rooms may listen to. Handlers run inside the transaction of the change."""

from blinker import Signal

# Sent with the program as sender, `session`, and `cohorts` (list of Cohort) that have just been published.
cohorts_published = Signal("cohorts-published")

# Sent with the program as sender and `session` when somebody has joined, left or changed a published cohort.
members_changed = Signal("members-changed")

"""What other rooms may listen to. Handlers run inside the transaction of the change."""

from blinker import Signal

# Sent with the program as sender, `session`, and `cohorts` (list of Cohort) that have just been published.
cohorts_published = Signal("cohorts-published")

# Sent with the program as sender and `session` when somebody has joined, left or changed a published cohort.
members_changed = Signal("members-changed")

# Sent with the program as sender, `session`, `cohort` with its new hour, `before` (its WeeklyHour until now, None for
# the program's) and `actor_id` when a published cohort meets at another hour from now on.
cohort_hour_changed = Signal("cohort-hour-changed")

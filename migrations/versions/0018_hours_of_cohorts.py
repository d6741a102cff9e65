"""Let each cohort meet at an hour of its own"""

import sqlalchemy as sa
from alembic import op

revision = 'hours_of_cohorts'
down_revision = 'cohorts_that_end'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('cohort', sa.Column('weekday', sa.Integer(), nullable=True))
    op.add_column('cohort', sa.Column('session_time', sa.Time(), nullable=True))


def downgrade() -> None:
    # Not in a batch: SQLite would make the table anew, and who is in a cohort would go with the old one.
    op.drop_column('cohort', 'session_time')
    op.drop_column('cohort', 'weekday')

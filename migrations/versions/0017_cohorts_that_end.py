"""Let a cohort end whose people went to others"""

import sqlalchemy as sa
from alembic import op

revision = 'cohorts_that_end'
down_revision = 'learners_answers'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('cohort', sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    # Not in a batch: SQLite would make the table anew, and who is in a cohort would go with the old one.
    op.drop_column('cohort', 'ended_at')

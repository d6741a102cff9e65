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
    with op.batch_alter_table('cohort') as batch:
        batch.drop_column('ended_at')

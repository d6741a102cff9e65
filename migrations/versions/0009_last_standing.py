"""Remember as what a person was launched last"""

import sqlalchemy as sa
from alembic import op

revision = 'last_standing'
down_revision = 'sent_without_answer'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('enrolment', sa.Column('launched_as', sa.String(length=20), nullable=True))
    op.add_column(
        'person', sa.Column('launched_as_admin', sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.execute(
        'UPDATE person SET launched_as_admin = true WHERE id IN (SELECT person_id FROM visit WHERE is_admin)'
    )


def downgrade() -> None:
    op.drop_column('person', 'launched_as_admin')
    op.drop_column('enrolment', 'launched_as')

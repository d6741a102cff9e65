"""Rotate signing keys"""

import sqlalchemy as sa
from alembic import op

revision = 'rotate_signing_keys'
down_revision = '0001'
branch_labels = None
depends_on = None

ONE_NEXT = sa.text("state = 'next'")


def upgrade() -> None:
    with op.batch_alter_table('lti_signing_key') as batch_op:
        batch_op.add_column(sa.Column('since', sa.DateTime(timezone=True), nullable=True))
    op.execute('UPDATE lti_signing_key SET since = created_at')
    with op.batch_alter_table('lti_signing_key') as batch_op:
        batch_op.alter_column('since', existing_type=sa.DateTime(timezone=True), nullable=False)
        batch_op.create_index(
            'uq_lti_signing_key_next', ['state'], unique=True, sqlite_where=ONE_NEXT, postgresql_where=ONE_NEXT
        )


def downgrade() -> None:
    with op.batch_alter_table('lti_signing_key') as batch_op:
        batch_op.drop_index('uq_lti_signing_key_next')
        batch_op.drop_column('since')

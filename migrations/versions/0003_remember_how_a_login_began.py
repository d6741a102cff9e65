"""Remember how a login began"""

import sqlalchemy as sa
from alembic import op

revision = 'remember_how_a_login_began'
down_revision = 'rotate_signing_keys'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('lti_login_state') as batch_op:
        batch_op.add_column(sa.Column('login_hint', sa.Text(), server_default='', nullable=False))
        batch_op.add_column(sa.Column('message_hint', sa.Text(), server_default='', nullable=False))
        batch_op.add_column(sa.Column('storage_target', sa.String(length=255), server_default='', nullable=False))


def downgrade() -> None:
    with op.batch_alter_table('lti_login_state') as batch_op:
        batch_op.drop_column('storage_target')
        batch_op.drop_column('message_hint')
        batch_op.drop_column('login_hint')

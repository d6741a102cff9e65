"""Launch without cookies"""

import sqlalchemy as sa
from alembic import op

revision = 'launch_without_cookies'
down_revision = 'register_by_invitation'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('lti_login_state') as batch_op:
        batch_op.add_column(sa.Column('login_hint', sa.Text(), server_default='', nullable=False))
        batch_op.add_column(sa.Column('message_hint', sa.Text(), server_default='', nullable=False))
        batch_op.add_column(sa.Column('storage_target', sa.String(length=255), server_default='', nullable=False))
    with op.batch_alter_table('visit') as batch_op:
        batch_op.create_index('ix_visit_cookie_hash', ['cookie_hash'])


def downgrade() -> None:
    with op.batch_alter_table('visit') as batch_op:
        batch_op.drop_index('ix_visit_cookie_hash')
    with op.batch_alter_table('lti_login_state') as batch_op:
        batch_op.drop_column('storage_target')
        batch_op.drop_column('message_hint')
        batch_op.drop_column('login_hint')

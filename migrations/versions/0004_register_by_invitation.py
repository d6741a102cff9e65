"""Register by invitation"""

import sqlalchemy as sa
from alembic import op

revision = 'register_by_invitation'
down_revision = 'waiting_deployments'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in a batch: SQLite would make the table anew, and the rows that refer to it would go with the old one.
    op.add_column(
        'lti_registration', sa.Column('expects_deployment', sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_table(
        'lti_invitation',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('secret_hash', sa.LargeBinary(length=32), nullable=False),
        sa.Column('note', sa.String(length=200), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_lti_invitation')),
        sa.UniqueConstraint('secret_hash', name=op.f('uq_lti_invitation_secret_hash')),
    )
    op.create_table(
        'lti_pending_registration',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('host', sa.String(length=255), nullable=False),
        sa.Column('doubt', sa.Boolean(), nullable=False),
        sa.Column('name', sa.String(length=200), nullable=False),
        sa.Column('issuer', sa.String(length=255), nullable=False),
        sa.Column('client_id', sa.String(length=255), nullable=False),
        sa.Column('auth_url', sa.String(length=2048), nullable=False),
        sa.Column('token_url', sa.String(length=2048), nullable=False),
        sa.Column('jwks_url', sa.String(length=2048), nullable=False),
        sa.Column('audience', sa.String(length=2048), nullable=False),
        sa.Column('family', sa.String(length=30), nullable=False),
        sa.Column('deployment_id', sa.String(length=255), nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_lti_pending_registration')),
    )
    op.create_index(op.f('ix_lti_pending_registration_host'), 'lti_pending_registration', ['host'])


def downgrade() -> None:
    op.drop_index(op.f('ix_lti_pending_registration_host'), table_name='lti_pending_registration')
    op.drop_table('lti_pending_registration')
    op.drop_table('lti_invitation')
    op.drop_column('lti_registration', 'expects_deployment')

"""Share tokens and the calls that a platform takes among all processes; see whether workers live"""

import sqlalchemy as sa
from alembic import op

revision = 'shared_budget'
down_revision = 'session_rooms'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'lti_token',
        sa.Column('key', sa.String(length=64), nullable=False),
        sa.Column('registration_id', sa.Integer(), nullable=False),
        sa.Column('sealed', sa.LargeBinary(), nullable=True),
        sa.Column('renew_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('leased_by', sa.String(length=32), nullable=True),
        sa.Column('leased_until', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['registration_id'], ['lti_registration.id'], name=op.f('fk_lti_token_registration_id_lti_registration'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('key', name=op.f('pk_lti_token')),
    )
    op.create_table(
        'lti_pace',
        sa.Column('registration_id', sa.Integer(), nullable=False),
        sa.Column('rests_until', sa.DateTime(timezone=True), nullable=True),
        sa.Column('setbacks', sa.Integer(), nullable=False),
        sa.Column('cause', sa.String(length=10), nullable=True),
        sa.ForeignKeyConstraint(['registration_id'], ['lti_registration.id'], name=op.f('fk_lti_pace_registration_id_lti_registration'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('registration_id', name=op.f('pk_lti_pace')),
    )
    op.create_table(
        'lti_lane',
        sa.Column('registration_id', sa.Integer(), nullable=False),
        sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('owner', sa.String(length=32), nullable=True),
        sa.Column('until', sa.DateTime(timezone=True), nullable=True),
        sa.Column('wanted_by', sa.String(length=32), nullable=True),
        sa.Column('wanted_until', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['registration_id'], ['lti_registration.id'], name=op.f('fk_lti_lane_registration_id_lti_registration'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('registration_id', 'number', name=op.f('pk_lti_lane')),
    )
    op.create_table(
        'lti_call_count',
        sa.Column('registration_id', sa.Integer(), nullable=False),
        sa.Column('service', sa.String(length=20), nullable=False),
        sa.Column('outcome', sa.String(length=20), nullable=False),
        sa.Column('calls', sa.BigInteger(), nullable=False),
        sa.Column('seconds', sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(['registration_id'], ['lti_registration.id'], name=op.f('fk_lti_call_count_registration_id_lti_registration'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('registration_id', 'service', 'outcome', name=op.f('pk_lti_call_count')),
    )
    op.create_table(
        'worker_heartbeat',
        sa.Column('worker', sa.String(length=120), nullable=False),
        sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('worker', name=op.f('pk_worker_heartbeat')),
    )


def downgrade() -> None:
    op.drop_table('worker_heartbeat')
    op.drop_table('lti_call_count')
    op.drop_table('lti_lane')
    op.drop_table('lti_pace')
    op.drop_table('lti_token')

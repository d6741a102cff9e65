"""Check LMSs, let operators in, keep what references stand for"""

import sqlalchemy as sa
from alembic import op

revision = 'admin_pages'
down_revision = 'launch_without_cookies'
branch_labels = None
depends_on = None

HAS_REFERENCE = sa.text('problem_reference IS NOT NULL')


def upgrade() -> None:
    op.create_table(
        'checkup',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('registration_id', sa.Integer(), nullable=False),
        sa.Column('tenant_id', sa.Integer(), nullable=True),
        sa.Column('course_id', sa.Integer(), nullable=True),
        sa.Column('may_write', sa.Boolean(), nullable=False),
        sa.Column('state', sa.String(length=10), nullable=False),
        sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('leased_until', sa.DateTime(timezone=True), nullable=True),
        sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('findings', sa.JSON(), nullable=False),
        sa.CheckConstraint("state IN ('requested','running','done')", name=op.f('ck_checkup_state')),
        sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_checkup_course_id_course'), ondelete='SET NULL'),
        sa.ForeignKeyConstraint(['registration_id'], ['lti_registration.id'], name=op.f('fk_checkup_registration_id_lti_registration'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], name=op.f('fk_checkup_tenant_id_tenant'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_checkup')),
    )
    with op.batch_alter_table('checkup') as batch_op:
        batch_op.create_index('ix_checkup_registration_id_tenant_id', ['registration_id', 'tenant_id'], unique=False)
    op.create_table(
        'operator_visit',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('link_hash', sa.String(length=64), nullable=False),
        sa.Column('cookie_hash', sa.String(length=64), nullable=True),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_operator_visit')),
        sa.UniqueConstraint('cookie_hash', name=op.f('uq_operator_visit_cookie_hash')),
        sa.UniqueConstraint('link_hash', name=op.f('uq_operator_visit_link_hash')),
    )
    op.create_table(
        'incident',
        sa.Column('reference', sa.String(length=12), nullable=False),
        sa.Column('code', sa.String(length=60), nullable=False),
        sa.Column('detail', sa.String(length=300), nullable=False),
        sa.Column('registration_id', sa.Integer(), nullable=True),
        sa.Column('deployment_id', sa.String(length=255), nullable=True),
        sa.Column('tenant_id', sa.Integer(), nullable=True),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['registration_id'], ['lti_registration.id'], name=op.f('fk_incident_registration_id_lti_registration'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], name=op.f('fk_incident_tenant_id_tenant'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('reference', name=op.f('pk_incident')),
    )
    with op.batch_alter_table('incident') as batch_op:
        batch_op.create_index(batch_op.f('ix_incident_at'), ['at'], unique=False)
        batch_op.create_index(batch_op.f('ix_incident_registration_id'), ['registration_id'], unique=False)
    op.create_index(
        'ix_gradebook_cell_problem_reference', 'gradebook_cell', ['problem_reference'], unique=False,
        sqlite_where=HAS_REFERENCE, postgresql_where=HAS_REFERENCE,
    )


def downgrade() -> None:
    op.drop_index('ix_gradebook_cell_problem_reference', 'gradebook_cell')
    op.drop_table('incident')
    op.drop_table('operator_visit')
    op.drop_table('checkup')

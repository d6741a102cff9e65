"""Let a worker find out why there are no cohorts"""

import sqlalchemy as sa
from alembic import op

revision = 'cohort_inquiries'
down_revision = 'groups_of_the_lms'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('cohort_inquiry',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('program_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('seed', sa.Integer(), nullable=False),
    sa.Column('rules', sa.JSON(), nullable=False),
    sa.Column('problem', sa.JSON(), nullable=False),
    sa.Column('solution', sa.JSON(), nullable=True),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('leased_until', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['program_id'], ['program.id'], name=op.f('fk_cohort_inquiry_program_id_program'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_cohort_inquiry_person_id_person'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cohort_inquiry')),
    sa.UniqueConstraint('program_id', 'person_id', name=op.f('uq_cohort_inquiry_program_id_person_id'))
    )
    op.create_index(op.f('ix_cohort_inquiry_person_id'), 'cohort_inquiry', ['person_id'])


def downgrade() -> None:
    op.drop_table('cohort_inquiry')

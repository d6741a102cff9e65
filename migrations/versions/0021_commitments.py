"""Keep what people take on in a session, and what became of it"""

import sqlalchemy as sa
from alembic import op

revision = 'commitments'
down_revision = 'cohort_inquiries'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'commitment',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('meeting_id', sa.Integer(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('witness_id', sa.Integer(), nullable=True),
        sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('outcome', sa.String(length=10), nullable=True),
        sa.Column('hindrance', sa.Text(), nullable=True),
        sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('confirmed_by_id', sa.Integer(), nullable=True),
        sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("outcome IN ('kept','partly','not_yet')", name=op.f('ck_commitment_outcome')),
        sa.CheckConstraint('(outcome IS NULL) = (answered_at IS NULL)', name=op.f('ck_commitment_answered')),
        sa.CheckConstraint(
            '(confirmed_at IS NULL) = (confirmed_by_id IS NULL)', name=op.f('ck_commitment_confirmed')
        ),
        sa.CheckConstraint(
            "confirmed_at IS NULL OR outcome IN ('kept','partly')", name=op.f('ck_commitment_confirms_a_deed')
        ),
        sa.CheckConstraint('witness_id <> person_id', name=op.f('ck_commitment_witness')),
        sa.CheckConstraint('confirmed_by_id <> person_id', name=op.f('ck_commitment_not_by_oneself')),
        sa.ForeignKeyConstraint(
            ['meeting_id'], ['meeting.id'], name=op.f('fk_commitment_meeting_id_meeting'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['person_id'], ['person.id'], name=op.f('fk_commitment_person_id_person'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['witness_id'], ['person.id'], name=op.f('fk_commitment_witness_id_person'), ondelete='SET NULL'
        ),
        sa.ForeignKeyConstraint(
            ['confirmed_by_id'], ['person.id'], name=op.f('fk_commitment_confirmed_by_id_person')
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_commitment')),
        sa.UniqueConstraint('meeting_id', 'person_id', name=op.f('uq_commitment_meeting_id_person_id')),
    )
    for column in ('person_id', 'witness_id', 'confirmed_by_id'):
        op.create_index(op.f(f'ix_commitment_{column}'), 'commitment', [column])


def downgrade() -> None:
    op.drop_table('commitment')

"""Keep what partners tell each other after the practice, until when they are asked, and reflections"""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

revision = 'peer_feedback'
down_revision = 'micro_assignment_kinds'
branch_labels = None
depends_on = None

DAYS = 3


def upgrade() -> None:
    # Not in a batch: SQLite would make the tables anew, and what points to their rows would go with the old ones.
    op.add_column('program', sa.Column('feedback_days', sa.Integer(), nullable=False, server_default=str(DAYS)))
    op.add_column(
        'program', sa.Column('catch_up_excuses', sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column('module', sa.Column('feedback', sa.JSON(), nullable=False, server_default='[]'))
    op.create_table(
        'feedback_round',
        sa.Column('meeting_id', sa.Integer(), nullable=False),
        sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('lapsed_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ['meeting_id'], ['meeting.id'], name=op.f('fk_feedback_round_meeting_id_meeting'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('meeting_id', name=op.f('pk_feedback_round')),
    )
    op.create_index(op.f('ix_feedback_round_due_at'), 'feedback_round', ['due_at'])
    op.create_table(
        'peer_feedback',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('meeting_id', sa.Integer(), nullable=False),
        sa.Column('giver_id', sa.Integer(), nullable=False),
        sa.Column('receiver_id', sa.Integer(), nullable=False),
        sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('stand_in', sa.Boolean(), nullable=False),
        sa.Column('declined_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('answers', sa.JSON(), nullable=False),
        sa.Column('text', sa.Text(), nullable=True),
        sa.Column('given_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('helpful', sa.Boolean(), nullable=True),
        sa.Column('reason', sa.Text(), nullable=True),
        sa.Column('counts', sa.Boolean(), nullable=True),
        sa.Column('decided_by_id', sa.Integer(), nullable=True),
        sa.CheckConstraint('giver_id <> receiver_id', name=op.f('ck_peer_feedback_not_to_oneself')),
        sa.CheckConstraint('(given_at IS NULL) = (text IS NULL)', name=op.f('ck_peer_feedback_given')),
        sa.CheckConstraint('given_at IS NULL OR declined_at IS NULL', name=op.f('ck_peer_feedback_declined')),
        sa.CheckConstraint('helpful IS NULL OR given_at IS NOT NULL', name=op.f('ck_peer_feedback_judged')),
        sa.CheckConstraint('(counts IS NULL) = (decided_by_id IS NULL)', name=op.f('ck_peer_feedback_decided')),
        sa.CheckConstraint(
            'decided_by_id <> giver_id AND decided_by_id <> receiver_id',
            name=op.f('ck_peer_feedback_decided_by_another'),
        ),
        sa.ForeignKeyConstraint(
            ['meeting_id'], ['meeting.id'], name=op.f('fk_peer_feedback_meeting_id_meeting'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['giver_id'], ['person.id'], name=op.f('fk_peer_feedback_giver_id_person'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['receiver_id'], ['person.id'], name=op.f('fk_peer_feedback_receiver_id_person'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['decided_by_id'], ['person.id'], name=op.f('fk_peer_feedback_decided_by_id_person')
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_peer_feedback')),
        sa.UniqueConstraint(
            'meeting_id', 'giver_id', 'receiver_id', name=op.f('uq_peer_feedback_meeting_id_giver_id_receiver_id')
        ),
    )
    for column in ('giver_id', 'receiver_id', 'decided_by_id'):
        op.create_index(op.f(f'ix_peer_feedback_{column}'), 'peer_feedback', [column])
    op.create_table(
        'feedback_concern',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('meeting_id', sa.Integer(), nullable=False),
        sa.Column('writer_id', sa.Integer(), nullable=False),
        sa.Column('about_id', sa.Integer(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('written_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('taken_up_by_id', sa.Integer(), nullable=True),
        sa.Column('taken_up_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint('writer_id <> about_id', name=op.f('ck_feedback_concern_about_another')),
        sa.CheckConstraint(
            '(taken_up_at IS NULL) = (taken_up_by_id IS NULL)', name=op.f('ck_feedback_concern_taken_up')
        ),
        sa.CheckConstraint(
            'taken_up_by_id <> about_id', name=op.f('ck_feedback_concern_not_by_whom_it_is_about')
        ),
        sa.ForeignKeyConstraint(
            ['meeting_id'],
            ['meeting.id'],
            name=op.f('fk_feedback_concern_meeting_id_meeting'),
            ondelete='CASCADE',
        ),
        sa.ForeignKeyConstraint(
            ['writer_id'], ['person.id'], name=op.f('fk_feedback_concern_writer_id_person'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['about_id'], ['person.id'], name=op.f('fk_feedback_concern_about_id_person'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['taken_up_by_id'], ['person.id'], name=op.f('fk_feedback_concern_taken_up_by_id_person')
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_feedback_concern')),
        sa.UniqueConstraint(
            'meeting_id', 'writer_id', 'about_id', name=op.f('uq_feedback_concern_meeting_id_writer_id_about_id')
        ),
    )
    for column in ('writer_id', 'about_id', 'taken_up_by_id'):
        op.create_index(op.f(f'ix_feedback_concern_{column}'), 'feedback_concern', [column])
    op.create_table(
        'reflection',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('meeting_id', sa.Integer(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('written_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ['meeting_id'], ['meeting.id'], name=op.f('fk_reflection_meeting_id_meeting'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['person_id'], ['person.id'], name=op.f('fk_reflection_person_id_person'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_reflection')),
        sa.UniqueConstraint('meeting_id', 'person_id', name=op.f('uq_reflection_meeting_id_person_id')),
    )
    op.create_index(op.f('ix_reflection_person_id'), 'reflection', ['person_id'])
    _ask_after_sessions_to_come()


def _ask_after_sessions_to_come() -> None:
    """Nobody is asked about sessions that were closed before there were any questions."""
    meeting = sa.table(
        'meeting', sa.column('id'), sa.column('closed_at'), sa.column('starts_at', sa.DateTime(timezone=True))
    )
    rounds = sa.table('feedback_round', sa.column('meeting_id'), sa.column('due_at', sa.DateTime(timezone=True)))
    connection = op.get_bind()
    waiting = connection.execute(sa.select(meeting.c.id, meeting.c.starts_at).where(meeting.c.closed_at.is_(None)))
    rows = [{'meeting_id': row.id, 'due_at': row.starts_at + timedelta(days=DAYS)} for row in waiting]
    if rows:
        connection.execute(rounds.insert(), rows)


def downgrade() -> None:
    op.drop_table('reflection')
    op.drop_table('feedback_concern')
    op.drop_table('peer_feedback')
    op.drop_table('feedback_round')
    op.drop_column('module', 'feedback')
    op.drop_column('program', 'catch_up_excuses')
    op.drop_column('program', 'feedback_days')

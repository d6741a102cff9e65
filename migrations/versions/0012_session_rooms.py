"""The room of a session: its version, its script as it is played, and who left early"""

import sqlalchemy as sa
from alembic import op

revision = 'session_rooms'
down_revision = 'index_what_names_people'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('meeting', sa.Column('version', sa.Integer(), server_default='0', nullable=False))
    op.create_table(
        'meeting_room',
        sa.Column('meeting_id', sa.Integer(), nullable=False),
        sa.Column('parts', sa.JSON(), nullable=False),
        sa.Column('paired', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ['meeting_id'], ['meeting.id'], name=op.f('fk_meeting_room_meeting_id_meeting'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('meeting_id', name=op.f('pk_meeting_room')),
    )
    with op.batch_alter_table('attendance') as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_attendance_presence'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f('ck_attendance_presence'), "presence IN ('present','late','left','excused','absent')"
        )


def downgrade() -> None:
    # Who left early was there; the audit still says when it was marked.
    op.execute("UPDATE attendance SET presence = 'present' WHERE presence = 'left'")
    with op.batch_alter_table('attendance') as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_attendance_presence'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f('ck_attendance_presence'), "presence IN ('present','late','excused','absent')"
        )
    op.drop_table('meeting_room')
    op.drop_column('meeting', 'version')

"""Read the groups that a course has in the LMS"""

import sqlalchemy as sa
from alembic import op

revision = 'groups_of_the_lms'
down_revision = 'hours_of_cohorts'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('course', sa.Column('groups_url', sa.String(length=2048), nullable=True))
    op.add_column('course', sa.Column('group_sets_url', sa.String(length=2048), nullable=True))
    op.add_column('roster_reading', sa.Column('groups_problem', sa.String(length=500), nullable=True))
    op.create_table('course_group',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('lms_id', sa.String(length=255), nullable=False),
    sa.Column('name', sa.String(length=255), nullable=False),
    sa.Column('set_name', sa.String(length=255), nullable=True),
    sa.Column('reading_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_course_group_course_id_course'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['reading_id'], ['roster_reading.id'], name=op.f('fk_course_group_reading_id_roster_reading'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_course_group')),
    sa.UniqueConstraint('course_id', 'lms_id', name=op.f('uq_course_group_course_id_lms_id'))
    )
    op.create_index(op.f('ix_course_group_reading_id'), 'course_group', ['reading_id'], unique=False)
    op.create_table('course_group_member',
    sa.Column('group_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('reading_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['group_id'], ['course_group.id'], name=op.f('fk_course_group_member_group_id_course_group'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_course_group_member_person_id_person'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['reading_id'], ['roster_reading.id'], name=op.f('fk_course_group_member_reading_id_roster_reading'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('group_id', 'person_id', name=op.f('pk_course_group_member'))
    )
    op.create_index(op.f('ix_course_group_member_person_id'), 'course_group_member', ['person_id'], unique=False)
    op.create_index(op.f('ix_course_group_member_reading_id'), 'course_group_member', ['reading_id'], unique=False)


def downgrade() -> None:
    op.drop_table('course_group_member')
    op.drop_table('course_group')
    # Not in a batch: SQLite would make the tables anew, and what hangs on their rows would go with the old ones.
    op.drop_column('roster_reading', 'groups_problem')
    op.drop_column('course', 'group_sets_url')
    op.drop_column('course', 'groups_url')

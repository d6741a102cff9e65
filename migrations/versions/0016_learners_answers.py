"""Keep what learners say about themselves, with whom they would learn, and their section"""

import sqlalchemy as sa
from alembic import op

revision = 'learners_answers'
down_revision = 'cohort_drafts'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('enrolment', sa.Column('section', sa.String(length=255), nullable=True))
    op.create_table(
        'answers',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('course_id', sa.Integer(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('goal', sa.String(length=20), nullable=True),
        sa.Column('experience', sa.Integer(), nullable=True),
        sa.Column('languages', sa.JSON(), nullable=False),
        sa.Column('zone', sa.String(length=64), nullable=True),
        sa.Column('free', sa.JSON(), nullable=False),
        sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('put_off_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('reminded_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint('experience BETWEEN 0 AND 5', name=op.f('ck_answers_experience')),
        sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_answers_course_id_course'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_answers_person_id_person'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_answers')),
        sa.UniqueConstraint('course_id', 'person_id', name=op.f('uq_answers_course_id_person_id')),
    )
    op.create_index(op.f('ix_answers_person_id'), 'answers', ['person_id'])
    op.create_table(
        'learner_wish',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('course_id', sa.Integer(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('other_id', sa.Integer(), nullable=False),
        sa.Column('kind', sa.String(length=10), nullable=False),
        sa.CheckConstraint("kind IN ('with','avoid')", name=op.f('ck_learner_wish_kind')),
        sa.CheckConstraint('person_id <> other_id', name=op.f('ck_learner_wish_other')),
        sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_learner_wish_course_id_course'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_learner_wish_person_id_person'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['other_id'], ['person.id'], name=op.f('fk_learner_wish_other_id_person'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_learner_wish')),
        sa.UniqueConstraint('course_id', 'person_id', 'other_id', name=op.f('uq_learner_wish_course_id_person_id_other_id')),
    )
    op.create_index(op.f('ix_learner_wish_person_id'), 'learner_wish', ['person_id'])
    op.create_index(op.f('ix_learner_wish_other_id'), 'learner_wish', ['other_id'])


def downgrade() -> None:
    op.drop_table('learner_wish')
    op.drop_table('answers')
    op.drop_column('enrolment', 'section')

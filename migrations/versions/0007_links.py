"""Links: what they open, deep linking requests, the gradebook's plan"""

import sqlalchemy as sa
from alembic import op

revision = 'links'
down_revision = 'admin_pages'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('course_link') as batch_op:
        batch_op.add_column(sa.Column('opens', sa.String(length=100), nullable=True))
    # So far each has opened the first page.
    op.execute("UPDATE course_link SET opens = 'course/home'")
    with op.batch_alter_table('gradebook_column') as batch_op:
        batch_op.add_column(sa.Column('expected_until', sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table('program') as batch_op:
        batch_op.add_column(sa.Column('resource_id', sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column('gradebook_plan', sa.String(length=10), nullable=True))
    # The name that the columns of these programs have in the LMS already.
    op.execute("UPDATE program SET resource_id = 'peerloop-program-' || id, gradebook_plan = 'totals'")
    with op.batch_alter_table('program') as batch_op:
        batch_op.alter_column('resource_id', existing_type=sa.String(length=64), nullable=False)
        batch_op.alter_column('gradebook_plan', existing_type=sa.String(length=10), nullable=False)
        batch_op.create_unique_constraint(batch_op.f('uq_program_course_id_resource_id'), ['course_id', 'resource_id'])
        batch_op.create_check_constraint(
            batch_op.f('ck_program_gradebook_plan'), "gradebook_plan IN ('totals','weeks')"
        )
    op.create_table(
        'deep_linking_request',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('registration_id', sa.Integer(), nullable=False),
        sa.Column('course_id', sa.Integer(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('deployment_id', sa.String(length=255), nullable=False),
        sa.Column('return_url', sa.String(length=2048), nullable=False),
        sa.Column('targets', sa.JSON(), nullable=False),
        sa.Column('many', sa.Boolean(), nullable=False),
        sa.Column('line_items', sa.Boolean(), nullable=False),
        sa.Column('auto_create', sa.Boolean(), nullable=False),
        sa.Column('title', sa.String(length=255), nullable=True),
        sa.Column('text', sa.String(length=255), nullable=True),
        sa.Column('data', sa.Text(), nullable=True),
        sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('chosen', sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ['course_id'], ['course.id'], name=op.f('fk_deep_linking_request_course_id_course'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['person_id'], ['person.id'], name=op.f('fk_deep_linking_request_person_id_person'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['registration_id'],
            ['lti_registration.id'],
            name=op.f('fk_deep_linking_request_registration_id_lti_registration'),
            ondelete='CASCADE',
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_deep_linking_request')),
    )
    op.create_index(op.f('ix_deep_linking_request_course_id'), 'deep_linking_request', ['course_id'])
    op.create_table(
        'course_copy',
        sa.Column('course_id', sa.Integer(), nullable=False),
        sa.Column('origin_id', sa.Integer(), nullable=False),
        sa.Column('decision', sa.String(length=20), nullable=True),
        sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("decision IN ('taken over','afresh')", name=op.f('ck_course_copy_decision')),
        sa.CheckConstraint('(decision IS NULL) = (decided_at IS NULL)', name=op.f('ck_course_copy_decided')),
        sa.ForeignKeyConstraint(
            ['course_id'], ['course.id'], name=op.f('fk_course_copy_course_id_course'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['origin_id'], ['course.id'], name=op.f('fk_course_copy_origin_id_course'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('course_id', name=op.f('pk_course_copy')),
    )


def downgrade() -> None:
    op.drop_table('course_copy')
    op.drop_table('deep_linking_request')
    with op.batch_alter_table('program') as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_program_gradebook_plan'), type_='check')
        batch_op.drop_constraint(batch_op.f('uq_program_course_id_resource_id'), type_='unique')
        batch_op.drop_column('gradebook_plan')
        batch_op.drop_column('resource_id')
    with op.batch_alter_table('gradebook_column') as batch_op:
        batch_op.drop_column('expected_until')
    with op.batch_alter_table('course_link') as batch_op:
        batch_op.drop_column('opens')

"""Kinds of micro-assignments, hand-ins of a pair, late rules, more time, points, spot checks, drafts and files"""

import sqlalchemy as sa
from alembic import op

revision = 'micro_assignment_kinds'
down_revision = 'commitments'
branch_labels = None
depends_on = None

LATE_RULES = {
    'late_rule': "late_rule IN ('full','share','nothing')",
    'late_share': 'late_share BETWEEN 1 AND 99',
    'late_days': 'late_days BETWEEN 0 AND 60',
}


def upgrade() -> None:
    with op.batch_alter_table('module') as batch_op:
        batch_op.add_column(
            sa.Column('assignment_kind', sa.String(length=10), server_default='text', nullable=False)
        )
        batch_op.add_column(sa.Column('assignment_items', sa.Text(), server_default='', nullable=False))
        batch_op.add_column(
            sa.Column('assignment_paired', sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(
            sa.Column('assignment_grading', sa.String(length=10), server_default='partner', nullable=False)
        )
        batch_op.add_column(sa.Column('assignment_rubric', sa.Text(), server_default='', nullable=False))
        batch_op.add_column(sa.Column('assignment_spot_share', sa.Integer(), server_default='0', nullable=False))
        batch_op.create_check_constraint(
            batch_op.f('ck_module_assignment_grading'), "assignment_grading IN ('completion','points','partner')"
        )
        batch_op.create_check_constraint(
            batch_op.f('ck_module_assignment_spot_share'), 'assignment_spot_share BETWEEN 0 AND 100'
        )
        batch_op.create_check_constraint(
            batch_op.f('ck_module_assignment_kind'), "assignment_kind IN ('text','link','checklist','file')"
        )
    _add_late_rules()
    op.create_table(
        'assignment_extension',
        sa.Column('assignment_id', sa.Integer(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('lapsed_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ['assignment_id'], ['assignment.id'], name=op.f('fk_assignment_extension_assignment_id_assignment'),
            ondelete='CASCADE',
        ),
        sa.ForeignKeyConstraint(
            ['person_id'], ['person.id'], name=op.f('fk_assignment_extension_person_id_person'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('assignment_id', 'person_id', name=op.f('pk_assignment_extension')),
    )
    op.create_table(
        'assignment_draft',
        sa.Column('assignment_id', sa.Integer(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('fields', sa.JSON(), nullable=False),
        sa.Column('tab', sa.String(length=32), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ['assignment_id'], ['assignment.id'], name=op.f('fk_assignment_draft_assignment_id_assignment'),
            ondelete='CASCADE',
        ),
        sa.ForeignKeyConstraint(
            ['person_id'], ['person.id'], name=op.f('fk_assignment_draft_person_id_person'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('assignment_id', 'person_id', name=op.f('pk_assignment_draft')),
    )
    op.create_index(op.f('ix_assignment_draft_person_id'), 'assignment_draft', ['person_id'])
    for column in ('due_at', 'person_id'):
        op.create_index(op.f(f'ix_assignment_extension_{column}'), 'assignment_extension', [column])
    with op.batch_alter_table('submission') as batch_op:
        batch_op.add_column(sa.Column('link', sa.String(length=2000), nullable=True))
        batch_op.add_column(sa.Column('file_key', sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column('file_name', sa.String(length=150), nullable=True))
        batch_op.add_column(sa.Column('file_size', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('file_digest', sa.String(length=64), nullable=True))
        batch_op.create_unique_constraint(batch_op.f('uq_submission_file_key'), ['file_key'])
        batch_op.add_column(sa.Column('drawn', sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column('looked_by_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('looked_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('sent_back', sa.Text(), nullable=True))
        batch_op.create_index(batch_op.f('ix_submission_looked_by_id'), ['looked_by_id'])
        batch_op.create_foreign_key(
            batch_op.f('fk_submission_looked_by_id_person'), 'person', ['looked_by_id'], ['id'], ondelete='SET NULL'
        )
    op.create_table(
        'submission_grade',
        sa.Column('submission_id', sa.Integer(), nullable=False),
        sa.Column('levels', sa.JSON(), nullable=False),
        sa.Column('points', sa.Integer(), nullable=False),
        sa.Column('comment', sa.Text(), nullable=True),
        sa.Column('graded_by_id', sa.Integer(), nullable=True),
        sa.Column('graded_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ['submission_id'], ['submission.id'], name=op.f('fk_submission_grade_submission_id_submission'),
            ondelete='CASCADE',
        ),
        sa.ForeignKeyConstraint(
            ['graded_by_id'], ['person.id'], name=op.f('fk_submission_grade_graded_by_id_person'), ondelete='SET NULL'
        ),
        sa.PrimaryKeyConstraint('submission_id', name=op.f('pk_submission_grade')),
    )
    op.create_index(op.f('ix_submission_grade_graded_by_id'), 'submission_grade', ['graded_by_id'])
    op.create_table(
        'submission_credit',
        sa.Column('assignment_id', sa.Integer(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('submission_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ['assignment_id'], ['assignment.id'], name=op.f('fk_submission_credit_assignment_id_assignment'),
            ondelete='CASCADE',
        ),
        sa.ForeignKeyConstraint(
            ['person_id'], ['person.id'], name=op.f('fk_submission_credit_person_id_person'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['submission_id'], ['submission.id'], name=op.f('fk_submission_credit_submission_id_submission'),
            ondelete='CASCADE',
        ),
        sa.PrimaryKeyConstraint('assignment_id', 'person_id', name=op.f('pk_submission_credit')),
    )
    for column in ('person_id', 'submission_id'):
        op.create_index(op.f(f'ix_submission_credit_{column}'), 'submission_credit', [column])
    op.execute(
        'INSERT INTO submission_credit (assignment_id, person_id, submission_id) '
        'SELECT assignment_id, person_id, id FROM submission'
    )


def _add_late_rules() -> None:
    """The program's own, and those that a module has instead."""
    for table, stated in (('program', True), ('module', False)):
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(
                sa.Column('late_rule', sa.String(length=10), server_default='full', nullable=False)
                if stated
                else sa.Column('late_rule', sa.String(length=10), nullable=True)
            )
            batch_op.add_column(
                sa.Column('late_share', sa.Integer(), server_default='50', nullable=False)
                if stated
                else sa.Column('late_share', sa.Integer(), nullable=True)
            )
            batch_op.add_column(sa.Column('late_days', sa.Integer(), nullable=True))
            for name, condition in LATE_RULES.items():
                batch_op.create_check_constraint(batch_op.f(f'ck_{table}_{name}'), condition)


def _drop_late_rules() -> None:
    for table in ('module', 'program'):
        with op.batch_alter_table(table) as batch_op:
            for name in LATE_RULES:
                batch_op.drop_constraint(batch_op.f(f'ck_{table}_{name}'), type_='check')
                batch_op.drop_column(name)


def downgrade() -> None:
    op.drop_table('assignment_draft')
    op.drop_table('assignment_extension')
    _drop_late_rules()
    # A link is kept as text; what was done together stays with the one who handed it in.
    op.execute("UPDATE submission SET text = link || ' ' || text WHERE link IS NOT NULL")
    op.drop_table('submission_credit')
    op.drop_table('submission_grade')
    with op.batch_alter_table('submission') as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_submission_looked_by_id_person'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_submission_looked_by_id'))
        batch_op.drop_constraint(batch_op.f('uq_submission_file_key'), type_='unique')
        for column in ('file_digest', 'file_size', 'file_name', 'file_key', 'sent_back', 'looked_at', 'looked_by_id', 'drawn', 'link'):
            batch_op.drop_column(column)
    with op.batch_alter_table('module') as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_module_assignment_kind'), type_='check')
        for name in ('assignment_grading', 'assignment_spot_share'):
            batch_op.drop_constraint(batch_op.f(f'ck_module_{name}'), type_='check')
            batch_op.drop_column(name)
        batch_op.drop_column('assignment_rubric')
        for column in ('assignment_paired', 'assignment_items', 'assignment_kind'):
            batch_op.drop_column(column)

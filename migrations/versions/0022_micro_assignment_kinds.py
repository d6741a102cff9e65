"""Let a micro-assignment ask for a link or a checklist, or for one hand-in of a pair"""

import sqlalchemy as sa
from alembic import op

revision = 'micro_assignment_kinds'
down_revision = 'commitments'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('module') as batch_op:
        batch_op.add_column(
            sa.Column('assignment_kind', sa.String(length=10), server_default='text', nullable=False)
        )
        batch_op.add_column(sa.Column('assignment_items', sa.Text(), server_default='', nullable=False))
        batch_op.add_column(
            sa.Column('assignment_paired', sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.create_check_constraint(
            batch_op.f('ck_module_assignment_kind'), "assignment_kind IN ('text','link','checklist')"
        )
    op.add_column('submission', sa.Column('link', sa.String(length=2000), nullable=True))
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


def downgrade() -> None:
    # A link is kept as text; what was done together stays with the one who handed it in.
    op.execute("UPDATE submission SET text = link || ' ' || text WHERE link IS NOT NULL")
    op.drop_table('submission_credit')
    op.drop_column('submission', 'link')
    with op.batch_alter_table('module') as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_module_assignment_kind'), type_='check')
        for column in ('assignment_paired', 'assignment_items', 'assignment_kind'):
            batch_op.drop_column(column)

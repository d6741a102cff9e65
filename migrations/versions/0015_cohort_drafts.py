"""Keep several drafts of cohorts to compare, more than one step to undo, and searches in the background"""

import sqlalchemy as sa
from alembic import op

revision = 'cohort_drafts'
down_revision = 'pair_wishes'
branch_labels = None
depends_on = None


def upgrade() -> None:
    undoable = _what_could_be_undone()
    # SQLite makes the table anew: what refers to its rows comes after that, or it would go with the old ones.
    with op.batch_alter_table('cohort_proposal') as batch:
        batch.add_column(sa.Column('number', sa.Integer(), nullable=False, server_default='1'))
        batch.add_column(sa.Column('chosen', sa.Boolean(), nullable=False, server_default=sa.true()))
        batch.drop_column('before')
        batch.drop_constraint('uq_cohort_proposal_program_id', type_='unique')
        batch.create_unique_constraint(op.f('uq_cohort_proposal_program_id_number'), ['program_id', 'number'])
    with op.batch_alter_table('cohort_proposal') as batch:
        batch.alter_column('number', server_default=None)
        batch.alter_column('chosen', server_default=None)
    op.create_index('uq_cohort_proposal_one_chosen', 'cohort_proposal', ['program_id'], unique=True, sqlite_where=sa.text('chosen'), postgresql_where=sa.text('chosen'))
    step = op.create_table(
        'cohort_proposal_step',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('proposal_id', sa.Integer(), nullable=False),
        sa.Column('rules', sa.JSON(), nullable=False),
        sa.Column('problem', sa.JSON(), nullable=False),
        sa.Column('solution', sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(['proposal_id'], ['cohort_proposal.id'], name=op.f('fk_cohort_proposal_step_proposal_id_cohort_proposal'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_cohort_proposal_step')),
    )
    op.create_index(op.f('ix_cohort_proposal_step_proposal_id'), 'cohort_proposal_step', ['proposal_id'])
    op.create_table(
        'cohort_search',
        sa.Column('proposal_id', sa.Integer(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('leased_until', sa.DateTime(timezone=True), nullable=True),
        sa.Column('stop', sa.Boolean(), nullable=False),
        sa.Column('news', sa.Integer(), nullable=False),
        sa.Column('trail', sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(['proposal_id'], ['cohort_proposal.id'], name=op.f('fk_cohort_search_proposal_id_cohort_proposal'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('proposal_id', name=op.f('pk_cohort_search')),
    )
    if undoable:
        op.bulk_insert(step, undoable)


def _what_could_be_undone():
    before = sa.table('cohort_proposal', sa.column('id'), sa.column('before', sa.JSON(none_as_null=True)))
    rows = op.get_bind().execute(sa.select(before.c.id, before.c.before)).all()
    return [{'proposal_id': id_, **values} for id_, values in rows if values is not None]


def downgrade() -> None:
    op.drop_index('uq_cohort_proposal_one_chosen', 'cohort_proposal')
    op.drop_table('cohort_search')
    op.drop_table('cohort_proposal_step')
    op.execute('DELETE FROM cohort_proposal WHERE NOT chosen')
    with op.batch_alter_table('cohort_proposal') as batch:
        batch.drop_constraint('uq_cohort_proposal_program_id_number', type_='unique')
        batch.create_unique_constraint(op.f('uq_cohort_proposal_program_id'), ['program_id'])
        batch.add_column(sa.Column('before', sa.JSON(), nullable=True))
        batch.drop_column('chosen')
        batch.drop_column('number')

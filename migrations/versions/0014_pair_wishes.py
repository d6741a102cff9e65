"""With whom people should rather practise, as chosen for a program"""

import sqlalchemy as sa
from alembic import op

revision = 'pair_wishes'
down_revision = 'shared_budget'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'pair_wish',
        sa.Column('program_id', sa.Integer(), nullable=False),
        sa.Column('different', sa.String(length=60), nullable=True),
        sa.Column('far_apart', sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(
            ['program_id'], ['program.id'], name=op.f('fk_pair_wish_program_id_program'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('program_id', name=op.f('pk_pair_wish')),
    )


def downgrade() -> None:
    op.drop_table('pair_wish')

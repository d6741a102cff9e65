"""Count a cell as differing while nobody knows whether what was sent has arrived"""

import sqlalchemy as sa
from alembic import op

revision = 'sent_without_answer'
down_revision = 'links'
branch_labels = None
depends_on = None

INDEX = 'ix_gradebook_cell_differing'
FIELDS = ('score', 'comment', 'activity', 'grading')


def upgrade() -> None:
    _replace_index(' OR trying_activity IS NOT NULL')


def downgrade() -> None:
    _replace_index('')


def _replace_index(more: str) -> None:
    def condition(distinct: str) -> sa.TextClause:
        return sa.text(' OR '.join(f'wanted_{field} {distinct} sent_{field}' for field in FIELDS) + more)

    op.drop_index(INDEX, table_name='gradebook_cell')
    op.create_index(
        INDEX,
        'gradebook_cell',
        ['column_id', 'try_at'],
        sqlite_where=condition('IS NOT'),
        postgresql_where=condition('IS DISTINCT FROM'),
    )

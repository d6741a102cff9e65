"""Index every column that names a person, or removing people looks through whole tables for each"""

from alembic import op

revision = 'index_what_names_people'
down_revision = 'waiting_registrations'
branch_labels = None
depends_on = None

COLUMNS = (
    ('attendance', 'marked_by_id'),
    ('audit', 'actor_id'),
    ('deep_linking_request', 'person_id'),
    ('person_attribute', 'person_id'),
    ('submission', 'confirmed_by_id'),
)


def upgrade() -> None:
    for table, column in COLUMNS:
        op.create_index(op.f(f'ix_{table}_{column}'), table, [column])


def downgrade() -> None:
    for table, column in COLUMNS:
        op.drop_index(op.f(f'ix_{table}_{column}'), table_name=table)

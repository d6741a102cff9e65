"""Let registrations wait under a reference, and remember the invitation that was used"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = 'waiting_registrations'
down_revision = 'last_standing'
branch_labels = None
depends_on = None

ALPHABET = '23456789ABCDEFGHJKMNPQRSTUVWXYZ'


def upgrade() -> None:
    op.add_column('lti_invitation', sa.Column('host', sa.String(length=255), server_default='', nullable=False))
    with op.batch_alter_table('lti_pending_registration') as batch_op:
        batch_op.add_column(sa.Column('reference', sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column('invitation', sa.String(length=200), nullable=True))
    _give_references()
    with op.batch_alter_table('lti_pending_registration') as batch_op:
        batch_op.alter_column('reference', existing_type=sa.String(length=20), nullable=False)
        batch_op.create_unique_constraint(op.f('uq_lti_pending_registration_reference'), ['reference'])


def downgrade() -> None:
    with op.batch_alter_table('lti_pending_registration') as batch_op:
        batch_op.drop_constraint(op.f('uq_lti_pending_registration_reference'), type_='unique')
        batch_op.drop_column('invitation')
        batch_op.drop_column('reference')
    op.drop_column('lti_invitation', 'host')


def _give_references() -> None:
    table = sa.table('lti_pending_registration', sa.column('id'), sa.column('reference'))
    connection = op.get_bind()
    for (row_id,) in connection.execute(sa.select(table.c.id)).all():
        letters = ''.join(secrets.choice(ALPHABET) for _ in range(6))
        reference = f'{letters[:4]}-{letters[4:]}'
        connection.execute(sa.update(table).where(table.c.id == row_id).values(reference=reference))

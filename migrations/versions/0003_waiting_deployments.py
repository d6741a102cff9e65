"""Let deployments wait under a reference, and remember which instance they are"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = 'waiting_deployments'
down_revision = 'rotate_signing_keys'
branch_labels = None
depends_on = None

ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'


def upgrade() -> None:
    with op.batch_alter_table('lti_deployment') as batch_op:
        batch_op.add_column(sa.Column('reference', sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column('guid', sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column('institution', sa.String(length=255), nullable=True))
        batch_op.create_unique_constraint('uq_lti_deployment_reference', ['reference'])
    _learn_instances()
    _give_references()


def downgrade() -> None:
    with op.batch_alter_table('lti_deployment') as batch_op:
        batch_op.drop_constraint('uq_lti_deployment_reference', type_='unique')
        batch_op.drop_column('institution')
        batch_op.drop_column('guid')
        batch_op.drop_column('reference')


def _learn_instances() -> None:
    """A deployment whose courses belong to one instance is that one; to several, none of them."""
    op.execute("""
        UPDATE lti_deployment SET guid = (
            SELECT CASE WHEN count(DISTINCT tenant.key) = 1 THEN substr(min(tenant.key), 6)
                        WHEN count(DISTINCT tenant.key) > 1 THEN '' END
            FROM tenant JOIN course ON course.tenant_id = tenant.id
            WHERE tenant.registration_id = lti_deployment.registration_id
              AND course.deployment_id = lti_deployment.deployment_id
              AND tenant.key LIKE 'guid:%'
        )
    """)


def _give_references() -> None:
    table = sa.table('lti_deployment', sa.column('id'), sa.column('status'), sa.column('reference'))
    connection = op.get_bind()
    for (row_id,) in connection.execute(sa.select(table.c.id).where(table.c.status == 'pending')).all():
        letters = ''.join(secrets.choice(ALPHABET) for _ in range(6))
        reference = f'{letters[:4]}-{letters[4:]}'
        connection.execute(sa.update(table).where(table.c.id == row_id).values(reference=reference))

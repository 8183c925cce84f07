"""What viewers can read tells nothing that only editors may know."""

from domain.named_secrets import set_secret
from domain.provider_records import SecretSet
from domain.webhook_records import WebhookUpdate
from domain.webhooks import rotate_webhook_secret, update_webhook
from tests.webhooks.hooks import Hooks

_URL = "https://hooks.example/in/very-secret-path"


async def test_the_log_of_the_organisation_shows_no_urls_hosts_or_secrets(hooks: Hooks) -> None:
    viewer, storage = hooks.world.viewer, hooks.world.storage
    webhook, first = await hooks.create_secret(url=_URL)
    await update_webhook(viewer, storage, webhook.id, WebhookUpdate(url=f"{_URL}/2"))
    second = (await rotate_webhook_secret(viewer, storage, webhook.id)).secret
    await set_secret(viewer, storage, SecretSet("CRM", "crm-key", ["crm.inside.example"]))
    records = await hooks.world.database.pool.fetch(
        "SELECT details::text AS told FROM organization_change WHERE organization_id = $1",
        viewer.organization_id,
    )
    told = "".join(r["told"] or "" for r in records)
    assert "CRM" in told
    for secret in ("very-secret-path", "inside.example", "crm-key", first, second):
        assert secret not in told

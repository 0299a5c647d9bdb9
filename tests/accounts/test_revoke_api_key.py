"""`manage.py revoke_api_key`."""

import pytest
from django.core.management import CommandError, call_command

from accounts.services.api_keys import create_api_key, find_api_key
from tests import factories

pytestmark = pytest.mark.django_db


def test_only_the_named_key_ends():
    user = factories.user()
    lost, kept = (create_api_key(user=user, scopes=["patients:read"]) for _ in range(2))
    call_command("revoke_api_key", lost[0].prefix)
    assert find_api_key(lost[1]) is None
    assert find_api_key(kept[1]) == kept[0]


def test_an_unknown_or_ended_key_is_said_so():
    row, _ = create_api_key(user=factories.user(), scopes=["patients:read"])
    call_command("revoke_api_key", row.prefix)
    for prefix in (row.prefix, "cc_unknown"):
        with pytest.raises(CommandError, match="No keys in use begin with"):
            call_command("revoke_api_key", prefix)

"""Documents that are generated from code."""

from django.core.management import call_command


def test_generated_documents_are_up_to_date():
    call_command("document", "--check")

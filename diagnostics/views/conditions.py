"""Pages of the condition library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.policy import Permission, can
from accounts.views.access import other_parameters, page, paginate
from diagnostics.conditions import selectors
from diagnostics.conditions.forms import RevisionForm, SearchForm
from diagnostics.models import ConditionRevision
from diagnostics.models.condition import Audience
from diagnostics.services.conditions import RevisionRefused, revise

if TYPE_CHECKING:
    from django.http import HttpResponse

    from accounts.views.access import PageRequest

TAKEN = "Somebody saved another version at the same moment. Open the page again and put your changes into that one."


@require_safe
@page(Permission.READ_CONDITIONS)
def conditions(request: PageRequest) -> HttpResponse:
    """The library, searched by words."""
    form = SearchForm(request.GET)
    query = form.cleaned_data["q"] if form.is_valid() else ""
    found = selectors.library(request.user, query)
    return render(request, "diagnostics/conditions.html", {"found": found, "q": query})


@require_safe
@page(Permission.READ_CONDITIONS)
def condition(request: PageRequest, slug: str) -> HttpResponse:
    """One condition: for patients in plain words, for everybody else both texts."""
    revision = selectors.revision(request.user, slug)
    return render(request, "diagnostics/condition.html", _context(request, revision))


@require_http_methods(["GET", "POST"])
@page(Permission.EDIT_CONDITIONS)
def edit(request: PageRequest, slug: str) -> HttpResponse:
    """The form of a new version, its preview, and its answer."""
    known = selectors.revision(request.user, slug)
    form = RevisionForm(request.POST or None, of=known)
    preview = None
    if request.method == "POST" and form.is_valid():
        if "preview" in request.POST:
            fields = form.revision()
            preview = ConditionRevision(
                condition=known.condition,
                number=known.number + 1,
                texts=fields["texts"],
                sources=[line for line in fields["sources"] if line.strip()],
                review_by=fields["review_by"],
                author=request.user,
                at=timezone.now(),
            )
        elif _save(request, slug, form):
            return redirect("diagnostics:condition", slug)
    context = {"revision": known, "form": form, "preview": preview}
    if preview:
        context["changes"] = selectors.changed(known, preview)
    return render(request, "diagnostics/edit_condition.html", context, status=422 if form.errors else 200)


def _save(request: PageRequest, slug: str, form: RevisionForm) -> bool:
    try:
        with transaction.atomic():
            row = revise(request.user, slug=slug, **form.revision())
    except RevisionRefused as refusal:
        form.add_error(None, str(refusal))
        return False
    except IntegrityError:
        form.add_error(None, TAKEN)
        return False
    messages.success(request, f"Version {row.number} is in force now. The earlier ones stay in the history.")
    return True


@require_safe
@page(Permission.SEE_CONDITION_HISTORY)
def history(request: PageRequest, slug: str) -> HttpResponse:
    """Every version, newest first, and what each changed."""
    revision = selectors.revision(request.user, slug)
    page_obj = paginate(request, selectors.revisions(request.user, slug), per_page=10)
    rows = list(page_obj)
    numbers = {row.number: row for row in rows}
    if rows and rows[-1].number > 1:  # the one before the last of this page
        last = selectors.revisions(request.user, slug).get(number=rows[-1].number - 1)
        numbers[last.number] = last
    versions = [
        (row, selectors.changed(numbers[row.number - 1], row) if row.number > 1 else []) for row in rows
    ]
    context = {
        "revision": revision,
        "versions": versions,
        "page_obj": page_obj,
        "query": other_parameters(request),
    }
    return render(request, "diagnostics/condition_history.html", context)


def _context(request: PageRequest, revision: ConditionRevision) -> dict[str, Any]:
    return {
        "revision": revision,
        "parts": [(one, one.label, revision.sections(one)) for one in selectors.audiences(request.user)],
        "plain_only": selectors.audiences(request.user) == [Audience.PATIENT],
        "may_edit": can(request.user, Permission.EDIT_CONDITIONS),
        "may_see_history": can(request.user, Permission.SEE_CONDITION_HISTORY),
    }

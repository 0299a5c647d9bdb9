"""The door of every page: who is signed in, what they may do, and how a foreign object answers."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ObjectDoesNotExist
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django_htmx.http import HttpResponseClientRedirect

from accounts.policy import Permission, require

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from django.db.models import Model, QuerySet
    from django.http.response import HttpResponseBase
    from django_htmx.middleware import HtmxDetails

    from accounts.models import User

    ModelT = TypeVar("ModelT", bound=Model)

P = ParamSpec("P")
ResponseT = TypeVar("ResponseT", bound="HttpResponseBase")
PER_PAGE = 25


class PageRequest(HttpRequest):
    """A request as a page sees it: signed in, and asked by htmx or not. For type checkers."""

    user: User
    htmx: HtmxDetails


def page(
    permission: Permission | None,
) -> Callable[
    [Callable[Concatenate[PageRequest, P], ResponseT]],
    Callable[Concatenate[HttpRequest, P], HttpResponse | ResponseT],
]:
    """Open a view to signed-in users who have the permission, or to any of them for None.

    Anonymous users go to the sign-in page and come back afterwards; the wrong role answers 403; an object that is unknown
    or somebody else's, which selectors and services report as DoesNotExist, answers 404.
    """

    def decorate(
        view: Callable[Concatenate[PageRequest, P], ResponseT],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponse | ResponseT]:
        @functools.wraps(view)
        def checked(request: Any, *args: P.args, **kwargs: P.kwargs) -> HttpResponse | ResponseT:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            if permission is not None:
                require(request.user, permission)
            try:
                return view(request, *args, **kwargs)
            except ObjectDoesNotExist:
                raise Http404 from None

        return checked

    return decorate


def _to_sign_in(request: PageRequest) -> HttpResponse:
    """To the sign-in page, as a whole page even where htmx asked for a part of one."""
    if request.htmx:
        return HttpResponseClientRedirect(redirect_to_login(request.htmx.current_url_abs_path or "/").url)
    return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")


def paginate(request: HttpRequest, rows: QuerySet[ModelT], *, per_page: int = PER_PAGE) -> Page[ModelT]:
    """The page of rows that `?page=` asks for; the nearest one where it asks for nonsense."""
    return Paginator(rows, per_page).get_page(request.GET.get("page"))


def other_parameters(request: HttpRequest) -> str:
    """The query string without `page`, ending in "&", for the links of components/pagination.html."""
    parameters = request.GET.copy()
    parameters.pop("page", None)
    return f"{parameters.urlencode()}&" if parameters else ""

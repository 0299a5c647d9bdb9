"""Routes of signing in and of administration."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts.views import administration, signing_in

app_name = "accounts"
urlpatterns = [
    path("login/", signing_in.SignInView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", signing_in.ChangePasswordView.as_view(), name="password"),
    path("users/", administration.users, name="users"),
    path("users/new/", administration.create_user, name="create-user"),
    path("users/<int:user_id>/active/", administration.set_active, name="set-active"),
    path("audit/", administration.audit_trail, name="audit"),
]

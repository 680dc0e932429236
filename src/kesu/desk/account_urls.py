"""allauth's pages that the desk has use for, at the desk's addresses. What is not here does not exist: no sign-up,
no e-mail addresses, no password by mail, no connected accounts.

The names are allauth's: its own code asks for them.
"""

from allauth.account.views import reauthenticate
from allauth.mfa.base.views import authenticate
from allauth.mfa.base.views import reauthenticate as reauthenticate_by_code
from allauth.mfa.recovery_codes.views import download_recovery_codes, generate_recovery_codes, view_recovery_codes
from allauth.mfa.totp.views import activate_totp, deactivate_totp
from allauth.mfa.webauthn.views import (
    add_webauthn,
    edit_webauthn,
    login_webauthn,
    reauthenticate_webauthn,
    remove_webauthn,
)
from django.urls import path

from kesu.accounts.wecom import views as wecom
from kesu.desk.security import kept_nowhere
from kesu.desk.views import entrance, me

urlpatterns = [
    path("sign-in", kept_nowhere(entrance.sign_in), name="account_login"),
    path("sign-in/second-step", kept_nowhere(authenticate), name="mfa_authenticate"),
    path("sign-in/passkey", kept_nowhere(login_webauthn), name="mfa_login_webauthn"),
    path("sign-in/start-over", kept_nowhere(entrance.start_over), name="start_over"),
    path("sign-in/wecom", kept_nowhere(wecom.begin), name="wecom_sign_in"),
    path("sign-in/wecom/back", kept_nowhere(wecom.callback), name="wecom_callback"),
    path("join/<str:token>", kept_nowhere(entrance.join), name="join"),
    path("me/", kept_nowhere(me.me), name="mfa_index"),
    path("me/", kept_nowhere(me.me), name="mfa_list_webauthn"),
    path("me/", kept_nowhere(me.me), name="usersessions_list"),
    path("me/password", kept_nowhere(me.change_password), name="account_change_password"),
    path("me/confirm", kept_nowhere(reauthenticate), name="account_reauthenticate"),
    path("me/confirm/code", kept_nowhere(reauthenticate_by_code), name="mfa_reauthenticate"),
    path("me/confirm/passkey", kept_nowhere(reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"),
    path("me/authenticator/add", kept_nowhere(activate_totp), name="mfa_activate_totp"),
    path("me/authenticator/remove", kept_nowhere(deactivate_totp), name="mfa_deactivate_totp"),
    path("me/recovery-codes", kept_nowhere(view_recovery_codes), name="mfa_view_recovery_codes"),
    path("me/recovery-codes/new", kept_nowhere(generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("me/recovery-codes/download", kept_nowhere(download_recovery_codes), name="mfa_download_recovery_codes"),
    path("me/passkeys/add", kept_nowhere(add_webauthn), name="mfa_add_webauthn"),
    path("me/passkeys/<int:pk>/rename", kept_nowhere(edit_webauthn), name="mfa_edit_webauthn"),
    path("me/passkeys/<int:pk>/remove", kept_nowhere(remove_webauthn), name="mfa_remove_webauthn"),
]

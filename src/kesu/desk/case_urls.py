"""The addresses of one case; part of ``desk.urls``."""

from django.urls import path

from kesu.desk.views import acting, case, composing, trail

CASE = "cases/<int:pk>"

urlpatterns = [
    path(CASE, case.case, name="case"),
    path(f"{CASE}/live", case.live, name="case_live"),
    path(f"{CASE}/audit", trail.trail, name="case_trail"),
    path(f"{CASE}/claim", case.claim, name="claim"),
    path(f"{CASE}/reply", composing.reply, name="reply"),
    path(f"{CASE}/lint", composing.lint, name="lint"),
    path(f"{CASE}/outgoing/<str:token>", composing.outgoing, name="outgoing"),
    path(f"{CASE}/complete", acting.complete, name="complete"),
    path(f"{CASE}/approve", acting.approve, name="approve"),
    path(f"{CASE}/reject", acting.reject, name="reject"),
    path(f"{CASE}/refund", acting.refund, name="refund"),
    path(f"{CASE}/refunds/<int:refund_pk>/resend", acting.resend, name="resend"),
    path(f"{CASE}/requests/<int:request_pk>", acting.decide, name="decide"),
    path(f"{CASE}/commands/<int:command_pk>/withdraw", acting.withdraw, name="withdraw"),
    path(f"{CASE}/commands/<int:command_pk>/settle", acting.settle, name="settle"),
    path(f"{CASE}/note", acting.note, name="note"),
    path(f"{CASE}/assign", acting.assign, name="assign"),
    path(f"{CASE}/agreement", acting.agreement, name="agreement"),
    path(f"{CASE}/phone", acting.phone, name="phone"),
    path(f"{CASE}/reread", acting.reread, name="reread"),
]

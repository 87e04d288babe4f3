from django.urls import path

from scoring.whatif import views

urlpatterns = [
    path("scores/policies/<int:policy_id>/diff/", views.policy_diff, name="policy_diff"),
    path("scores/what-if/", views.chances, name="whatif_chances"),
    path("scores/what-if/try/", views.try_chances, name="whatif_try"),
    path("scores/what-if/<int:job_id>/save/", views.save_chances, name="whatif_save"),
]

from django.urls import path

from scoring.whatif import views

urlpatterns = [
    path("scores/policies/<int:policy_id>/diff/", views.policy_diff, name="policy_diff"),
    path("scores/what-if/", views.chances, name="whatif_chances"),
    path("scores/what-if/try/", views.try_chances, name="whatif_try"),
    path("scores/what-if/<int:job_id>/publish/", views.publish_chances, name="whatif_publish"),
    path("scores/what-if/versions/<int:version_id>/", views.chances_diff, name="whatif_diff"),
    path(
        "scores/what-if/versions/<int:version_id>/rollback/", views.roll_back_chances, name="whatif_rollback"
    ),
]

from django.urls import path

from scoring import policy_views, views
from scoring.automation.urls import urlpatterns as automation_urls
from scoring.cohorts.urls import urlpatterns as cohort_urls
from scoring.growth.urls import urlpatterns as growth_urls
from scoring.outcomes.urls import urlpatterns as outcome_urls
from scoring.people.urls import urlpatterns as people_urls
from scoring.pooling.urls import urlpatterns as pooling_urls
from scoring.quality.urls import urlpatterns as quality_urls
from scoring.whatif.urls import urlpatterns as whatif_urls
from scoring.why.urls import urlpatterns as why_urls

app_name = "scoring"
urlpatterns = [
    path("scores/", views.scores, name="scores"),
    path("scores/run/", views.run, name="run"),
    path("scores/late/", views.affected_accounts, name="affected"),
    path("scores/indicators/", views.indicators, name="indicators"),
    path("accounts/<int:account_id>/override/", views.override, name="override"),
    path("accounts/<int:account_id>/override/end/", views.end_override, name="end_override"),
    path("scores/policies/", policy_views.policy_list, name="policies"),
    path("scores/policies/<int:policy_id>/", policy_views.policy_page, name="policy"),
    path("scores/policies/<int:policy_id>/draft/", policy_views.new_draft, name="policy_draft"),
    path("scores/policies/<int:policy_id>/preview/", policy_views.preview, name="policy_preview"),
    path("scores/policies/<int:policy_id>/publish/", policy_views.publish, name="policy_publish"),
    path("scores/policies/<int:policy_id>/rollback/", policy_views.roll_back, name="policy_rollback"),
    path("scores/policies/<int:policy_id>/discard/", policy_views.discard, name="policy_discard"),
    *outcome_urls,
    *why_urls,
    *automation_urls,
    *quality_urls,
    *whatif_urls,
    *people_urls,
    *growth_urls,
    *pooling_urls,
    *cohort_urls,
]

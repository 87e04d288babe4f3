from django.urls import path

from integrations.views import api, imports, outbound, quarantine, quarantine_many

app_name = "integrations"
urlpatterns = [
    # what comes in
    path("imports/", imports.import_list, name="imports"),
    path("imports/upload/", imports.upload, name="upload"),
    path("imports/format/", imports.import_format, name="import_format"),
    path("imports/<int:bundle_id>/", imports.import_page, name="import"),
    path("imports/<int:bundle_id>/report/", imports.import_report, name="import_report"),
    path("imports/<int:bundle_id>/stop/", imports.import_stop, name="import_stop"),
    path("imports/<int:bundle_id>/rejected/<slug:file>/", imports.import_rejects, name="import_rejects"),
    path("api/v1/imports/", api.send_bundle, name="api_imports"),
    path("api/v1/imports/<int:bundle_id>/", api.import_state, name="api_import"),
    # rejected rows
    path("imports/<int:bundle_id>/rows/", quarantine.quarantine, name="quarantine"),
    path("imports/<int:bundle_id>/rows/list/", quarantine.quarantine_rows, name="quarantine_rows"),
    path("imports/<int:bundle_id>/rows/counts/", quarantine.quarantine_counts, name="quarantine_counts"),
    path(
        "imports/<int:bundle_id>/rows/retry/",
        quarantine_many.quarantine_retry_all,
        name="quarantine_retry_all",
    ),
    path("imports/<int:bundle_id>/rows/again/", quarantine_many.quarantine_again, name="quarantine_again"),
    path(
        "imports/<int:bundle_id>/rows/discard/",
        quarantine_many.quarantine_discard_all,
        name="quarantine_discard_all",
    ),
    path(
        "imports/<int:bundle_id>/rows/back/",
        quarantine_many.quarantine_put_all_back,
        name="quarantine_put_all_back",
    ),
    path("imports/<int:bundle_id>/rows/<int:row_id>/", quarantine.quarantine_row, name="quarantine_row"),
    path(
        "imports/<int:bundle_id>/rows/<int:row_id>/form/", quarantine.quarantine_form, name="quarantine_form"
    ),
    path(
        "imports/<int:bundle_id>/rows/<int:row_id>/retry/",
        quarantine.quarantine_retry,
        name="quarantine_retry",
    ),
    path(
        "imports/<int:bundle_id>/rows/<int:row_id>/discard/",
        quarantine.quarantine_discard,
        name="quarantine_discard",
    ),
    path(
        "imports/<int:bundle_id>/rows/<int:row_id>/back/",
        quarantine.quarantine_put_back,
        name="quarantine_put_back",
    ),
    # what goes out
    path("endpoints/", outbound.endpoint_list, name="endpoints"),
    path("endpoints/new/", outbound.new_endpoint, name="endpoint_new"),
    path("endpoints/<int:connection_id>/", outbound.endpoint_page, name="endpoint"),
    path("endpoints/<int:connection_id>/edit/", outbound.edit_endpoint, name="endpoint_edit"),
    path("endpoints/<int:connection_id>/pause/", outbound.pause_endpoint, name="endpoint_pause"),
    path("endpoints/<int:connection_id>/resume/", outbound.resume_endpoint, name="endpoint_resume"),
    path("endpoints/<int:connection_id>/rotate/", outbound.rotate_secret, name="endpoint_rotate"),
    path("endpoints/<int:connection_id>/test/", outbound.test_endpoint, name="endpoint_test"),
    path("deliveries/", outbound.delivery_list, name="deliveries"),
    path("deliveries/rows/", outbound.delivery_rows, name="delivery_rows"),
    path("deliveries/<int:intent_id>/", outbound.delivery_page, name="delivery"),
    path("deliveries/<int:intent_id>/details/", outbound.delivery_details, name="delivery_details"),
    path("deliveries/<int:intent_id>/replay/", outbound.replay_delivery, name="delivery_replay"),
    path("deliveries/<int:intent_id>/cancel/", outbound.cancel_delivery, name="delivery_cancel"),
]

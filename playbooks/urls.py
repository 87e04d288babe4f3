from django.urls import path

from playbooks.views import plays, queue, queue_answers, queue_bulk, steps, tasks

app_name = "playbooks"
urlpatterns = [
    path("queue/", queue.page, name="queue"),
    path("queue/rows/", queue.rows, name="queue_rows"),
    path("queue/export/", queue.export, name="queue_export"),
    path("queue/accounts/<int:account_id>/why/", queue.why, name="queue_why"),
    path("queue/items/<int:recommendation_id>/accept/", queue_answers.accept, name="accept"),
    path("queue/items/<int:recommendation_id>/snooze/", queue_answers.snooze, name="snooze"),
    path(
        "queue/items/<int:recommendation_id>/snooze/form/", queue_answers.snooze_popover, name="snooze_form"
    ),
    path("queue/items/<int:recommendation_id>/dismiss/", queue_answers.dismiss, name="dismiss"),
    path(
        "queue/items/<int:recommendation_id>/dismiss/form/",
        queue_answers.dismiss_popover,
        name="dismiss_form",
    ),
    path("queue/items/<int:recommendation_id>/undo/", queue_answers.undo, name="undo"),
    path("queue/bulk/", queue_bulk.bulk, name="bulk"),
    path("queue/bulk/form/", queue_bulk.bulk_popover, name="bulk_form"),
    path("queue/bulk/undo/", queue_bulk.undo_bulk, name="undo_bulk"),
    path("plays/", plays.play_list, name="plays"),
    path("plays/rows/", plays.play_rows, name="plays_rows"),
    path("plays/tasks/", plays.tasks, name="my_tasks"),
    path("plays/<int:play_id>/", plays.play_page, name="play"),
    path("plays/<int:play_id>/body/", plays.play_body, name="play_body"),
    path("plays/<int:play_id>/close/", plays.close_play, name="play_close"),
    path("plays/<int:play_id>/stop/", plays.stop_play, name="play_stop"),
    path("plays/<int:play_id>/undo/", plays.undo_play, name="play_undo"),
    path("plays/steps/<int:step_id>/ask/", steps.ask, name="step_ask"),
    path("plays/steps/<int:step_id>/hint/", steps.hint, name="step_hint"),
    path("plays/steps/<int:step_id>/skip/", steps.skip, name="step_skip"),
    path("tasks/<int:task_id>/done/", tasks.done, name="task_done"),
    path("tasks/<int:task_id>/reopen/", tasks.reopen, name="task_reopen"),
    path("accounts/<int:account_id>/tasks/", tasks.add, name="task_add"),
]

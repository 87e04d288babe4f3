from django.urls import path

from playbooks.views import plays, steps, tasks

app_name = "playbooks"
urlpatterns = [
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

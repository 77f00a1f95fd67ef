"""Places for work: so many in the process, a share per run, and none is lost."""

from __future__ import annotations

from app.budget import WORK_LIMITS, Budget, WorkLimit
from app.pages.api import MAX_THREADS


def test_a_run_has_a_share_and_the_process_a_limit():
    budget = Budget({"plan": WorkLimit(2, 1)})
    one = budget.take("plan", "a")
    assert one is not None
    assert budget.take("plan", "a") is None
    assert not budget.is_contended("plan")  # there is a place, though not for this run
    other = budget.take("plan", "b")
    assert other is not None
    assert budget.take("plan", "c") is None
    assert budget.is_contended("plan")
    one.release()
    one.release()  # a second time does nothing
    assert budget.num_held("plan") == 1
    with other:
        pass
    assert budget.num_held("plan") == 0
    assert budget.take("plan", "a") is not None


def test_all_that_needs_a_thread_of_the_server_leaves_some_for_others():
    held = sum(WORK_LIMITS[work].in_process for work in ("figure", "clip", "plan"))
    assert held < MAX_THREADS
    assert all(0 < limit.per_run <= limit.in_process for limit in WORK_LIMITS.values())

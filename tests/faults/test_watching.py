"""What an operator sees of the real thing: figures over two web processes, and the log lines of all of them."""

import json

from prometheus_client.parser import text_string_to_metric_families

from tests.faults.house import children_of


def scrape(house):
    answer = house.browser().get("/metrics")
    assert answer.status_code == 200, answer.text
    families = text_string_to_metric_families(answer.text)
    return {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}


def test_figures_and_log_lines_of_a_served_installation(house):
    serve = house.serve(HOLDFAST_LOG_FORMAT="json", HOLDFAST_METRICS_TOKEN="t")
    fast = ("holdfast_figures_age_seconds", ("set", "fast"))
    each = ("holdfast_figures_age_seconds", ("set", "by_tenant"))
    house.wait_until(
        lambda: {fast, each} <= set(scrape(house)), "the sweeper's figures", alive=serve, every=0.5
    )
    person = house.browser().sign_in("csm@acme.example")
    for _ in range(20):
        assert person.get("/t/acme/accounts/", params={"q": "Grimsby"}).status_code == 200
    asked = ("holdfast_requests_total", ("method", "GET"), ("route", "accounts:list"), ("status", "200"))
    found = scrape(house)
    assert found[asked] == 20, "two processes count together"
    assert found[("holdfast_tenants",)] == 2
    assert found[("holdfast_database_bytes",)] > 1e6
    assert found[("holdfast_figures_took_seconds", ("set", "fast"))] < 2
    assert ("holdfast_unsealed_events", ("tenant", "acme")) in found
    assert ("holdfast_canary_age_seconds",) in found
    # the workers of the web server die, and their counts stay
    web = next(pid for pid in children_of(serve.pid) if len(children_of(pid)) == 2)
    victims = children_of(web)
    for pid in victims:
        house.kill(pid)
    house.wait_until(lambda: len(set(children_of(web)) - set(victims)) == 2, "new web processes")
    house.wait_ready(serve)
    house.wait_until(lambda: scrape(house).get(asked) == 20, "the old counts")
    assert serve.stop() == 0, house.report()
    lines = [line for line in serve.output().splitlines() if line.startswith("{")]
    parsed = [json.loads(line) for line in lines]
    loggers = {line["logger"] for line in parsed}
    assert {"holdfast.access", "gunicorn.error"} <= loggers, loggers
    assert all({"time", "level", "message"} <= set(line) for line in parsed)
    mine = [line for line in parsed if line.get("route") == "accounts:list"]
    assert {(line["tenant"], line["status"]) for line in mine} == {("acme", 200)}
    assert all(line["user_id"] and line["request_id"] for line in mine)
    text = serve.output()
    assert not [word for word in ("Grimsby", "@acme.example", "csrfmiddlewaretoken") if word in text]

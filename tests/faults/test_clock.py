"""Faults of time, on the product's own movable clock: double sweepers, a long pause, jumps, summer time (15 to 17)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SIXTY = [f"s{number:02}" for number in range(60)]


def ticks(house, name, tenant="acme"):
    """The slots of a schedule that were fired for a tenant, oldest first."""
    query = (
        "SELECT slot FROM jobs_scheduletick k JOIN tenants_tenant t ON t.id = k.tenant_id "
        "WHERE k.name = %s AND t.slug = %s ORDER BY slot"
    )
    return [slot for (slot,) in house.sql(query, name, tenant)]


def runs(house, name, tenant="acme"):
    return house.ledger.count("end", name=name, tenant=tenant)


def set_clock(house, moment):
    """The product's clock says `moment` from now on, and goes on."""
    house.clock((moment - datetime.now(UTC)).total_seconds())


def next_hour(days=1):
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=days, hours=1)


def wait_settled(house, name, slot):
    """Until this slot was fired for both tenants and what it asked for is done."""
    for tenant in ("acme", "globex"):
        house.wait_until(
            lambda tenant=tenant: slot in ticks(house, name, tenant), f"{name} at {slot} of {tenant}"
        )
    house.wait_all_jobs()


def test_fault_15_two_worker_groups_and_60_schedules(house):
    start = next_hour()
    set_clock(house, start + timedelta(seconds=5))
    schedules = {"FAULTS_SCHEDULES": " ".join(f"{name}:10" for name in SIXTY)}
    for number in range(2):
        house.worker(**schedules)
        house.sweeper(ready=number == 0, **schedules)
    wait_settled(house, SIXTY[-1], start)
    leader = house.sweeper_session()
    house.sql("SELECT pg_terminate_backend(%s)", leader)  # the other one takes over, and remembers nothing
    house.wait_until(lambda: house.sweeper_session() not in (None, leader), "another leader")
    set_clock(house, start + timedelta(minutes=10, seconds=5))
    wait_settled(house, SIXTY[-1], start + timedelta(minutes=10))
    slots = [start, start + timedelta(minutes=10)]
    for tenant in ("acme", "globex"):
        assert {name: ticks(house, name, tenant) for name in SIXTY} == dict.fromkeys(SIXTY, slots)
        assert {name: runs(house, name, tenant) for name in SIXTY} == dict.fromkeys(SIXTY, 2)
    assert max(house.ledger.times("start", "job").values()) == 1


def test_fault_16_down_for_65_minutes_with_a_schedule_of_10(house):
    start = next_hour()
    set_clock(house, start + timedelta(seconds=5))
    schedules = {"FAULTS_SCHEDULES": "often:10"}
    group, sweeper = house.worker(**schedules), house.sweeper(**schedules)
    wait_settled(house, "often", start)
    for each in (group, sweeper):
        house.kill(each.pid, note=each.name)
        each.kill_group()
    set_clock(house, start + timedelta(minutes=65, seconds=5))
    house.worker(**schedules)
    house.sweeper(**schedules)
    wait_settled(house, "often", start + timedelta(minutes=60))
    lost = house.enqueue("faults.quick", word="later looks")  # its bell is found missing by a later look
    house.sql("DELETE FROM django_q_ormq")
    house.wait_job(lost, "done")
    assert ticks(house, "often") == [start, start + timedelta(minutes=60)], "one run catches up"
    assert runs(house, "often") == 2


def test_fault_17_the_clock_jumps_an_hour_ahead_and_back(house):
    start = next_hour()
    schedules = {"FAULTS_SCHEDULES": "often:10"}
    set_clock(house, start + timedelta(seconds=5))
    house.worker(**schedules)
    house.sweeper(**schedules)
    fired = []
    for minutes in (0, 10, 70, 80, 20, 30, 90):  # an hour ahead, an hour back, and on
        set_clock(house, start + timedelta(minutes=minutes, seconds=5))
        fired.append(start + timedelta(minutes=minutes))
        wait_settled(house, "often", fired[-1])
    assert ticks(house, "often") == sorted(fired), "a slot was skipped, or fired before its time"
    assert runs(house, "often") == len(fired), "a slot was doubled"


def test_fault_17_summer_time_begins_and_ends(house):
    berlin = ZoneInfo("Europe/Berlin")
    house.sql("UPDATE tenants_tenant SET time_zone = 'Europe/Berlin'")
    schedules = {
        "FAULTS_SCHEDULES": "nightly@2 hourly:60"
    }  # hourly comes after nightly: its tick ends a look
    year = datetime.now(UTC).year + 1
    house.clock(0)
    sundays = [
        _last_sunday(year, 3),
        _last_sunday(year, 10),
    ]  # 2 o'clock does not come; 2 o'clock comes twice
    hours = [
        datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour, seconds=5)
        for day in sundays
        for hour in (-22, -1, 0, 1, 2, 23, 25)
    ]
    set_clock(house, hours[0])
    house.worker(**schedules)
    house.sweeper(**schedules)
    for hour in hours:
        set_clock(house, hour)
        wait_settled(house, "hourly", hour.replace(second=0))
    nights = [slot.astimezone(berlin).date() for slot in ticks(house, "nightly")]
    wanted = [day + timedelta(days=plus) for day in sundays for plus in (-1, 0, 1)]
    assert nights == wanted, "each calendar day has one night, and only one"
    assert runs(house, "nightly") == len(wanted)


def _last_sunday(year, month):
    day = datetime(year, month, 31, tzinfo=UTC).date()
    return day - timedelta(days=(day.weekday() + 1) % 7)

"""Every fault ends correct: which test injects which.

notices dropped, duplicated, reordered for a day:
    ``faults/test_notices_for_a_day``, ``stories/test_notices_go_wrong``
notices forged, stale, ``SIGNTEST``, truncated, 1 MB + 1, nested, wrong charset:
    ``faults/test_notices_for_a_day``, ``intake/test_receiver``
notices replayed:
    ``faults/test_notices_for_a_day``, ``intake/test_receiver``
platform: 429, 500, time-outs, bad signatures for an hour:
    ``stories/test_platform_trouble``
platform: half answers (cut, short, truncated but signed, empty, a proxy's page) for an hour:
    ``faults/test_half_answers``
platform: the list grows while it is paged:
    ``faults/test_growing_list``, ``sync/test_polling``
platform: new enums and shapes:
    ``faults/test_surprises``, ``wechatpay/test_resources``
robot down:
    ``stories/test_robot_refuses``, ``faults/test_robots_lie``, ``alerts/test_delivery``
robot slow or hanging:
    ``faults/test_robots_lie``, ``alerts/test_delivery``
robot lying (HTTP 200 and no receipt; shown, then cut):
    ``faults/test_robots_lie``, ``alerts/test_wecom_robot``
PostgreSQL restarted, connections cut, under load:
    ``faults/test_database_goes_away``, ``crash/test_kills``
a machine cut off from the database:
    ``operations/test_fleet``
disk full: the tables, the log of PostgreSQL, our own log:
    ``faults/test_disk_full``
disk full: no complaint, notice or picture is given up for it; pages say so:
    ``faults/test_trouble_is_nobodys_fault``
the clock steps by an hour, both ways:
    ``faults/test_clock_steps``, ``operations/test_watchdog``
a poison complaint:
    ``stories/test_platform_trouble``, ``sync/test_refreshing``
a poison notice, a poison message:
    ``stories/test_violations``, ``alerts/test_delivery``
three days' outage and return:
    ``stories/test_downtime``

Troubles of the platform, of notices and of robots are ordered at the sandbox (``kesu.sandbox.faults``); the disk is a
small file system that is filled; PostgreSQL is stopped and its connections cut as an administrator does it.
"""

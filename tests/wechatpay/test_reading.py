"""The list, the detail and the history: paging, shrinking, resuming."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import httpx2
import pytest

from kesu.wechatpay import (
    Client,
    TooMuchData,
)

pytestmark = pytest.mark.anyio

BEGIN, END = date(2026, 3, 1), date(2026, 3, 29)


def serve_rows(stranger: Any, rows: list[dict[str, Any]], *, fits: int = 50, total: bool = True) -> Any:
    """A list of rows behind limit and offset; a page of more than `fits` rows is too much data."""

    def answer(request: httpx2.Request) -> Any:
        limit, offset = int(request.url.params["limit"]), int(request.url.params["offset"])
        page = rows[offset : offset + limit]
        if len(page) > fits:
            return stranger.error(400, "INVALID_REQUEST", "当前查询结果数据量过大")
        value: dict[str, Any] = {"limit": limit, "offset": offset}
        if page:
            value["data"] = page
        if total and offset == 0:
            value["total_count"] = len(rows)
        return stranger.ok(value)

    stranger.steps = [answer]
    return answer


def numbered(count: int) -> list[dict[str, Any]]:
    return [{"complaint_id": str(number), "log_id": str(number)} for number in range(count)]


def asked(stranger: Any) -> list[tuple[int, int]]:
    return [(int(r.url.params["offset"]), int(r.url.params["limit"])) for r in stranger.requests]


async def ids(client: Client, **options: Any) -> list[str]:
    return [
        complaint.complaint_id
        async for page in client.iterate_complaints(BEGIN, END, **options)
        for complaint in page.complaints
    ]


async def test_one_page_tells_where_it_stands(client: Client, stranger: Any, clock: Any) -> None:
    serve_rows(stranger, [*numbered(3), {"complaint_detail": "no id"}])
    page = await client.list_complaints(BEGIN, END)
    assert (page.rows, page.limit, page.offset, page.total_count) == (4, 50, 0, 4)
    assert page.malformed == [{"complaint_detail": "no id"}]
    assert page.answered_at == clock()
    assert page.complaints[0].answered_at == clock()


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 100, 120])
async def test_iterating_reads_every_row_once(client: Client, stranger: Any, count: int, total: bool) -> None:
    serve_rows(stranger, numbered(count), total=total)
    assert await ids(client) == [str(number) for number in range(count)]


@pytest.mark.parametrize("fits", [49, 25, 13, 1])
async def test_too_much_data_halves_the_limit_and_skips_nothing(client: Client, stranger: Any, fits: int) -> None:
    serve_rows(stranger, numbered(60), fits=fits)
    assert await ids(client) == [str(number) for number in range(60)]
    limits = [limit for _, limit in asked(stranger)]
    assert limits[0] == 50
    assert limits == sorted(limits, reverse=True)


async def test_the_limit_is_halved_down_to_one_and_then_the_error_is_told(client: Client, stranger: Any) -> None:
    serve_rows(stranger, numbered(60), fits=0)
    with pytest.raises(TooMuchData):
        await ids(client)
    assert [limit for _, limit in asked(stranger)] == [50, 25, 12, 6, 3, 1]


async def test_an_unreadable_row_counts_as_a_row(client: Client, stranger: Any) -> None:
    rows = numbered(120)
    rows[10] = {"complaint_detail": "no id"}
    serve_rows(stranger, rows)
    read = await ids(client)
    assert read == [str(number) for number in range(120) if number != 10]
    assert [offset for offset, _ in asked(stranger)] == [0, 50, 100]


async def test_iterating_resumes_at_a_row(client: Client, stranger: Any) -> None:
    serve_rows(stranger, numbered(60))
    assert await ids(client, offset=40) == [str(number) for number in range(40, 60)]


async def test_a_short_page_in_the_middle_does_not_end_the_list(client: Client, stranger: Any) -> None:
    def answer(request: httpx2.Request) -> Any:
        offset = int(request.url.params["offset"])
        rows = numbered(60)[offset : offset + 7]
        return stranger.ok({"data": rows, **({"total_count": 60} if offset == 0 else {})})

    stranger.steps = [answer]
    assert len(await ids(client)) == 60


async def test_a_list_that_promises_more_than_it_has_comes_to_an_end(client: Client, stranger: Any) -> None:
    stranger.steps = [
        lambda request: stranger.ok(
            {"data": numbered(2) if request.url.params["offset"] == "0" else [], "total_count": 9}
        )
    ]
    assert len(await ids(client)) == 2


@pytest.mark.parametrize("data", [None, [], {}])
async def test_absent_rows_are_no_rows(client: Client, stranger: Any, data: Any) -> None:
    stranger.steps = [stranger.ok({"data": data, "total_count": 0})]
    page = await client.list_complaints(BEGIN, END)
    assert page.complaints == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"begin": END, "end": BEGIN},
        {"begin": BEGIN, "end": BEGIN + timedelta(days=31)},
        {"limit": 0},
        {"limit": 51},
    ],
)
async def test_a_list_outside_the_documented_limits_is_not_sent(
    client: Client, stranger: Any, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"\d"):
        await client.list_complaints(**{"begin": BEGIN, "end": END, **arguments})
    assert stranger.requests == []


async def test_a_provider_that_names_no_merchant_asks_for_all(client: Client, stranger: Any) -> None:
    serve_rows(stranger, [])
    await client.list_complaints(BEGIN, END)
    assert "complainted_mchid" not in stranger.last.url.params


async def test_the_whole_history_is_put_together_from_pages(client: Client, stranger: Any, clock: Any) -> None:
    serve_rows(stranger, numbered(700), fits=200)
    history = await client.whole_history("1")
    assert [entry.log_id for entry in history.entries] == [str(number) for number in range(700)]
    assert stranger.last.url.path == "/v3/merchant-service/complaints-v2/1/negotiation-historys"
    assert asked(stranger)[:3] == [(0, 300), (0, 150), (150, 150)]


async def test_a_history_says_it_is_as_old_as_its_first_page(client: Client, stranger: Any, clock: Any) -> None:
    began = clock()
    rows = numbered(400)

    def answer(request: httpx2.Request) -> Any:
        offset = int(request.url.params["offset"])
        made = stranger.ok({"data": rows[offset : offset + 300], "total_count": 400})
        clock.advance(30)
        return made

    stranger.steps = [answer]
    history = await client.whole_history("1")
    assert history.answered_at == began
    assert history.rows == 400


async def test_an_entry_that_shifts_between_pages_is_there_once(client: Client, stranger: Any) -> None:
    pages = [
        {"data": [{"log_id": "b"}, {"log_id": "a"}], "total_count": 4},
        {"data": [{"log_id": "a"}, {"log_id": "0"}]},
    ]
    stranger.steps = [lambda request: stranger.ok(pages.pop(0))]
    history = await client.whole_history("1", limit=2)
    assert [entry.log_id for entry in history.entries] == ["b", "a", "0"]

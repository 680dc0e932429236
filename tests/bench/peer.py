"""What a merchant would write himself: FastAPI, wechatpayv3's callback(), one INSERT and one COMMIT a notice.

Its usual asynchronous form (a psycopg pool). Not handicapped: the same uvicorn with uvloop and httptools, the same
PostgreSQL over the same Unix socket, prepared statements, no access log.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from psycopg_pool import AsyncConnectionPool
from wechatpayv3 import WeChatPay, WeChatPayType

CONNECTIONS = 10
INSERT = """
    insert into peer_notice (envelope_id, event_type, action_type, complaint_id, body) values (%s, %s, %s, %s, %s)
    on conflict (envelope_id) do nothing
"""

keys = json.loads(os.environ["PEER_KEYS"])
wxpay = WeChatPay(
    wechatpay_type=WeChatPayType.NATIVE,
    mchid=keys["mchid"],
    private_key=keys["private_key"],
    cert_serial_no=keys["serial_no"],
    appid="wx0000000000000000",
    apiv3_key=keys["apiv3_key"],
    public_key=keys["public_key"],
    public_key_id=keys["public_key_id"],
)
pool = AsyncConnectionPool(os.environ["PEER_DATABASE"], min_size=CONNECTIONS, max_size=CONNECTIONS, open=False)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await pool.open(wait=True)
    yield
    await pool.close()


app = FastAPI(lifespan=lifespan)


@app.post("/notify")
async def notify(request: Request) -> Response:
    body = await request.body()
    notice = wxpay.callback(request.headers, body)
    if not notice:
        return JSONResponse({"code": "FAIL", "message": "失败"}, status_code=401)
    resource = notice["resource"]
    row = (notice["id"], notice["event_type"], resource["action_type"], resource["complaint_id"], body)
    async with pool.connection() as connection:
        await connection.execute(INSERT, row)
    return Response(status_code=204)

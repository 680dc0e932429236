from __future__ import annotations

import pytest

from kesu.wechatpay import errors
from kesu.wechatpay.errors import error_class, numeric_tail


@pytest.mark.parametrize(
    ("status", "code", "message", "number", "kind"),
    [
        (400, "PARAM_ERROR", "参数错误", None, errors.ParameterError),
        (400, "INVALID_REQUEST", "头部信息不完整", None, errors.InvalidRequest),
        (400, "INVALID_REQUEST", "当前查询结果数据量过大", None, errors.TooMuchData),
        (500, "SYSTEM_ERROR", "当前查询结果数据量过大", None, errors.TooMuchData),
        (400, "INVALID_REQUEST", "当前单据状态不支持操作, 请检查是否重复调用", None, errors.WrongState),
        (400, "INVALID_REQUEST", "", 268440133, errors.WrongState),
        (400, "INVALID_REQUEST", "数据已存在", None, errors.AlreadyExists),
        (400, "PARAM_ERROR", "", 268435484, errors.AlreadyExists),
        (401, "SIGN_ERROR", "签名错误", None, errors.SignError),
        (403, "NO_AUTH", "您暂无权限", None, errors.NoAuth),
        (403, "NOT_ENOUGH", "余额不足", None, errors.NotEnoughBalance),
        (404, "RESOURCE_NOT_EXISTS", "", None, errors.NotFound),
        (400, "RESOURCE_NOT_EXISTS", "", None, errors.NotFound),
        (404, "", "", None, errors.NotFound),
        (429, "FREQUENCY_LIMITED", "", None, errors.RateLimited),
        (429, "RATELIMIT_EXCEEDED", "", None, errors.RateLimited),
        (429, "SOMETHING_ELSE", "", None, errors.RateLimited),
        (400, "", "", 268447840, errors.RateLimited),
        (500, "SYSTEM_ERROR", "", None, errors.PlatformFailure),
        (502, "", "", None, errors.PlatformFailure),
        (400, "BRAND_NEW", "", None, errors.PlatformError),
        (302, "", "", None, errors.PlatformError),
    ],
)
def test_an_error_answer_gets_its_class(
    status: int, code: str, message: str, number: int | None, kind: type[errors.PlatformError]
) -> None:
    assert error_class(status, code, message, number) is kind


@pytest.mark.parametrize(
    ("request_id", "number"),
    [
        ("08F9A5B0C60610D6021804209F8BC40328F5D504-268435461", 268435461),
        ("08F9A5B0C606-0", 0),
        ("a-b-12", 12),
        ("08F9A5B0C606", None),
        ("268435461", None),
        ("", None),
        ("x-", None),
        ("x-１２", None),
        ("x-" + "9" * 5000, None),
    ],
)
def test_the_numeric_code_is_the_tail_of_the_request_id(request_id: str, number: int | None) -> None:
    assert numeric_tail(request_id) == number


def test_an_error_states_code_status_message_and_request_id() -> None:
    error = errors.NoAuth(403, "NO_AUTH", "您暂无权限", request_id="08F9-270701078")
    assert str(error) == "NO_AUTH (HTTP 403): 您暂无权限 [Request-ID 08F9-270701078]"
    assert error.numeric_code == 270701078
    assert "absent" in str(errors.PlatformError(500, "", ""))


def test_only_temporary_conditions_are_retryable() -> None:
    retryable = {kind.__name__ for kind in vars(errors).values() if getattr(kind, "retryable", False) is True}
    assert retryable == {
        "ConnectFailed",
        "PacingTimeout",
        "PlatformFailure",
        "RateLimited",
        "ResponseNotVerified",
        "TimedOut",
        "TransportError",
    }

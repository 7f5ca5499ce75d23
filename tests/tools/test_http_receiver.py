"""The receiver of `make run`: what it accepts, counts, refuses, and says when its port is taken."""

import http.client
import json

import pytest

from host_tools.errors import FAILED, UserError
from host_tools.http_receiver import HttpReceiver


@pytest.fixture
def receiver():
    with HttpReceiver() as running:
        yield running


def post(receiver, body, connection=None, **headers):
    connection = connection or http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)
    connection.request("POST", "/readings", body if isinstance(body, bytes) else json.dumps(body), headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def batch(*seqs, boot=1, device="mb-1"):
    return {"device": device, "backlog": False, "readings": [{"boot": boot, "seq": seq} for seq in seqs]}


def test_counts_readings_and_drops_repeats(receiver):
    calls = []
    receiver.on_batch = lambda *arguments: calls.append(arguments)
    assert [post(receiver, b)[0] for b in (batch(1, 2), batch(2, 3), batch(1, boot=2), batch(1, device="mb-2"), batch())] == [204] * 5
    assert (receiver.readings, receiver.repeats, receiver.batches, receiver.refused) == (5, 1, 5, 0)
    assert calls == [(2, 2), (1, 3), (1, 1), (1, 1), (0, None)]


def test_one_connection_serves_many_batches(receiver):
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)
    assert [post(receiver, batch(n), connection)[0] for n in range(5)] == [204] * 5
    assert post(receiver, b"nonsense", connection)[0] == 400
    assert post(receiver, batch(9), connection)[0] == 204


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe", b"[" * 100_000, [], {}, {"readings": 5}, {"readings": [5]}, {"readings": [{"boot": 1}]},
     {"readings": [{"boot": 1, "seq": "2"}]}, {"readings": [{"boot": 1, "seq": True}]}],
)  # fmt: skip
def test_what_is_no_batch_is_refused_whole(receiver, body):
    status, why = post(receiver, body)
    assert status == 400 and why
    assert (receiver.readings, receiver.refused) == (0, 1)
    assert post(receiver, batch(1))[0] == 204


def test_a_body_that_is_too_long_is_not_read(receiver):
    assert post(receiver, b"", **{"Content-Length": "2000000"})[0] == 413
    assert post(receiver, batch(1))[0] == 204


def test_port_in_use_says_what_to_do(receiver):
    with pytest.raises(UserError) as caught:
        HttpReceiver(port=receiver.port).start()
    assert caught.value.code == FAILED
    assert str(receiver.port) in str(caught.value) and "--http-port" in str(caught.value)


def test_stop_frees_the_port_and_may_come_first():
    HttpReceiver().stop()
    first = HttpReceiver().start()
    first.stop()
    first.stop()
    with HttpReceiver(port=first.port) as second:
        assert post(second, batch(1))[0] == 204

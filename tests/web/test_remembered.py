"""A slow look blocks one thread, not all that ask meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from flask import Flask

from app.web.remembered import Remembered


def test_others_get_the_value_of_before_while_one_looks() -> None:
    app = Flask("any")
    looks: list[int] = []
    under_way, go_on = Event(), Event()

    def look() -> int:
        looks.append(len(looks))
        if len(looks) > 1:
            under_way.set()
            go_on.wait(10)
        return len(looks)

    remembered = Remembered(look, 0)

    def ask(_number: int = 0) -> int:
        with app.app_context():
            return remembered()

    assert ask() == 1
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(8) as many:
        slow = one.submit(ask)
        under_way.wait(10)
        assert set(many.map(ask, range(8))) == {1}
        go_on.set()
        assert slow.result() == 2
    assert len(looks) == 2

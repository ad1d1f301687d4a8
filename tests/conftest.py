"""Fixtures: `arm`, the stand-in for Azure, empty in each test; `az`, the real CLI logged in to it."""
import gc
from unittest.mock import patch

import pytest

# Before they are imported: asserts in helpers say what they compared, and hold under `python -OO`, too.
pytest.register_assert_rewrite('tests.support', 'tests.bench')

from tests.azure import StandIn  # noqa: E402  # after the asserts are rewritten
from tests.support.az import Az, build_wheel  # noqa: E402  # after the asserts are rewritten


#: The files that take longest, so that they are not left to one worker at the end.
_LONGEST = ('test_one_truth.py', 'test_network.py', 'test_demand.py', 'test_contract.py', 'test_faults.py',
            'test_fleet.py', 'test_speed.py', 'test_plan.py', 'test_files.py', 'test_endings.py', 'test_check.py',
            'test_safety.py', 'test_changes.py', 'test_places.py', 'test_list.py', 'test_recommend.py')


def pytest_collection_modifyitems(items):
    """The longest files come first."""
    place = {name: number for number, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.fixture(scope='session', autouse=True)
def _spared_collector():
    """A handler freezes what a process has loaded, once; here it is asked thousands of times whether it did, which
    takes 17 ms each time that it must be counted."""
    gc.freeze()
    gc.set_threshold(50_000)
    with patch.object(gc, 'get_freeze_count', lambda: 1):
        yield


@pytest.fixture(scope='session')
def arm_server():
    """One server for the whole session; tests take `arm`."""
    with StandIn() as server:
        yield server


@pytest.fixture
def arm(arm_server):
    """The stand-in with nothing in it; a handler of it that broke fails the test."""
    arm_server.reset()
    yield arm_server
    failures = arm_server.failures
    arm_server.reset()
    assert not failures, '\n'.join(failures)


@pytest.fixture(scope='session')
def bare_az(arm_server, tmp_path_factory):
    """The real `az` logged in to the stand-in, without the extension."""
    return Az(arm_server, tmp_path_factory.mktemp('bare-az')).log_in()


@pytest.fixture(scope='session')
def wheel(tmp_path_factory):
    """The path of the extension's built wheel."""
    return build_wheel(tmp_path_factory.mktemp('build'))


@pytest.fixture(scope='session')
def az(bare_az, wheel, tmp_path_factory):
    """The real `az` logged in to the stand-in, with the extension installed from its wheel."""
    return bare_az.clone(tmp_path_factory.mktemp('az')).install(wheel)

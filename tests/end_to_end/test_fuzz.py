"""A small run of the fuzzer; the long one is `python -m tests.support.fuzzing`."""
import pytest

from tests.support import fuzzing

CASES = 60


@pytest.mark.parametrize('kind', [fuzzing.file_cases, fuzzing.live_cases, fuzzing.fleet_cases, fuzzing.manifest_cases])
def test_spoilt_input_never_breaks_a_command_nor_the_arithmetic(kind):
    fuzzing.fuzz(kind(), CASES)

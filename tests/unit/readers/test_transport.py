"""Connections of the reader: the bundle of trusted certificates is read once, and what it is for still holds."""
import ssl

import pytest
import requests
from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest

from azext_lbplan.readers.arm import side_by_side
from azext_lbplan.readers.transport import shared_transport


@pytest.fixture
def bundles(monkeypatch):
    """The bundles that are read from now on, in order."""
    read, load = [], ssl.SSLContext.load_verify_locations

    def note(context, *paths):
        read.append(paths[0])
        return load(context, *paths)
    monkeypatch.setattr(ssl.SSLContext, 'load_verify_locations', note)
    monkeypatch.setenv('NO_PROXY', '127.0.0.1')
    return read


def ask(transport, url):
    return transport.send(HttpRequest('GET', f'{url}/tenants')).status_code


def ask_anew(transport, url):
    """Over a connection of its own: those that are open are forgotten."""
    transport.session.get_adapter('https://').poolmanager.clear()
    return ask(transport, url)


def test_one_bundle_is_read_once_for_all_connections(arm, bundles):
    transport = shared_transport(1 << 20, connection_verify=arm.ca_bundle)
    assert [ask_anew(transport, arm.url) for _ in range(3)] == [401] * 3
    assert len({request.connection for request in arm.seen('/tenants')}) == 3
    assert bundles == [arm.ca_bundle]


def test_connections_at_the_same_time_read_it_once(arm, bundles):
    arm.latency(0.3)  # so that none is done before all are there
    transport = shared_transport(1 << 20, connection_verify=arm.ca_bundle)
    assert side_by_side([('', lambda: ask(transport, arm.url))] * 20) == [401] * 20
    assert len({request.connection for request in arm.seen('/tenants')}) == 20
    assert bundles == [arm.ca_bundle]


def test_a_bundle_that_cannot_be_read_is_an_error_each_time(arm, bundles, tmp_path):
    broken = tmp_path / 'broken.pem'
    broken.write_text('no certificate')
    transport = shared_transport(1 << 20, connection_verify=str(broken))
    for _ in range(2):
        with pytest.raises(AzureError):
            ask(transport, arm.url)
    assert bundles == [str(broken)] * 2 and arm.seen('/tenants') == []


def test_the_default_bundle_is_that_of_requests(arm, bundles, monkeypatch):
    monkeypatch.setattr(requests.adapters, 'DEFAULT_CA_BUNDLE_PATH', arm.ca_bundle)
    for name in ('REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'):
        monkeypatch.delenv(name, raising=False)
    assert ask(shared_transport(1 << 20), arm.url) == 401
    assert bundles == [arm.ca_bundle]


def test_a_stranger_and_another_name_are_refused(arm, bundles):
    """127.1 is the same machine under a name that its certificate does not hold."""
    with pytest.raises(AzureError, match='CERTIFICATE_VERIFY_FAILED'):
        ask(shared_transport(1 << 20, connection_verify=requests.certs.where()), arm.url)
    transport = shared_transport(1 << 20, connection_verify=arm.ca_bundle)
    assert ask(transport, arm.url) == 401
    with pytest.raises(AzureError, match='127.1'):
        ask(transport, arm.url.replace('127.0.0.1', '127.1'))
    assert len(arm.seen('/tenants')) == 1 and len(bundles) == 2


@pytest.mark.filterwarnings('ignore:Unverified HTTPS request')  # which is what is asked for
def test_without_verification_nothing_is_read(arm, bundles):
    assert ask(shared_transport(1 << 20, connection_verify=False), arm.url) == 401
    assert bundles == []


def test_through_a_proxy_the_context_is_shared_too(arm, bundles, monkeypatch):
    monkeypatch.setenv('HTTPS_PROXY', arm.proxy.url)
    monkeypatch.delenv('NO_PROXY')
    transport = shared_transport(1 << 20, connection_verify=arm.ca_bundle)
    url = arm.url.replace('127.0.0.1', 'localhost')
    assert ask(transport, url) == 401 and arm.proxy.asked
    assert bundles == [arm.ca_bundle]

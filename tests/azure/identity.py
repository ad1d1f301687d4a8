"""What `az login` needs: token endpoints, the subscriptions, the tenants."""
import base64
import json
import secrets
import time

from tests.azure import ids

_DAY = 24 * 3600


def new_token():
    """A bearer token: an unsigned JWT that is good for as long as any stand-in runs."""
    claims = {'aud': 'https://management.invalid/', 'iss': f'https://sts.invalid/{ids.TENANT}/', 'tid': ids.TENANT,
              'oid': ids.PRINCIPAL, 'sub': ids.PRINCIPAL, 'appid': ids.PRINCIPAL, 'iat': 1700000000,
              'exp': 4102444800, 'jti': secrets.token_urlsafe(16)}
    return '.'.join(_part(value) for value in ({'alg': 'none', 'typ': 'JWT'}, claims)) + '.'


def _part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b'=').decode()


class Identity:
    """Managed identity in the form of App Service (GET), a form-encoded POST by older CLIs and in Cloud Shell, and
    an authority for service principals, which believes any secret."""

    def __init__(self, arm):
        self.arm = arm

    def routes(self):
        return [
            ('GET', '/msi(/token)?', self.token),
            ('POST', '/msi(/token)?|/oauth2/token', self.token),
            ('GET', r'/(?P<tenant>[^/]+)/*(v2\.0)?/\.well-known/openid-configuration', self.authority),
            ('POST', r'/(?P<tenant>[^/]+)/oauth2/v2\.0/token', self.token),
            ('GET', '/subscriptions/?', self.subscriptions),
            ('GET', '/subscriptions/(?P<subscription>[^/]+)', self.subscription),
            ('GET', '/tenants/?', self.tenants),
        ]

    def token(self, request):
        resource = request.query.get('resource') or request.form.get('resource', '')
        expires = int(time.time()) + _DAY
        return 200, {'access_token': self.arm.token, 'expires_on': str(expires), 'expires_in': str(_DAY),
                     'not_before': str(expires - _DAY), 'resource': resource, 'token_type': 'Bearer',
                     'client_id': ids.PRINCIPAL}, None

    def authority(self, request):
        base = f"{request.base_url}/{request.params['tenant']}"
        return 200, {'issuer': f'{base}/v2.0', 'authorization_endpoint': f'{base}/oauth2/v2.0/authorize',
                     'token_endpoint': f'{base}/oauth2/v2.0/token',
                     'device_authorization_endpoint': f'{base}/oauth2/v2.0/devicecode'}, None

    def subscriptions(self, _):
        return 200, {'value': [_subscription(ids.SUBSCRIPTION, 'Stand-in'),
                               _subscription(ids.OTHER_SUBSCRIPTION, 'Other')],
                     'count': {'type': 'Total', 'value': 2}}, None

    def subscription(self, request):
        return 200, _subscription(request.params['subscription'], 'Stand-in'), None

    def tenants(self, _):
        return 200, {'value': [{'id': f'/tenants/{ids.TENANT}', 'tenantId': ids.TENANT, 'countryCode': 'CH',
                                'displayName': 'Stand-in', 'domains': ['standin.invalid'],
                                'defaultDomain': 'standin.invalid', 'tenantCategory': 'Home',
                                'tenantType': 'AAD'}]}, None


def _subscription(number, name):
    return {'id': f'/subscriptions/{number}', 'subscriptionId': number, 'tenantId': ids.TENANT, 'displayName': name,
            'authorizationSource': 'RoleBased', 'state': 'Enabled', 'managedByTenants': [],
            'subscriptionPolicies': {'locationPlacementId': 'Public_2014-09-01', 'quotaId': 'PayAsYouGo_2014-09-01',
                                     'spendingLimit': 'Off'}}

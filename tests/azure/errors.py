"""The error bodies of ARM and of AKS."""


class ArmError(Exception):
    """Raised by a handler: the request is refused with this answer."""

    def __init__(self, status, body, headers=None):
        super().__init__(f'{status} {body}')
        self.status = status
        self.body = body
        self.headers = headers or {}


def arm_error(status, code, message, headers=None):
    """What ARM itself says: everything inside `error` (samples/errors)."""
    return ArmError(status, {'error': {'code': code, 'message': message}}, headers)


def aks_error(code, message, target, subcode=''):
    """What the AKS resource provider says: no `error` around it (jenkins-infra/helpdesk#4046)."""
    return ArmError(400, {'code': code, 'details': None, 'message': message, 'subcode': subcode, 'target': target})


def not_found(kind, name, group):
    return arm_error(404, 'ResourceNotFound',
                     f"The Resource '{kind}/{name}' under resource group '{group}' was not found. "
                     'For more details please go to https://aka.ms/ARMResourceNotFoundFix')


def group_not_found(group):
    return arm_error(404, 'ResourceGroupNotFound', f"Resource group '{group}' could not be found.")


def unknown_type(namespace, kind, api_version):
    return arm_error(404, 'InvalidResourceType',
                     f"The resource type '{kind}' could not be found in the namespace '{namespace}' "
                     f"for api version '{api_version}'.")


def unknown_subscription(subscription):
    return arm_error(404, 'SubscriptionNotFound', f"The subscription '{subscription}' could not be found.")


def forbidden(client, action, scope):
    """The text of samples/errors/006."""
    return arm_error(403, 'AuthorizationFailed',
                     f"The client '{client}' with object id '{client}' does not have authorization to perform "
                     f"action '{action}' over scope '{scope}' or the scope is invalid. If access was recently "
                     'granted, please refresh your credentials.')


def unauthenticated():
    return arm_error(401, 'AuthenticationFailed',
                     "Authentication failed. The 'Authorization' header is missing or invalid.",
                     {'WWW-Authenticate': 'Bearer authorization_uri="https://login.invalid/", '
                                          'error="invalid_token", error_description="The access token is invalid."'})

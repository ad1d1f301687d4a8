# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The handler on Services. It stands by itself, so that manifests do not pay for the decisions on clusters: these are a
third of what of ours is imported."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from knack.log import get_logger

from ._outcome import Handling
from ._reporting import check_target, reported
from .facts.snat import minor_version
from .model.finding import WARNING
from .model.service_context import NO_CLUSTER, ServiceContext
from .options import Typed, takes
from .readers.manifests import read_manifests
from .rules.baseline import Place, compared
from .rules.service import check_manifests
from .views import services, since
from .views.answer import Answer
from .views.endings import Hint

logger = get_logger(__name__)


@takes('check-service')
def lb_check_service(cmd: Any, typed: Typed) -> List[Dict[str, Any]]:
    """What is wrong with manifests of Services."""
    with Handling(cmd.cli_ctx, typed) as handling:
        check_target(typed)
        earlier = _earlier(typed)
        checked = check_manifests(read_manifests(typed.filename, typed.recursive), _cluster(typed))
        if not checked.services:
            logger.warning(services.nothing_checked(checked))
        became = None if earlier is None else compared(since.places_in(checked), earlier, checked.looked_at)
        result = since.told_of_services(services.check_service(checked), became)
        reported(typed, [Answer('check-service', result, None, typed.source.from_file, typed.fail_on)])
        return handling.finish(result, since.counting(services.judged(checked), became),
                               [Hint(WARNING, services.summary(checked)), *since.hint(became)],
                               services.unread(checked))


def _cluster(typed: Typed) -> ServiceContext:
    """The cluster of a file, where one was given, with the version that was typed."""
    cluster, version = NO_CLUSTER, minor_version(typed.options.scale.kubernetes_version)
    if typed.source.from_file:
        from .decision import decide
        from .decision.service_room import service_context
        from .readers import snapshot
        cluster = service_context(decide(snapshot.load_one(typed.source.from_file)))
    return cluster._replace(kubernetes_version=version) if version else cluster


def _earlier(typed: Typed) -> Optional[List[Place]]:
    """What was found on Services at the time of the baseline; None without one."""
    if typed.baseline is None:
        return None
    from .readers.baseline import read_services
    return since.places_before(read_services(typed.baseline))

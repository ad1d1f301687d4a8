"""Both passes over the metrics of a simulated workload, as a reader makes them, without a server in between."""
import json

from azext_lbplan.demand import Window, first_pass, measure, second_pass, weaker
from azext_lbplan.model.metrics import Answer, aggregation_refused

from tests.azure.monitor import BadRequest, Monitor


class Asked:
    """The answers of both passes, their size in bytes, and how many requests they took."""

    def __init__(self, workload, end, days=7, nodes=None, frontends=None, timeout=30, **switches):
        self.monitor = Monitor(workload, now=end, **switches)
        self.timeout = timeout
        self.bytes = 0
        self.requests = 0
        self.window = Window(end - int(days * 1440), end)
        first = first_pass(self.window, nodes or len(workload.nodes), frontends or len(workload.frontends))
        self.first = self.ask(first)
        self.second = self.ask(second_pass(self.first, self.window, timeout))
        self.answers = self.first + self.second

    def ask(self, queries):
        """One answer for each query; weaker questions where one is refused."""
        answers = []
        for query in queries:
            body = self._get(query)
            while body is None or (aggregation_refused(body) and weaker(query)):
                query = weaker(query)
                body = self._get(query)
            answers.append(Answer(query, body))
        return tuple(answers)

    def _get(self, query):
        self.requests += 1
        try:
            body = self.monitor.answer({name.lower(): value for name, value in query.parameters().items()}, 'lb')
        except BadRequest:
            return None
        text = json.dumps(body, separators=(',', ':'))
        self.bytes += len(text)
        return json.loads(text)

    def demand(self):
        return measure(self.answers, self.timeout)

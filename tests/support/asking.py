"""The metrics of a simulated workload, asked for as a reader does, without a server in between."""
import json

from azext_lbplan.demand import Window, measure, questions, weaker
from azext_lbplan.model.answers import Answer
from azext_lbplan.model.metrics import aggregation_refused

from tests.azure.monitor import BadRequest, Monitor


class Asked:
    """The answers of each round, and how many requests they took.

    `spoil` makes another body of an answer's, see tests.support.spoiled."""

    def __init__(self, workload, end, days=7, nodes=None, frontends=None, timeout=30, spoil=None, **switches):
        self.monitor = Monitor(workload, now=end, **switches)
        self.timeout = timeout
        self.spoil = spoil
        self._bodies = []
        self.requests = 0
        self.window = Window(end - int(days * 1440), end)
        self.rounds = answered(self.questions(nodes or len(workload.nodes), frontends or len(workload.frontends)),
                               self.ask)
        self.answers = sum(self.rounds, ())

    def questions(self, nodes=1, frontends=1):
        return questions(self.window, nodes, frontends, self.timeout)

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
        self._bodies.append(body)
        return self.spoil(body, query) if self.spoil else body

    @property
    def bytes(self):
        """The size of all that was answered."""
        return sum(len(json.dumps(body, separators=(',', ':'))) for body in self._bodies)

    def demand(self):
        return measure(self.answers, self.timeout)


def answered(asking, answer):
    """The answers to each round of the questions `asking`, where `answer` gives those to its queries."""
    rounds = [answer(next(asking))]
    for queries in iter(lambda: next_round(asking, rounds[-1]), ()):
        rounds.append(answer(queries))
    return rounds


def next_round(asking, answers):
    """The queries that follow from `answers`; none at the end."""
    try:
        return asking.send(answers)
    except StopIteration:
        return ()

"""What a question would take. The high bounds hold whatever a model does: no tokenizer makes more
tokens of a text than it has bytes, answers are cut at their bound by the provider, and nothing is
asked more often than `MOST_ATTEMPTS` times. A web search is the exception: what it reads counts as
input, and nobody bounds it."""

from decimal import Decimal

from domain.plain_json import json_text
from domain.provider_records import Provider
from domain.tool_ports import CallEstimate
from processing.providers import contracts
from processing.providers.prices import cost
from processing.providers.questions import Question

#: The first one, and two more.
MOST_ATTEMPTS = 3

#: What providers add around messages, and a sentence about what was wrong.
_AROUND = 300
_SEARCH_TOKENS = 30_000
_BYTES_OF_A_TOKEN = 4
_LEAST_ANSWER = 12


def estimate(provider: Provider, question: Question) -> CallEstimate:
    """Least and most of tokens and costs."""
    schema = contracts.schema(question.column)
    texts = (question.system, question.user, json_text(schema) if schema else "")
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    searched = _SEARCH_TOKENS if question.network else 0
    input_low, input_high = size // _BYTES_OF_A_TOKEN, (size + _AROUND + searched) * MOST_ATTEMPTS
    output_low = min(_LEAST_ANSWER, question.most_tokens)
    output_high = question.most_tokens * MOST_ATTEMPTS
    return CallEstimate(
        input_low,
        input_high,
        output_low,
        output_high,
        _cost(provider, question, input_low, output_low),
        _cost(provider, question, input_high, output_high),
    )


def _cost(provider: Provider, question: Question, inputs: int, outputs: int) -> Decimal | None:
    return cost(provider, question.model, inputs, outputs)

"""Traces of answers as OpenTelemetry spans, sent to the collector that is configured.

Names, times, counts and costs only: neither questions nor words of documents leave by this way.
"""

from __future__ import annotations

from typing import Any

from store.models import Answer, ModelCall

_NS = 1_000_000_000
_TIMEOUT_S = 5


class Telemetry:
    """Sends in the background; a collector that does not answer costs an answer nothing."""

    def __init__(self, endpoint: str):
        """`endpoint` speaks OTLP over gRPC, as http://127.0.0.1:4317."""
        # Imported here: half a second that only those pay who have a collector.
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = OTLPSpanExporter(
            endpoint=endpoint, insecure=not endpoint.startswith("https"), timeout=_TIMEOUT_S
        )
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "footnote"}), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("footnote.retrieval")

    def send(self, answer: Answer) -> None:
        """One span for the answer, one below it for each step of its trace, and for each request
        to a model."""
        from opentelemetry.trace import SpanKind, set_span_in_context

        trace = answer.trace
        if trace is None:
            return
        began = int(trace.began_at * _NS)
        whole = self._tracer.start_span("answer", start_time=began, attributes=_attributes(answer))
        below = set_span_in_context(whole)
        for step in trace.steps:
            at = int(step.at * _NS)
            span = self._tracer.start_span(step.name, context=below, start_time=at)
            span.end(end_time=at + int(step.ms * _NS / 1000))
        for call in trace.calls:
            at = int(call.at * _NS)
            span = self._tracer.start_span(
                f"chat {call.model}",
                context=below,
                kind=SpanKind.CLIENT,
                start_time=at,
                attributes=_call_attributes(call),
            )
            span.end(end_time=at + int(call.ms * _NS / 1000))
        whole.end(end_time=began + answer.ms * _NS // 1000)

    def close(self) -> None:
        """Sends what is left, for at most a few seconds."""
        self._provider.force_flush(_TIMEOUT_S * 1000)
        self._provider.shutdown()


def _attributes(answer: Answer) -> dict[str, Any]:
    trace = answer.trace
    assert trace is not None
    usage = trace.usage
    spent: dict[str, Any] = {}
    if usage is not None:
        # Under our own names: sums under gen_ai.* would be counted a second time.
        spent["footnote.input_tokens"] = usage.input_tokens
        spent["footnote.output_tokens"] = usage.output_tokens
        spent["footnote.tokens_estimated"] = usage.estimated
    if usage is not None and usage.cost is not None:
        spent["footnote.cost"] = usage.cost
    return {
        **spent,
        "footnote.route": answer.route,
        "footnote.refused": answer.refused,
        "footnote.model": answer.model or "",
        "footnote.prompt": trace.prompt or "",
        "footnote.sentences": len(answer.sentences),
        "footnote.unsupported": sum(not s.supported for s in answer.sentences),
        "footnote.citations": len(answer.citations),
        "footnote.candidates": len(trace.candidates),
        "footnote.warnings": len(answer.warnings),
    }


def _call_attributes(call: ModelCall) -> dict[str, Any]:
    """Names as of OpenTelemetry's semantic conventions for generative AI, as far as they go."""
    said: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",  # the protocol: whose server it is, nobody can tell
        "gen_ai.request.model": call.model,
        "footnote.prompt": call.prompt or "",
        "footnote.tokens_estimated": call.estimated,
    }
    if call.input_tokens or call.output_tokens:
        said["gen_ai.usage.input_tokens"] = call.input_tokens
        said["gen_ai.usage.output_tokens"] = call.output_tokens
    if call.cost is not None:
        said["footnote.cost"] = call.cost
    if call.error is not None:
        said["error.type"] = call.error
    return said

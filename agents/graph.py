"""The graph: screen, assess, verify, second look, reconcile, propose, review [interrupt], write back, audit."""

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agents.context import AgentContext
from agents.nodes.assess import assess
from agents.nodes.audit import audit
from agents.nodes.propose import propose
from agents.nodes.reconcile import reconcile
from agents.nodes.review import review
from agents.nodes.screen import screen
from agents.nodes.second_look import second_look
from agents.nodes.verify import verify
from agents.nodes.write_back import write_back
from agents.state import CaseInput, CaseState

CaseGraph = CompiledStateGraph[CaseState, AgentContext, CaseInput, CaseState]

NODES = (
    ("screen", screen),
    ("assess", assess),
    ("verify", verify),
    ("second_look", second_look),
    ("reconcile", reconcile),
    ("propose", propose),
    ("review", review),
    ("write_back", write_back),
    ("audit", audit),
)


def build_graph(checkpoints: BaseCheckpointSaver[str] | None) -> CaseGraph:
    """Compile the graph. Without a saver it cannot wait for a clinician: only for drawing it."""
    builder = StateGraph(CaseState, context_schema=AgentContext, input_schema=CaseInput)
    previous = START
    for name, node in NODES:
        builder.add_node(name, node)
        builder.add_edge(previous, name)
        previous = name
    builder.add_edge(previous, END)
    return builder.compile(checkpointer=checkpoints, name="triage")

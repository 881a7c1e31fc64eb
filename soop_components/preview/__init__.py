"""What an update would do: facts as typed values, and words for them.

``facts`` has the values, as `soop plan --json` prints them: a ``DomainPreview`` has a ``ServicePreview`` per service,
each of these its roles, nodes and steps. Pure functions make them of what is and what is wanted:

* ``service.service_preview(before, after, found)``: of two ``ReleaseInputs``; None where there is no such service.
* ``preview_of_plans(before, after)``: of two ``DomainPlan``, without an engine: what a change of definitions means.
* ``preview_of_steps(id, steps, warnings)``: of what the engine's own preview says of each resource; it tells of
  machines and disks that come and go, and of drift.

``words`` puts facts into words: ``summary(preview)`` in a few lines, ``sections(preview)`` in detail; ``as_text`` and
``markdown.as_markdown`` have both. A new fact is a field of a model in ``facts``, filled by one of these functions, and
a line in ``words``. A new kind of step of a rollout is a case in ``steps.py``, which mypy insists on.
"""

from soop_components.preview.domain import preview_of_plans, preview_of_steps
from soop_components.preview.facts import DomainPreview
from soop_components.preview.markdown import as_markdown
from soop_components.preview.resources import ResourceStep
from soop_components.preview.words import as_text, summary

__all__ = [
    "DomainPreview",
    "ResourceStep",
    "as_markdown",
    "as_text",
    "preview_of_plans",
    "preview_of_steps",
    "summary",
]

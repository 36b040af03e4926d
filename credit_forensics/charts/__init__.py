"""Charts: functions that take tables and give Plotly figures.

They aggregate before drawing, so a chart of a million payments is as small as one of a hundred.
Each is titled by what it shows, and carries a text alternative in ``layout.meta["alt"]``.
"""

from credit_forensics.charts.credit_flow import credit_flow
from credit_forensics.charts.exposure import exposure_by_cause
from credit_forensics.charts.method_agreement import method_agreement
from credit_forensics.charts.rate import rate_with_onset
from credit_forensics.charts.reliability import reliability_curve
from credit_forensics.charts.timeline import timeline
from credit_forensics.charts.waterfall import waterfall

__all__ = [
    "credit_flow",
    "exposure_by_cause",
    "method_agreement",
    "rate_with_onset",
    "reliability_curve",
    "timeline",
    "waterfall",
]

"""Charts as SVG documents, written by hand so that they follow the page's colours, light or dark.

One file a chart.  Every one returns a document.Figure.  Colours are CSS variables with a fallback, so that a
figure also stands alone as a file; shapes, dashes and labels say what colour says.
docs/decisions/0001-report-figures.md tells why this is not matplotlib.
"""

from __future__ import annotations

from roadworthy.report.figures.bars import Bar as Bar
from roadworthy.report.figures.bars import bar_chart as bar_chart
from roadworthy.report.figures.confusion import confusion_chart as confusion_chart
from roadworthy.report.figures.free_response import Response as Response
from roadworthy.report.figures.free_response import free_response_chart as free_response_chart
from roadworthy.report.figures.intervals import Interval as Interval
from roadworthy.report.figures.intervals import interval_chart as interval_chart
from roadworthy.report.figures.lines import Line as Line
from roadworthy.report.figures.lines import line_chart as line_chart
from roadworthy.report.figures.reliability import Bin as Bin
from roadworthy.report.figures.reliability import reliability_chart as reliability_chart
from roadworthy.report.figures.scales import log_ticks as log_ticks
from roadworthy.report.figures.scales import ticks as ticks
from roadworthy.report.figures.scales import ticks_within as ticks_within
from roadworthy.report.figures.shares import Share as Share
from roadworthy.report.figures.shares import share_chart as share_chart
from roadworthy.report.figures.surface import surface_chart as surface_chart
from roadworthy.report.figures.svg import COLOURS as COLOURS

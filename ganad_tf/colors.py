"""Colours and colour scales of every figure, report and exported map.

Those of the parts of a score are in `score_parts`.
"""

QUALIFIED_COLOR, DEFECTIVE_COLOR = "#1f6fb4", "#c62828"
CONTOUR_COLOR = "#00e5ff"  # around the regions of an anomaly map
MAP_COLORMAP = "inferno"  # of anomaly and residual maps, by Matplotlib's name
# Value of an anomaly map at which its colour scale ends, and that the value
# 255 of its 8-bit PNG stands for.
MAP_LIMIT = 15.0
MAP_UNIT = "1: the top hundredth of qualified pixels"
BASELINE_COLORMAP = "Dark2"  # one colour for each baseline

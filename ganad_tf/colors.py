"""Colours and colour scales of every figure, report and exported map.

Those of the parts of a score, and the end of a map's scale, are in
`score_parts`.
"""

QUALIFIED_COLOR, DEFECTIVE_COLOR = "#1f6fb4", "#c62828"
CONTOUR_COLOR = "#00e5ff"  # around the regions of an anomaly map
MAP_COLORMAP = "inferno"  # of anomaly and residual maps, by Matplotlib's name
MAP_UNIT = "1: the top hundredth of qualified pixels"
BASELINE_COLORMAP = "Dark2"  # one colour for each baseline

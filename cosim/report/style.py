"""The look of report.html: one style sheet, and the palette that plots share with it."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["GRID", "INK", "MUTED", "NEUTRAL", "PALETTE", "STYLE", "SURFACE", "paints"]

# After Okabe and Ito, "Color Universal Design" (2008): distinct under all common colour vision deficiencies. The order
# keeps neighbours apart in lightness, too; the second value of each pair is for the dark page.
PALETTE = (
    ("#0072b2", "#4aa8e0"),  # blue
    ("#e69f00", "#f0b030"),  # orange
    ("#009e73", "#2fc298"),  # bluish green
    ("#cc79a7", "#dd94bd"),  # reddish purple
    ("#56b4e9", "#8fd0f5"),  # sky blue
    ("#d55e00", "#ee8243"),  # vermilion
    ("#8a8a8a", "#a0a0a0"),  # grey
    ("#c9b800", "#efe14e"),  # yellow, darker than theirs to show on white
)

# Names for "nothing of interest", grey wherever they stand.
NEUTRAL = ("idle", "other")
_GREY = 6


def paints(names: Sequence[str]) -> list[tuple[int, int]]:
    """(colour, round) of each name by its position: indices into PALETTE, and how often all colours were used up."""
    colours = [i for i in range(len(PALETTE)) if i != _GREY or not set(names) & set(NEUTRAL)]
    result, position = [], 0
    for name in names:
        if name in NEUTRAL:
            result.append((_GREY, 0))
        else:
            result.append((colours[position % len(colours)], position // len(colours)))
            position += 1
    return result


# Colours that plots are drawn in, replaced by the page's variables so that they follow its light or dark.
INK, MUTED, GRID, SURFACE = "#010101", "#020202", "#030303", "#040404"

_SERIES_LIGHT = "".join(f"--series-{i}:{light};" for i, (light, _) in enumerate(PALETTE))
_SERIES_DARK = "".join(f"--series-{i}:{dark};" for i, (_, dark) in enumerate(PALETTE))
_DARK = f"""color-scheme:dark;--surface:#16181c;--raised:#1e2126;--ink:#e8e6e3;--muted:#a3a7ae;--grid:#343840;
  --link:#7cc0f0;--warning:#3a2f12;--warning-ink:#f3d287;--error:#43201d;--error-ink:#f6b3ab;{_SERIES_DARK}"""

STYLE = f"""
:root {{
  color-scheme:light;--surface:#ffffff;--raised:#f5f6f8;--ink:#1b1e23;--muted:#5c636e;--grid:#dfe2e7;
  --link:#005a96;--warning:#fff4d6;--warning-ink:#5b4300;--error:#fde5e1;--error-ink:#7d1a0d;{_SERIES_LIGHT}
}}
@media (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}
* {{ box-sizing:border-box; }}
html {{ -webkit-text-size-adjust:100%; }}
body {{
  margin:0;background:var(--surface);color:var(--ink);
  font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
}}
main {{ max-width:58rem;margin:0 auto;padding:2.5rem 1.25rem 4rem; }}
h1 {{ font-size:1.9rem;line-height:1.2;margin:0;letter-spacing:-.015em; }}
h2 {{ font-size:1.25rem;margin:3rem 0 .75rem;padding-bottom:.35rem;border-bottom:1px solid var(--grid); }}
a {{ color:var(--link); }}
.subtitle {{ margin:.4rem 0 0;color:var(--muted); }}
.unit, .hint, .caption {{ color:var(--muted);font-weight:400; }}
.caption {{ font-size:.875rem;margin:.35rem 0 0; }}
.figures {{ display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.75rem;margin:1.75rem 0 0; }}
.figures div {{ background:var(--raised);border-radius:.6rem;padding:.8rem 1rem; }}
.figures dt {{ font-size:.85rem;color:var(--muted); }}
.figures dd {{ margin:0;font-size:1.45rem;font-weight:600;line-height:1.3;font-variant-numeric:tabular-nums; }}
.figures dd .unit {{ font-size:1rem; }}
.figures .hint {{ font-size:.8rem;font-weight:400;line-height:1.35; }}
nav ul {{ display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none; }}
nav ul {{ padding:0;margin:1.5rem 0 0;font-size:.925rem; }}
figure {{ margin:1.25rem 0 2rem; }}
.legend {{ display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;list-style:none; }}
.legend {{ padding:0;margin:.1rem 0 .5rem;font-size:.875rem; }}
.legend li::before {{
  content:"";display:inline-block;width:.75em;height:.75em;border-radius:.15em;margin-right:.45em;
  background:var(--paint);
}}
.legend .again::before {{
  background:repeating-linear-gradient(135deg,var(--paint) 0 .16em,var(--surface) .16em .3em);
}}
figcaption, caption {{ font-weight:600;text-align:left;margin-bottom:.35rem; }}
caption {{ padding-bottom:.35rem; }}
/* Wider than the screen: scrolls, with a shade on the side where more is. */
.plot, .table {{
  overflow-x:auto;
  background:
    linear-gradient(to right,var(--surface) 40%,transparent) 0 0/2.5rem 100% no-repeat local,
    linear-gradient(to left,var(--surface) 40%,transparent) 100% 0/2.5rem 100% no-repeat local,
    linear-gradient(to right,var(--grid),transparent) 0 0/1rem 100% no-repeat scroll,
    linear-gradient(to left,var(--grid),transparent) 100% 0/1rem 100% no-repeat scroll;
}}
.plot svg {{ display:block;width:100%;min-width:34rem;height:auto;font-family:inherit; }}
.table {{ margin:1rem 0; }}
table {{ border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums; }}
th, td {{ text-align:left;vertical-align:top;padding:.4rem .75rem;border-bottom:1px solid var(--grid); }}
th {{ font-weight:600;vertical-align:bottom;border-bottom-color:var(--muted); }}
th:first-child, td:first-child {{ padding-left:0; }}
th:last-child, td:last-child {{ padding-right:0; }}
.number {{ text-align:right;white-space:nowrap; }}
th.number {{ white-space:normal; }}
.total td {{ font-weight:600;border-top:1px solid var(--muted); }}
.note {{ background:var(--raised);border-radius:.4rem;padding:.6rem .9rem;margin:1rem 0; }}
.note.warning {{ background:var(--warning);color:var(--warning-ink); }}
.note.error {{ background:var(--error);color:var(--error-ink); }}
details {{ margin-top:.5rem;font-size:.9rem; }}
summary {{ cursor:pointer;color:var(--link); }}
footer {{ color:var(--muted);font-size:.85rem; }}
footer h2 {{ font-size:1rem;color:var(--muted); }}
footer dl {{ display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:0;overflow-wrap:anywhere; }}
footer dd {{ margin:0; }}
@media (max-width:34rem) {{
  main {{ padding:1.5rem 1rem 3rem; }}
  h1 {{ font-size:1.5rem; }}
  .figures {{ grid-template-columns:1fr 1fr; }}
  .figures dd {{ font-size:1.2rem; }}
  footer dl {{ grid-template-columns:1fr; }}
  footer dd {{ margin-bottom:.4rem; }}
}}
@media print {{
  :root {{ color-scheme:light;{_SERIES_LIGHT} }}
  :root {{ --surface:#ffffff;--raised:#f5f6f8;--ink:#000000;--muted:#444444;--grid:#cccccc; }}
  body {{ font-size:10pt; }}
  main {{ max-width:none;padding:0; }}
  nav, summary {{ display:none; }}
  figure, .figures, table {{ break-inside:avoid; }}
  h2 {{ break-after:avoid; }}
  .plot svg {{ min-width:0; }}
}}
"""

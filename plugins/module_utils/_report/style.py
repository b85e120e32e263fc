# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The style of the HTML report.

For a phone at three in the morning: large type, one column, colours that keep 4.5:1 against their ground in light and dark. Nothing
but the boxes with class ``wide`` and ``command`` may be wider than the screen, and those scroll by themselves.
"""

from __future__ import annotations

LIGHT = """
  --ground: #f4f5f7; --card: #ffffff; --raised: #f4f5f7; --text: #161a21; --muted: #545d6b; --line: #d9dde4; --link: #0b57a8;
  --critical: #b01c16; --critical-ground: #fdeceb; --warning: #835000; --warning-ground: #fff3dc;
  --notice: #1c5a9e; --notice-ground: #e7f0fa; --healthy: #17693a; --healthy-ground: #e4f4ea;
  --bar: #3f73b5; --quiet: #a9b8cc; --track: #e9ecf1; --code-ground: #1b2029; --code: #e8ebf0; --prompt: #8e99aa;
"""
DARK = """
  --ground: #0d1014; --card: #161a20; --raised: #1f242c; --text: #e4e8ee; --muted: #9ca6b5; --line: #2b323c; --link: #8cbcf5;
  --critical: #ff8f85; --critical-ground: #391614; --warning: #f5bd63; --warning-ground: #32250d;
  --notice: #8fc0f7; --notice-ground: #13263c; --healthy: #7fd6a0; --healthy-ground: #10301e;
  --bar: #5b93d8; --quiet: #3f5878; --track: #232932; --code-ground: #0a0c10; --code: #dfe4ec; --prompt: #7d8898;
"""
RULES = """
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body { margin: 0 auto; max-width: 62rem; padding: 0 .875rem 3rem; background: var(--ground); color: var(--text);
  font: 1.0625rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", sans-serif;
  overflow-wrap: anywhere; }
h1, h2, h3, h4, h5, h6 { line-height: 1.25; margin: 0; text-wrap: pretty; }
h1 { font-size: clamp(1.5rem, 5.5vw, 2.125rem); letter-spacing: -.015em; font-weight: 700; text-wrap: balance; }
h2 { font-size: 1.3rem; letter-spacing: -.01em; }
h3 { font-size: 1.125rem; } h4, h5, h6 { font-size: 1rem; font-weight: 600; }
p { margin: 0 0 .625rem; }
a { color: var(--link); text-underline-offset: .15em; }
code, pre, .fields th, .chart text {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace; }
code { font-size: .9em; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 4px; }

.top { display: flex; justify-content: space-between; gap: 1rem; padding: 1rem .125rem .75rem; }
.top p { margin: 0; } .kicker { font-weight: 650; }
.when, .note, .meta, .exact, .label, footer { color: var(--muted); }
.note, .meta, .when, footer { font-size: .875rem; }
.label { font-size: .8125rem; font-weight: 600; margin: 1.125rem 0 .375rem; }

.badge { display: inline-flex; align-items: center; gap: .3em; flex: none; padding: .125rem .5rem; border-radius: .375rem;
  font-size: .8125rem;
  font-weight: 650; line-height: 1.45; white-space: nowrap; background: var(--tint); color: var(--tone); }
.critical { --tone: var(--critical); --tint: var(--critical-ground); }
.warning { --tone: var(--warning); --tint: var(--warning-ground); }
.notice { --tone: var(--notice); --tint: var(--notice-ground); }
.healthy { --tone: var(--healthy); --tint: var(--healthy-ground); }

.answer { background: var(--tint); border-radius: .875rem; padding: 1.25rem 1.125rem 1.125rem; margin-bottom: 1rem; }
.answer > .badge { background: var(--tone); color: var(--card); margin-bottom: .75rem; }
.answer .where { margin: .625rem 0 0; }
.counts { display: flex; flex-wrap: wrap; gap: .25rem 1.125rem; list-style: none; margin: .875rem 0 0; padding: 0;
  font-size: .9375rem; color: var(--tone); }
.counts .none { color: var(--muted); }
.counts strong { font-variant-numeric: tabular-nums; }

.fleet, .server { background: var(--card); border: 1px solid var(--line); border-radius: .875rem; padding: 1.125rem;
  margin-bottom: 1rem; }
.fleet h2 { font-size: 1.0625rem; margin-bottom: .25rem; }
.fleet ol { list-style: none; margin: 0; padding: 0; }
.fleet li { display: grid; grid-template-columns: 5.75rem 1fr; gap: .625rem; align-items: start; padding: .625rem 0;
  border-top: 1px solid var(--line); }
.fleet li:first-child { border-top: 0; }
.fleet .badge { justify-self: start; margin-top: .125rem; }
.fleet.said ul { margin: .5rem 0 0; padding-left: 1.125rem; } .said li { display: list-item; border: 0; padding: .1875rem 0; }
.timeline .badge { white-space: normal; } .fleet > h2 + .wide { margin-top: .5rem; } .server > h2 { margin-bottom: .75rem; }
.fleet a { font-weight: 600; } .fleet .note { display: block; }

.server > header { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .75rem; }
.server .url { margin: .375rem 0 .625rem; color: var(--muted); font-size: .9375rem; }
.chips { display: flex; flex-wrap: wrap; gap: .375rem; list-style: none; margin: 0 0 1rem; padding: 0; font-size: .875rem; }
.chips li { background: var(--raised); border-radius: .375rem; padding: .125rem .5rem; color: var(--muted); }
.chips .state { color: var(--text); font-weight: 600; }
.error { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .75rem; font-size: .9375rem; }
.calm { color: var(--muted); }

summary { cursor: pointer; list-style: none; position: relative; padding-right: 1.75rem; min-height: 1.5rem; }
summary::-webkit-details-marker { display: none; }
summary::after { content: ""; position: absolute; right: .375rem; top: .6em; width: .5rem; height: .5rem; border: solid var(--muted);
  border-width: 0 2px 2px 0; transform: rotate(45deg); }
details[open] > summary::after { transform: translateY(.25rem) rotate(225deg); }
.finding { border: 1px solid var(--line); border-radius: .625rem; margin-bottom: .75rem; background: var(--card); }
.finding > summary { padding: .875rem 2.5rem .875rem 1rem; display: grid; gap: .5rem; justify-items: start; }
.finding > summary::after { right: 1.125rem; top: 1.375rem; }
.finding > .body { padding: 0 1rem .875rem; }
.body > :last-child { margin-bottom: 0; }
.server > .finding[open] { border-color: var(--tone); }
.server > .finding[open] > summary { background: var(--tint); border-radius: .5rem .5rem 0 0; margin-bottom: .875rem; }
.server > .finding[open] > summary > .badge { background: var(--tone); color: var(--card); }
.explained { margin: .25rem -.5rem 0; }
.explained .explained { margin-inline: 0; } .explained > .label { margin-left: .5rem; } .explained .explained > .label { margin-left: 0; }
.explained .finding { margin-bottom: .5rem; background: var(--raised); border-color: transparent; }
.explained .finding > summary, .group .finding > summary { padding-block: .625rem; }
.group .finding > summary::after, .explained .finding > summary::after { top: 1.125rem; }
.explained .explained .finding { border: 0; border-left: 3px solid var(--line); border-radius: 0; }
.explained .explained .finding > summary { padding-left: .75rem; } .explained .explained .body { padding: 0 0 .5rem .75rem; }
.meta { margin-top: .875rem; }

.command { background: var(--code-ground); color: var(--code); border-radius: .5rem; padding: .6875rem .875rem;
  margin: 0 0 .625rem; overflow-x: auto;
  font-size: .9375rem; line-height: 1.45; white-space: pre-wrap; overflow-wrap: break-word; padding-left: 2.125rem; text-indent: -1.25rem; }
.command code { font-size: 1em; -webkit-user-select: all; user-select: all; }
.option { white-space: nowrap; }
.remark { display: block; text-indent: 0; color: var(--prompt); font-size: .875em; white-space: pre-wrap; }
.command::before { content: "$ "; color: var(--prompt); }

.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; background: var(--card); }
.wide .wide { border: 0; margin: -.3125rem -.75rem; background: none; }
.wide > .note { margin: 0; padding: .375rem .75rem; }
table { border-collapse: collapse; font-size: .9375rem; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3125rem .75rem; border-top: 1px solid var(--line);
  font-variant-numeric: tabular-nums; }
tr:first-child > th, tr:first-child > td { border-top: 0; }
thead + tbody tr:first-child > td { border-top: 1px solid var(--line); }
.fields > tbody > tr > th { font-weight: 400; font-size: .8125rem; line-height: 1.75; color: var(--muted); overflow-wrap: break-word; }
.fields > tbody > tr > td { min-width: 6.5rem; }
.records th, .records td { white-space: nowrap; overflow-wrap: normal; }
.records th { font-weight: 600; font-size: .8125rem; color: var(--muted); }
.records td { max-width: 26rem; overflow: hidden; text-overflow: ellipsis; }
.exact { display: inline-block; font-size: .8125rem; }
td ul { margin: 0; padding-left: 1.125rem; }

.group { border-top: 1px solid var(--line); padding-top: .75rem; margin-top: .75rem; }
.group > summary { font-weight: 600; margin-bottom: .25rem; }
.group[open] > summary { margin-bottom: .75rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: .875rem 1rem; margin: 0 0 1.25rem; }
.tiles dt { font-size: .8125rem; color: var(--muted); }
.tiles dd { margin: 0; font-size: 1.1875rem; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; }
.tiles .note { display: block; font-size: .8125rem; font-weight: 400; line-height: 1.35; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr)); gap: 1.5rem 2rem; }
.chart { margin: 0; max-width: 22rem; }
.chart figcaption { margin-bottom: .25rem; line-height: 1.35; } .chart figcaption .note { display: block; }
.chart svg { display: block; width: 100%; height: auto; overflow: hidden; }
.chart text { font-size: 12.5px; fill: var(--text); } .chart .value { fill: var(--muted); }
.chart .track { fill: var(--track); } .chart .bar { fill: var(--bar); } .chart .quiet { fill: var(--quiet); }
.chart .hot { fill: var(--critical); }
.chart .limit { stroke: var(--text); stroke-width: 1.5; stroke-dasharray: 3 2; }
.tree .tile { stroke: var(--muted); fill: var(--raised); } .tree text, .chart.tree .value { fill: var(--text); }
.tree .lasting { fill: var(--warning-ground); stroke: var(--warning); }
.tree .ending { fill: var(--notice-ground); stroke: var(--notice); }
.patterns { display: grid; gap: 1.25rem 2rem; align-items: start; } .patterns > * { min-width: 0; }
.patterns td, .patterns th { padding-inline: .5rem; } .patterns td { font-size: .8125rem; line-height: 1.7; }
.gaps { margin: 0 0 .5rem; font-size: .9375rem; }
.gaps > div { padding: .375rem 0; } .gaps dt { font-weight: 600; } .gaps dd { margin: 0; color: var(--muted); }
footer { padding: .5rem .125rem; }

@media (max-width: 44.99rem) {
  .fields > tbody > tr:has(> td > .wide) > * { display: block; border-top: 0; }
  .fields > tbody > tr:has(> td > .wide) { border-top: 1px solid var(--line); }
}
@media (min-width: 45rem) {
  body { padding-inline: 1.5rem; }
  .answer { padding: 1.75rem; } .fleet, .server { padding: 1.5rem; }
  .finding > summary { grid-template-columns: auto 1fr; gap: .75rem; align-items: baseline; }
  .command { white-space: pre; } .fields > tbody > tr > th { width: 40%; }
  .patterns { grid-template-columns: 20rem minmax(0, 1fr); }
  .gaps > div { display: grid; grid-template-columns: minmax(8rem, 18rem) 1fr; gap: 1rem; }
}
"""
# A table with tables in it has no room beside its names: they go above. On a phone and on paper.
STACKED = """
  .fields:has(> tbody > tr > td > .wide) { display: block; }
  .fields:has(> tbody > tr > td > .wide) > tbody, .fields:has(> tbody > tr > td > .wide) > tbody > tr,
  .fields:has(> tbody > tr > td > .wide) > tbody > tr > * { display: block; }
  .fields:has(> tbody > tr > td > .wide) > tbody > tr > th { padding-bottom: 0; width: auto; }
  .fields:has(> tbody > tr > td > .wide) > tbody > tr > td { border-top: 0; padding-top: 0; }
  .fields:has(> tbody > tr > td > .wide) .wide { margin-block: 0; }
"""
PRINT = """
  @page { margin: 15mm; }
  body { max-width: none; padding: 0; font-size: 10pt; background: none; }
  .fleet, .server { border: 0; padding: 0; } .server { break-before: auto; margin-top: 8mm; }
  .answer, .finding > summary, .badge, .chart, .tiles { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .answer, .chart, .command, tr, .tiles > div { break-inside: avoid; }
  h1, h2, h3, summary, .label, figcaption { break-after: avoid; }
  summary::after { display: none; }
  details::details-content { content-visibility: visible; block-size: auto; opacity: 1; }
  .command { background: none; color: inherit; border: 1px solid var(--line); white-space: pre-wrap; overflow-wrap: anywhere; }
  .wide { overflow: visible; } .records { font-size: 8pt; } .records th { white-space: normal; font-size: 7pt; }
  .records td { white-space: normal; overflow-wrap: anywhere; padding-inline: 1.5mm; } .records th { padding-inline: 1.5mm; }
  a[href^="http"]::after { content: " (" attr(href) ")"; font-size: .8em; color: var(--muted); }
"""
CSS = (
    f":root {{ color-scheme: light dark; {LIGHT}}}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {DARK}}} }}\n"
    f"{RULES}@media screen and (max-width: 44.99rem) {{ {STACKED}}}\n@media print {{ {STACKED}{PRINT}}}\n"
)

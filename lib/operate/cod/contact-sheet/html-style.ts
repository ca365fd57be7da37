/** Pictures lie on black in any scheme: greys look lighter beside black than they are, and here all alike. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: light-dark(#f4f5f7, #0e1013);
  --tile: light-dark(#fff, #1a1d22);
  --line: light-dark(#dcdfe4, #2b3038);
  --text: light-dark(#1b1f24, #e7e9ec);
  --quiet: light-dark(#5a626d, #9aa3ae);
  --still: 10rem;
}
* { box-sizing: border-box; margin: 0; }
body {
  padding: 1.5rem clamp(1rem, 3vw, 2.5rem) 3rem;
  background: var(--page);
  color: var(--text);
  font: 0.8125rem/1.45 system-ui, sans-serif;
}
header { margin-bottom: 1.25rem; }
h1 { font-size: 1.375rem; font-weight: 650; letter-spacing: -0.01em; }
header p { color: var(--quiet); overflow-wrap: anywhere; }
.sheet { display: flex; flex-wrap: wrap; gap: 0.875rem; padding: 0; list-style: none; }
li {
  --columns: 1;
  --side: var(--still);
  width: calc(var(--columns) * var(--side) + 2px);
  min-width: calc(var(--still) + 2px);
  max-width: 100%;
  overflow: hidden;
  background: var(--tile);
  border: 1px solid var(--line);
  border-radius: 0.5rem;
}
.rows-2 { --side: calc(var(--still) / 2); }
.columns-2 { --columns: 2; }
.columns-3 { --columns: 3; }
.columns-4 { --columns: 4; }
.stills {
  display: grid;
  grid-template-columns: repeat(var(--columns), minmax(0, 1fr));
  gap: 1px;
  align-content: center;
  min-height: var(--still);
  background: #000;
}
img { display: block; width: 100%; height: auto; aspect-ratio: 1; }
.stills p { padding: 0.75rem; color: #b9c0c9; text-align: center; overflow-wrap: anywhere; }
.stills .broken { color: #ffb4a6; }
figcaption { padding: 0.5rem 0.625rem 0.625rem; }
figcaption strong, figcaption span { display: block; overflow-wrap: anywhere; }
figcaption > span { color: var(--quiet); font-variant-numeric: tabular-nums; }
dl { display: grid; grid-template-columns: auto minmax(0, 1fr); column-gap: 0.5rem; margin-top: 0.25rem; }
dt { color: var(--quiet); }
dd { min-width: 0; }
code {
  display: block;
  overflow: hidden;
  direction: rtl;
  text-align: left;
  text-overflow: ellipsis;
  white-space: nowrap;
  font: 0.75rem/1.55 ui-monospace, monospace;
  user-select: all;
}
bdi { direction: ltr; }
@media (max-width: 26rem) { :root { --still: calc((100vw - 3rem) / 2); } }
@media print { body { padding: 0; } li { break-inside: avoid; } .stills { print-color-adjust: exact; } }
`

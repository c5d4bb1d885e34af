/** Of the report: light and dark as the reader has it. */
export const STYLE = `
:root {
  --paper: #fbfaf7; --card: #ffffff; --ink: #1d2730; --soft: #5d6b76; --line: #e3e1da;
  --told: #0f7b6c; --waits: #b4532a; --resident: #8a97a3; --alone: #c3cad0; --idle: #d9a441;
  --shadow: 0 1px 2px rgb(16 34 46 / 8%), 0 6px 20px rgb(16 34 46 / 6%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #10181f; --card: #18232c; --ink: #e6edf2; --soft: #93a3b0; --line: #2a3843;
    --told: #37b8a4; --waits: #e8875a; --resident: #71818e; --alone: #46545f; --idle: #e0b45c; --shadow: none;
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", sans-serif; font-variant-numeric: tabular-nums }
main { max-width: 60rem; margin: 0 auto; padding: 3rem 1.5rem 4rem }
h1 { margin: 0; font-size: 2.4rem; line-height: 1.15; letter-spacing: -0.02em }
h2 { margin: 2.2rem 0 0.7rem; font-size: 1.1rem }
.kicker { margin: 0 0 0.4rem; color: var(--told); font-size: 0.8rem; font-weight: 600; letter-spacing: 0.08em; text-transform: uppercase }
.lead { max-width: 44rem; color: var(--soft); font-size: 1.1rem }
.note, footer { color: var(--soft); font-size: 0.9rem }
input[name="side"] { position: absolute; opacity: 0; pointer-events: none }
nav { display: inline-flex; margin: 0.8rem 0 1.4rem; padding: 0.25rem; border: 1px solid var(--line); border-radius: 999px; background: var(--card) }
nav label { padding: 0.4rem 1.1rem; border-radius: 999px; color: var(--soft); font-weight: 600; cursor: pointer }
#told:checked ~ nav label[for="told"] { background: var(--told); color: var(--paper) }
#waits:checked ~ nav label[for="waits"] { background: var(--waits); color: var(--paper) }
#told:focus-visible ~ nav label[for="told"], #waits:focus-visible ~ nav label[for="waits"] { outline: 2px solid var(--ink); outline-offset: 2px }
.side { display: none }
#told:checked ~ .side.told, #waits:checked ~ .side.waits { display: block }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 1rem }
.tile, figure, table { background: var(--card); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow) }
.tile { padding: 1.1rem 1.3rem }
.tile strong { display: block; font-size: 2.3rem; line-height: 1.1; letter-spacing: -0.02em }
.told .tile strong { color: var(--told) }
.waits .tile strong { color: var(--waits) }
.tile span { display: block; font-weight: 600 }
.tile small { color: var(--soft) }
.bar { display: flex; height: 1.6rem; overflow: hidden; border-radius: 8px; background: var(--line) }
.bar i, .legend i { display: block }
i.running { background: var(--told) } i.waited { background: var(--waits) } i.idle { background: var(--idle) }
.legend { display: flex; flex-wrap: wrap; gap: 0.4rem 1.8rem; margin: 0.7rem 0 1.4rem; padding: 0; list-style: none; color: var(--soft); font-size: 0.92rem }
.legend li { display: flex; align-items: center; gap: 0.5rem }
.legend i { width: 0.8rem; height: 0.8rem; border-radius: 3px }
.legend b { color: var(--ink); font-weight: 600 }
table { width: 100%; border-collapse: separate; border-spacing: 0; overflow: hidden }
th, td { padding: 0.55rem 1rem; text-align: right }
th:first-child { text-align: left }
thead th { color: var(--soft); font-size: 0.85rem; font-weight: 600 }
tbody td, tbody th { border-top: 1px solid var(--line) }
.charts { display: grid; gap: 1rem }
figure { margin: 0; padding: 1.1rem 1.3rem }
figcaption { margin-bottom: 0.7rem; font-weight: 600 }
figcaption small { margin-left: 0.6rem; color: var(--soft); font-weight: 400 }
.row { display: grid; grid-template-columns: 14rem 1fr 6rem; align-items: center; gap: 1rem; padding: 0.22rem 0 }
.row span { color: var(--soft); font-size: 0.92rem }
.row b { text-align: right; font-weight: 600 }
.track { position: relative; height: 1.1rem; border-radius: 5px; background: color-mix(in srgb, var(--line) 55%, transparent) }
.track i { display: block; height: 100%; min-width: 2px; border-radius: 5px }
.track u { position: absolute; top: 50%; height: 0; min-width: 2px; border-top: 2px solid var(--ink); opacity: 0.55 }
.row.alone i { background: var(--alone) } .row.resident i { background: var(--resident) }
.row.told i { background: var(--told) } .row.waits i { background: var(--waits) }
footer { margin-top: 2.6rem; padding-top: 1rem; border-top: 1px solid var(--line) }
footer p { margin: 0.35rem 0 }
code { font: 0.85rem ui-monospace, "Cascadia Mono", monospace }
@media (max-width: 40rem) { .row { grid-template-columns: 1fr 5rem } .track { grid-column: 1 / -1; grid-row: 2 } h1 { font-size: 1.9rem } }
`;

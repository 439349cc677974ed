// The screenshots of the README: scripts/screenshots runs this.
// node shots.mjs FOLDER OUT: report.html and table.ansi in FOLDER become report.png and table.png in OUT.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [folder, out] = process.argv.slice(2).map((path) => resolve(path));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });

// Down to the first diagram.
const report = await browser.newPage({ viewport: { width: 1100, height: 900 } });
await report.goto(pathToFileURL(join(folder, "report.html")).href);
const life = await report.locator(".life").first().boundingBox();
const clip = { x: 0, y: 0, width: 1100, height: Math.ceil(life.y + life.height + 16) };
await report.screenshot({ path: join(out, "report.png"), fullPage: true, clip });

// What a terminal makes of the table: bold, dim, inverse, and four colours.
const COLORS = { 31: "#f47067", 32: "#6bc46d", 33: "#e0a03c", 34: "#6cb6ff" };
const escaped = (text) => text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
let style = { color: "#d3dae3", weight: 400, opacity: 1, inverse: false };
const plain = style;
const spans = readFileSync(join(folder, "table.ansi"), "utf8").split(/(\x1b\[[0-9;]*m)/).map((part) => {
  if (!part.startsWith("\x1b[")) {
    const { color, weight, opacity, inverse } = style;
    const colors = inverse ? `color:#1c2128;background:${color}` : `color:${color}`;
    return `<span style="${colors};font-weight:${weight};opacity:${opacity}">${escaped(part)}</span>`;
  }
  for (const code of part.slice(2, -1).split(";")) {
    if (code === "" || code === "0") style = plain;
    else if (code === "1") style = { ...style, weight: 700 };
    else if (code === "2") style = { ...style, opacity: 0.65 };
    else if (code === "7") style = { ...style, inverse: true };
    else if (COLORS[code]) style = { ...style, color: COLORS[code] };
  }
  return "";
});
const table = await browser.newPage({ viewport: { width: 760, height: 600 } });
await table.setContent(
  `<body style="margin:0;background:#1c2128"><pre style="margin:0;padding:18px 22px;font:14px/1.35 'DejaVu Sans Mono',monospace">${spans.join("")}</pre>`,
);
await table.locator("body").screenshot({ path: join(out, "table.png") });
await browser.close();

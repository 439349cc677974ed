// The HTML report in Chromium, as a person with a mouse, a keyboard or a screen reader meets it.
// node page.mjs FOLDER: report.html, clean.html, hostile.html and large.html in FOLDER. With a second folder, screenshots
// go there. CHROMIUM is the browser. Exits with 1 at the first thing that is wrong.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const [folder, shots] = process.argv.slice(2).map((path) => resolve(path));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
  ],
});

const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 390, height: 844 };

/** Opens a page; whatever it complains of or asks the network for is an error. */
async function open(name, { scheme = "light", size = WIDE } = {}) {
  const context = await browser.newContext({ viewport: size, colorScheme: scheme });
  const page = await context.newPage();
  const said = [];
  const own = pathToFileURL(join(folder, name)).href;
  page.on("console", (message) => said.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => said.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => { said.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => { if (request.url().split("#")[0] !== own) said.push(`request: ${request.url()}`); });
  page.setDefaultTimeout(120_000);
  // Processor time of the page, in milliseconds: a busy machine takes longer, but not more of it.
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const cpu = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return Math.round(metrics.find(({ name: metric }) => metric === "TaskDuration").value * 1000);
  };
  await page.goto(own);
  return { page, cpu, done: async () => { assert.deepEqual(said, [], name); await context.close(); } };
}

const shot = async (page, name, options = {}) => {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`), ...options });
};
const visible = (page, selector) => page.locator(`${selector}:visible`).count();
/** Opens everything that is folded. */
const unfold = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));

const checks = {
  async "axe-core finds no serious problem, light, dark and narrow"() {
    for (const name of ["report.html", "clean.html"]) {
      for (const [scheme, size] of [["light", WIDE], ["dark", WIDE], ["light", NARROW]]) {
        const { page, done } = await open(name, { scheme, size });
        await unfold(page);
        await page.evaluate(axe);
        const { violations, passes } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
        const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        const told = bad.map(({ id, nodes }) => [id, nodes.length, nodes[0].html, nodes[0].failureSummary]);
        assert.deepEqual(told, [], `${name}, ${scheme}, ${size.width}`);
        assert.ok(passes.length > 10, "axe ran");
        const minor = violations.map(({ id, impact, nodes }) => `${id} (${impact}, ${nodes.length})`);
        if (minor.length) console.log(`  ${name} ${scheme} ${size.width}: ${minor.join(", ")}`);
        await done();
      }
    }
  },

  async "nothing is wider than the window"() {
    for (const name of ["report.html", "clean.html", "hostile.html"]) {
      for (const size of [WIDE, { width: 768, height: 1024 }, NARROW, { width: 320, height: 640 }]) {
        const { page, done } = await open(name, { size });
        await unfold(page);
        const [content, window_] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        assert.ok(content <= window_, `${name}: ${content} in ${window_}`);
        await done();
      }
    }
  },

  async "the graph has a line between the ends of each connection"() {
    for (const size of [WIDE, NARROW]) {
      const { page, done } = await open("report.html", { size });
      const { edges, rows, channels } = await page.evaluate(() => {
        const middle = (element) => { const box = element.getBoundingClientRect(); return box.top + box.height / 2; };
        const near = (y, nodes) => Math.min(...nodes.map((node) => Math.abs(middle(node) - y)));
        const [clients, servers] = ["clients", "servers"].map((side) => [...document.querySelectorAll(`.nodes.${side} li`)]);
        const edges = [...document.querySelectorAll("path.edge")].map((path) => {
          const at = (length) => path.getPointAtLength(length).matrixTransform(path.getScreenCTM());
          const [from, to] = [at(0), at(path.getTotalLength())];
          return {
            length: to.x - from.x,
            from: near(from.y, clients),
            to: near(to.y, servers),
            left: from.x - clients[0].getBoundingClientRect().right,
            right: servers[0].getBoundingClientRect().left - to.x,
            stroke: getComputedStyle(path).stroke,
          };
        });
        const rows = document.querySelectorAll(".list tbody tr").length;
        return { edges, rows, channels: new Set(edges.map((edge) => edge.stroke)).size };
      });
      assert.ok(edges.length > 2 && edges.length === rows, `${edges.length} lines, ${rows} rows`);
      for (const edge of edges) {
        const fits = edge.length > 30 && edge.from < 15 && edge.to < 15 && Math.abs(edge.left) < 2 && Math.abs(edge.right) < 2;
        assert.ok(fits, JSON.stringify(edge));
      }
      assert.equal(channels, 3, "cleartext, TLS and decrypted have a colour each");
      await done();
    }
  },

  async "sequence diagrams have arrows from lane to lane"() {
    for (const size of [WIDE, NARROW]) {
      const { page, done } = await open("report.html", { size });
      await unfold(page);
      const arrows = await page.evaluate(() => [...document.querySelectorAll(".life .arrow")].map((arrow) => {
        const names = [...arrow.closest(".seq").querySelectorAll(".names b")].map((name) => {
          const box = name.getBoundingClientRect();
          return box.left + box.width / 2;
        });
        const box = arrow.getBoundingClientRect();
        const off = (x) => Math.min(...names.map((name) => Math.abs(name - x)));
        const head = getComputedStyle(arrow, "::after");
        return {
          width: box.width,
          off: Math.max(off(box.left), off(box.right)),
          head: head.content !== "none" && (parseFloat(head.borderLeftWidth) + parseFloat(head.borderRightWidth) > 3 || head.content.length > 2),
          line: parseFloat(getComputedStyle(arrow, "::before").borderTopWidth),
        };
      }));
      assert.ok(arrows.length > 10, `${arrows.length} arrows`);
      for (const arrow of arrows) assert.ok(arrow.width > 40 && arrow.off < 4 && arrow.head && arrow.line >= 2, JSON.stringify(arrow));
      await done();
    }
  },

  async "filters and search show what fits and say how much"() {
    const { page, done } = await open("report.html");
    const all = await page.locator(".find").count();
    assert.equal(await visible(page, ".find"), all);
    const status = page.locator("#shown");
    assert.equal(await status.textContent(), `${all} shown`);
    for (const box of await page.locator("#filter input[type=checkbox]").all()) {
      const severity = await box.getAttribute("value");
      const of = await page.locator(`.find[data-severity=${severity}]`).count();
      assert.ok(of > 0, severity);
      await box.uncheck();
      assert.equal(await visible(page, `.find[data-severity=${severity}]`), 0);
      assert.equal(await visible(page, ".find"), all - of);
      assert.equal(await status.textContent(), `${all - of} of ${all} shown`);
      await box.check();
    }
    const search = page.getByRole("searchbox", { name: "Search" });
    await search.fill("cleartext /login");
    const found = await page.locator(".find:visible").allTextContents();
    assert.ok(found.length > 0 && found.length < all, `${found.length} of ${all}`);
    assert.equal(await visible(page, "section.rule:not(:has(.find:not([hidden])))"), 0, "rules without findings are gone");
    await search.fill("no such thing");
    assert.equal(await visible(page, ".find"), 0);
    await page.getByRole("button", { name: "Show all" }).click();
    assert.equal(await visible(page, ".find"), all);
    const server = page.locator(".servers a").first();
    await server.click();
    const host = await server.getAttribute("data-find");
    assert.equal(await search.inputValue(), host);
    for (const text of await page.locator(".find:visible").allTextContents()) assert.ok(text.includes(host), text);
    await done();
  },

  async "the keyboard reaches everything"() {
    const { page, done } = await open("report.html");
    const focused = (property) => page.evaluate((name) => document.activeElement[name], property);
    await page.keyboard.press("Tab");
    assert.equal(await focused("className"), "skip");
    await page.keyboard.press("Enter");
    assert.ok(await page.evaluate(() => document.getElementById("findings").getBoundingClientRect().top < innerHeight));
    await page.keyboard.press("/");
    assert.equal(await focused("type"), "search");
    await page.keyboard.type("jwt");
    const all = await page.locator(".find").count();
    assert.ok(await visible(page, ".find") < all);
    await page.keyboard.press("Escape");
    assert.equal(await visible(page, ".find"), all);
    // Letters belong to the search while it is written in.
    await page.keyboard.type("jk");
    assert.equal(await focused("type"), "search");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
    assert.equal(await focused("type"), "checkbox");
    await page.keyboard.press("Space");
    assert.ok(await visible(page, ".find") < all);
    await page.keyboard.press("Space");
    await page.keyboard.press("j");
    const first = await focused("id");
    await page.keyboard.press("j");
    const second = await focused("id");
    await page.keyboard.press("k");
    assert.deepEqual([first.slice(0, 2), second.slice(0, 2), await focused("id")], ["f-", "f-", first]);
    assert.notEqual(first, second);
    // Evidence opens from the finding, and what is in the focus can be seen.
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    const [unfolded, inside] = await page.evaluate(() => {
      const box = document.activeElement.getBoundingClientRect();
      return [document.activeElement.closest("details").open, box.top >= 0 && box.bottom <= innerHeight];
    });
    assert.ok(unfolded && inside, `${unfolded} ${inside}`);
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none");
    await done();
  },

  async "links between tokens and findings lead there"() {
    const { page, done } = await open("report.html");
    await page.getByRole("searchbox", { name: "Search" }).fill("no such thing");
    await page.locator(".life[open] .about a").first().click();
    const target = await page.evaluate(() => location.hash.slice(1));
    assert.ok(await page.locator(`#${target}`).isVisible(), "a finding that was filtered out is shown");
    await page.locator(`#${target} summary`).click();
    await page.evaluate(() => document.querySelectorAll(".life, .more").forEach((fold) => { fold.open = false; }));
    await page.locator(`#${target} .evidence a`).first().click();
    await page.waitForFunction(() => document.querySelector(location.hash).open);
    assert.ok(await page.locator(".life[open] .arrow").first().isVisible());
    await done();
  },

  async "light and dark, by the system and by the button"() {
    const colors = new Set();
    for (const scheme of ["light", "dark"]) {
      const { page, done } = await open("report.html", { scheme });
      const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const before = await paper();
      await page.getByRole("button", { name: scheme === "light" ? "Dark" : "Light" }).press("Enter");
      assert.notEqual(await paper(), before);
      colors.add(before).add(await paper());
      await done();
    }
    assert.equal(colors.size, 2);
  },

  async "a screen reader is told what there is"() {
    const { page, done } = await open("report.html");
    const tree = await page.locator("body").ariaSnapshot();
    for (const words of [
      'heading "Findings" [level=2]', 'heading "Who talks to whom"', 'search "Findings"', 'group "Sequence diagram of token',
      'navigation "Sections"', 'list "Findings by severity"', "Skip to the findings",
    ]) {
      assert.ok(tree.includes(words), `${words} in\n${tree.slice(0, 3000)}`);
    }
    const step = await page.locator(".life[open] .row:has(.arrow)").first().textContent();
    assert.match(step, /from .+ to .+:/);
    await done();
  },

  async "it prints in black on white with its evidence"() {
    const { page, done } = await open("report.html", { scheme: "dark" });
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator("#filter").isVisible(), false);
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
    assert.equal(await page.locator(".find > details:not([open])").count(), 0);
    const pdf = await page.pdf({ format: "A4", ...(shots && { path: join(shots, "report.pdf") }) });
    assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
    await done();
  },

  async "without scripts everything is there"() {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(pathToFileURL(join(folder, "report.html")).href);
    assert.ok(await visible(page, ".find") > 5);
    assert.equal(await visible(page, "#filter") + await visible(page, "#theme"), 0);
    await context.close();
  },

  async "what comes from the network is text"() {
    const { page, done } = await open("hostile.html");
    await unfold(page);
    await page.waitForTimeout(200);
    assert.equal(await page.evaluate(() => window.owned), undefined);
    assert.equal(await page.locator("script").count(), 1);
    assert.equal(await page.locator("img, iframe, object, embed, link, base").count(), 0);
    assert.ok((await page.locator("body").innerText()).includes("window.owned"), "it is shown");
    // Even if something got in, it would not run.
    const ran = await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "window.owned = 2";
      document.body.append(script);
      return window.owned;
    });
    assert.equal(ran, undefined);
    await page.context().close();
  },

  async "thousands of findings stay quick"() {
    const { page, cpu, done } = await open("large.html");
    const size = statSync(join(folder, "large.html")).size;
    const loaded = await cpu();
    assert.equal(await page.locator(".find").count(), 5000);
    const before = await cpu();
    await page.evaluate(() => {
      const field = document.querySelector("#filter input[type=search]");
      field.value = "/ka/lb";
      field.dispatchEvent(new Event("input", { bubbles: true }));
      document.body.getBoundingClientRect();
    });
    const searched = (await cpu()) - before;
    assert.ok(await visible(page, ".find") < 50);
    console.log(`  5000 findings: ${(size / 1e6).toFixed(1)} MB; processor time: ${loaded} ms to load, ${searched} ms to search`);
    assert.ok(size < 10e6, `${size} bytes`);
    assert.ok(loaded > 0 && loaded < 6000 && searched < 1500, `${loaded} ${searched}`);
    await done();
  },
};

try {
  if (shots) {
    for (const [name, options] of [["light", {}], ["dark", { scheme: "dark" }], ["narrow", { size: NARROW }]]) {
      const { page, done } = await open("report.html", options);
      await shot(page, name, { fullPage: true });
      await done();
    }
  }
  for (const [name, check] of Object.entries(checks)) {
    if (process.env.ONLY && !name.match(process.env.ONLY)) continue;
    await check().catch((error) => { throw new Error(`${name}: ${error.message}`, { cause: error }); });
    console.log(`ok: ${name}`);
  }
} finally {
  await browser.close();
}

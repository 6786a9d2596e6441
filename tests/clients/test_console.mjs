// The console in a real browser: a trace page with its cited PDF page, and the home page. Saves screenshots.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(process.env.NODE_MODULES + "/");
const { chromium } = require("playwright-core");
const { AxeBuilder } = require("@axe-core/playwright");

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const context = await browser.newContext({ viewport: { width: 1200, height: 900 } });
const page = await context.newPage();
const problems = [];
page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
page.on("requestfailed", (request) => problems.push("failed: " + request.url()));

async function check(url, picture) {
  const response = await page.goto(url, { waitUntil: "networkidle" });
  assert.equal(response.status(), 200);
  const violations = (await new AxeBuilder({ page }).analyze()).violations;
  assert.deepEqual(violations.map((v) => v.id), [], "accessibility of " + url);
  await page.screenshot({ path: `${process.env.SCREENSHOTS}/${picture}.png`, fullPage: true });
}

await check(process.env.TRACE_URL, "trace");
const text = await page.textContent("main");
assert.match(text, /Ingrid Aalto/);
assert.match(text, /knowledge\.fuse/);
const image = page.locator(".source img").first();
await image.scrollIntoViewIfNeeded();
await page.waitForLoadState("networkidle");
const width = await image.evaluate((element) => element.naturalWidth);
assert.ok(width > 400, `the cited page is shown (${width} pixels wide)`);

// The tree opens span by span, by keyboard too.
const closed = page.locator("details.span details.span > summary").first();
await closed.focus();
await page.keyboard.press("Enter");
assert.ok(await closed.evaluate((element) => element.parentElement.open));

await page.setViewportSize({ width: 390, height: 800 });
const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
assert.ok(overflow <= 0, `nothing sticks out on a phone (${overflow} pixels)`);

await page.setViewportSize({ width: 1200, height: 900 });
await check(process.env.CONSOLE_URL, "console");
assert.match(await page.textContent("main"), /Cost by model/);
await page.locator("td a").first().click();
assert.match(await page.textContent("h1"), /Trace/);

// Without its token a trace does not open.
const stranger = await browser.newContext();
const refused = await (await stranger.newPage()).goto(process.env.TRACE_URL.replace(/\?t=.*/, ""));
assert.equal(refused.status(), 401);

assert.deepEqual(problems, []);
await browser.close();
console.log("console: good");

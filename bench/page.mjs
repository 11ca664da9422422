// page.mjs - how long a page of the screen takes in Chromium. Standard input: {"base","cookie","runs"}; one line of NDJSON for
// each page and kind of load: `first` has nothing in its cache, `next` has what the first one left.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:tls';

const { chromium } = createRequire(new URL('../web/package.json', import.meta.url))('playwright-core');
const asked = JSON.parse(readFileSync(0, 'utf8'));
const PAGES = [
    ['Overview', '/overview?last=24h', '.mults figure svg path.l'],
    ['Analytics', '/analytics/applications?last=24h', '.chart .over']
];

/* The key of the server: Chromium keeps nothing in its cache that came with a certificate it does not trust. */
function keyOf(base) {
    const { hostname, port } = new URL(base);
    return new Promise((resolve, reject) => {
        const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
            resolve(createHash('sha256').update(socket.getPeerX509Certificate().publicKey.export({ type: 'spki', format: 'der' })).digest('base64'));
            socket.destroy();
        });
        socket.on('error', reject);
    });
}

/* Runs in the page before its own scripts: when the chart stood in the document and a frame with it was made. */
function mark(selector) {
    const look = () => {
        if (globalThis.benchChart || !document.querySelector(selector)) return;
        globalThis.benchChart = -1;
        requestAnimationFrame(() => setTimeout(() => (globalThis.benchChart = performance.now()), 0));
        watch.disconnect();
    };
    const watch = new MutationObserver(look);
    watch.observe(document, { childList: true, subtree: true });
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

async function visit(context, path, selector) {
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    const got = { files: 0, answers: 0, kind: new Map() };
    await cdp.send('Network.enable');
    await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
    cdp.on('Network.requestWillBeSent', (e) => got.kind.set(e.requestId, e.request.url.includes('/api/') ? 'answers' : 'files'));
    cdp.on('Network.loadingFinished', (e) => (got[got.kind.get(e.requestId) ?? 'files'] += e.encodedDataLength));
    await page.addInitScript(mark, selector);
    await page.goto(asked.base + path, { waitUntil: 'commit' });
    await page.waitForFunction(() => globalThis.benchChart > 0, null, { timeout: 60_000 });
    const chart_bytes = got.files;
    const seen = await page.evaluate(() => ({ chart_ms: globalThis.benchChart, paint_ms: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null }));
    await page.waitForLoadState('networkidle', { timeout: 5000 }).catch(() => {}); // streams stay open
    const { metrics } = await cdp.send('Performance.getMetrics');
    const value = (name) => metrics.find((m) => m.name === name)?.value ?? 0;
    await page.close();
    return { ...seen, chart_bytes, files_bytes: got.files, answers_bytes: got.answers, cpu_ms: 1000 * value('TaskDuration') };
}

async function both(browser, path, selector) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    await context.addCookies([{ name: '__Host-fairlead', value: asked.cookie, url: asked.base, secure: true, httpOnly: true, sameSite: 'Lax' }]);
    const first = await visit(context, path, selector);
    const next = await visit(context, path, selector);
    await context.close();
    return { first, next };
}

const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--disable-gpu', '--no-first-run', '--disable-background-networking', `--ignore-certificate-errors-spki-list=${await keyOf(asked.base)}`, ...root] });
try {
    for (const [name, path, selector] of PAGES) {
        const runs = [];
        await both(browser, path, selector); // the first one of all starts processes of Chromium
        for (let i = 0; i < asked.runs; i++) runs.push(await both(browser, path, selector));
        for (const load of ['first', 'next']) {
            const out = { page: name, load, runs: runs.length };
            for (const key of Object.keys(runs[0][load])) out[key] = median(runs.map((r) => r[load][key]));
            console.log(JSON.stringify(out));
        }
    }
} finally {
    await browser.close();
}

/*
 * Overview, Analytics and the log explorer in Chromium, against a fairleadd that receives logs (make run).
 *   FAIRLEAD_URL=https://localhost:8443 FAIRLEAD_USER=ana@demo FAIRLEAD_PASSWORD=... node --test e2e/see.test.mjs
 * The user is an analyst of a tenant that has logs; a temporary password is changed to FAIRLEAD_PASSWORD_NEW.
 */
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const { FAIRLEAD_URL: base, FAIRLEAD_USER: user, FAIRLEAD_PASSWORD: password, FAIRLEAD_PASSWORD_NEW: changed } = process.env;
const skip = base && user && password ? false : 'FAIRLEAD_URL, FAIRLEAD_USER and FAIRLEAD_PASSWORD name no server';
const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const WAIT = { timeout: 15_000 };

let browser;
let state;

before(async () => {
    if (skip)
        return;
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(base);
    const post = (path, body, csrf) => page.evaluate(async ([path, body, csrf]) => {
        const headers = { 'Content-Type': 'application/json', ...(csrf ? { 'X-CSRF-Token': csrf } : {}) };
        const response = await fetch(`/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
        return { status: response.status, ...(await response.json()) };
    }, [path, body, csrf]);
    let session = await post('/session', { user, password });
    if (session.status !== 200 && changed)
        session = await post('/session', { user, password: changed });
    if (session.stage === 'password')
        session = await post('/session/password', { old: password, new: changed }, session.csrf);
    assert.equal(session.stage, 'open', `sign-in: ${JSON.stringify(session)}`);
    state = await context.storageState();
    await context.close();
});

after(() => browser?.close());

/* A page that fails the test on a violated policy, an error of the script, or a request to elsewhere. */
async function open(t, path, { width = 1440, theme = 'light' } = {}) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, storageState: state, viewport: { width, height: 900 }, reducedMotion: 'reduce', timezoneId: 'Europe/Berlin' });
    const page = await context.newPage();
    const bad = [];
    page.on('pageerror', (e) => bad.push(e.message));
    page.on('console', (m) => { if (/Content Security Policy|Trusted/i.test(m.text())) bad.push(m.text()); });
    page.on('request', (r) => { if (!r.url().startsWith(base) && !r.url().startsWith('blob:')) bad.push(`asked ${r.url()}`); });
    await page.addInitScript((name) => localStorage.setItem('fairlead.theme', name), theme);
    await page.goto(base + path);
    t.after(async () => {
        await context.close();
        assert.deepEqual(bad, []);
    });
    return page;
}

async function clean(page, what) {
    await page.evaluate(axe);
    const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`)));
    assert.deepEqual(found, [], what);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${what}: the page is ${wide} px wider than the window`);
}

const param = (page, name) => new URL(page.url()).searchParams.get(name);

test('each page in both themes and widths: no finding, nothing cut', { skip, timeout: 180_000 }, async (t) => {
    const pages = [
        ['/overview', '.mults figure'], ['/analytics/applications', 'tbody .pick'], ['/analytics/websites', 'tbody .pick'],
        ['/analytics/users', 'tbody .pick'], ['/analytics/logs?last=1h&tail=1', 'tr[data-row="0"]'], ['/analytics/searches', 'section']
    ];
    for (const theme of ['light', 'dark'])
        for (const width of [1440, 390])
            await t.test(`${theme}, ${width}`, async (s) => {
                const page = await open(s, pages[0][0], { theme, width });
                for (const [path, sign] of pages) {
                    await page.goto(base + path);
                    await page.locator(sign).first().waitFor(WAIT);
                    await page.waitForTimeout(300);
                    await clean(page, `${path} ${theme} ${width}`);
                }
            });
});

test('overview: numbers lead to lines, the map filters by site with the keyboard alone', { skip, timeout: 60_000 }, async (t) => {
    const page = await open(t, '/overview');
    await page.locator('.keyfig a[href*="/analytics/logs"]').first().waitFor(WAIT);
    const marks = page.locator('svg .mark');
    if (await marks.count() > 1) {
        await marks.first().focus();
        await page.keyboard.press('ArrowRight');
        await page.keyboard.press('Enter');
        await page.waitForFunction(() => new URL(location.href).searchParams.has('site'), null, WAIT);
        await page.getByRole('button', { name: 'Show all sites' }).click();
        assert.equal(param(page, 'site'), null);
    }
    await page.locator('.mults figcaption a.num').first().click();
    await page.waitForURL(/\/analytics\/logs\?.*q=app/, WAIT);
    await page.locator('tr[data-row="0"]').waitFor(WAIT);
});

test('applications: brush, totals, filter to range, back, one of them closely', { skip, timeout: 60_000 }, async (t) => {
    const page = await open(t, '/analytics/applications');
    const over = page.locator('.over').first();
    await over.waitFor(WAIT);
    const box = await over.boundingBox();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, box.y + 40, { steps: 5 });
    await page.mouse.up();
    await page.getByText(/[MGTk]?B, [\d\s]+ users?/).waitFor(WAIT);
    const end = param(page, 'bt');
    const hand = page.getByRole('slider', { name: 'End of the selected time' });
    await hand.focus();
    await page.keyboard.press('ArrowRight');
    assert.ok(param(page, 'bt') > end, 'the arrow moved the end');
    await page.getByRole('button', { name: 'Filter to range' }).click();
    assert.ok(param(page, 'from') && param(page, 'to') && !param(page, 'bf'));
    await page.goBack();
    assert.equal(param(page, 'from'), null);
    assert.ok(param(page, 'bf'), 'the selected time is there again');
    await page.locator('tbody .pick').first().click();
    await page.locator('aside .trio').waitFor(WAIT);
    const shared = await page.context().newPage();
    await shared.goto(page.url());
    await shared.locator('aside .trio').waitFor(WAIT);
    await page.keyboard.press('Escape');
    assert.equal(param(page, 'sel'), null);
    await page.getByText('As a table').first().click();
    await page.locator('details table tbody tr').nth(20).waitFor(WAIT);
});

test('the keyboard alone selects a time', { skip, timeout: 30_000 }, async (t) => {
    const page = await open(t, '/analytics/applications');
    await page.locator('.over').first().waitFor(WAIT);
    await page.getByRole('button', { name: 'Select a time with the keyboard' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('slider', { name: 'Begin of the selected time' }).waitFor(WAIT);
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => !new URL(location.href).searchParams.has('bf'), null, WAIT);
});

test('users are masked until a purpose is stated, and again after "End now"', { skip, timeout: 60_000 }, async (t) => {
    const page = await open(t, '/analytics/users');
    const first = page.locator('tbody .pick').first();
    await first.waitFor(WAIT);
    assert.match(await first.innerText(), /^user [0-9a-f]{8}$/);
    await page.getByRole('button', { name: 'Show names…' }).click();
    await page.getByRole('button', { name: 'Show for 15 min' }).click();
    await page.getByText('Choose the purpose.').waitFor(WAIT);
    await page.getByLabel('Purpose').selectOption('incident');
    await page.getByLabel('Case or ticket').fill('INC-1');
    await page.getByRole('button', { name: 'Show for 15 min' }).click();
    await page.getByText('Personal data shows').first().waitFor(WAIT);
    await page.waitForFunction(() => !/^user [0-9a-f]{8}$/.test(document.querySelector('tbody .pick')?.textContent ?? 'user 00000000'), null, WAIT);
    await page.getByRole('button', { name: 'End now' }).click();
    await page.waitForFunction(() => /^user [0-9a-f]{8}$/.test(document.querySelector('tbody .pick')?.textContent ?? ''), null, WAIT);
});

test('log explorer: typing, completion, a fault at its place, + and -, rows by keyboard, context', { skip, timeout: 90_000 }, async (t) => {
    const page = await open(t, '/analytics/logs?last=24h');
    await page.locator('tr[data-row="0"]').waitFor(WAIT);
    await page.keyboard.press('/');
    await page.keyboard.type('app:YOUT');
    await page.getByRole('option').first().waitFor(WAIT);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const box = page.getByRole('combobox', { name: 'Filter' });
    assert.match(await box.inputValue(), /^app:YOUTUBE /);
    await page.keyboard.press('Escape');
    await box.focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => new URL(location.href).searchParams.get('q') === 'app:YOUTUBE', null, WAIT);

    await box.fill('app: x');
    await box.press('Enter');
    await page.getByText(/a value must follow/).first().waitFor(WAIT);
    assert.equal(await box.getAttribute('aria-invalid'), 'true');
    await page.goBack();
    await page.locator('.cost', { hasText: 'Complete' }).waitFor(WAIT);

    await page.getByRole('button', { name: /^Without event.action/ }).first().click();
    assert.match(param(page, 'q'), /^app:YOUTUBE -action:/);
    await page.locator('tr[data-row="0"]').waitFor(WAIT);
    await page.locator('h1').evaluate((e) => (e.tabIndex = -1, e.focus()));
    await page.keyboard.press('j');
    await page.waitForTimeout(200);
    await page.keyboard.press('Enter');
    await page.getByText('All fields').waitFor(WAIT);
    assert.ok(param(page, 'row'));
    await page.locator('.raw', { hasText: /<\d+>/ }).waitFor(WAIT);
    await page.getByRole('button', { name: /^Context ±50/ }).click();
    await page.getByText('50 rows before and after').waitFor(WAIT);
    await page.locator('tr.marked').waitFor(WAIT);
    await page.keyboard.press('Escape');
    assert.equal(param(page, 'near'), null);
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys and filter words' }).waitFor(WAIT);
    await page.keyboard.press('Escape');
});

test('many rows: only those in sight are drawn, and more come', { skip, timeout: 60_000 }, async (t) => {
    const page = await open(t, '/analytics/logs?last=24h');
    await page.locator('tr[data-row="0"]').waitFor(WAIT);
    const scroll = page.getByRole('region', { name: 'Log rows, newest first' });
    for (let i = 0; i < 6; i++) {
        await scroll.evaluate((e) => e.scrollTo(0, e.scrollHeight));
        await page.waitForTimeout(250);
    }
    assert.ok(await page.locator('tr[data-row]').count() < 80);
    assert.ok(Number(await page.locator('table.log').first().getAttribute('aria-rowcount')) > 401);
});

test('live tail: rows come, scrolling holds them, what waits is counted', { skip, timeout: 60_000 }, async (t) => {
    const page = await open(t, '/analytics/logs?last=1h&tail=1');
    const live = page.getByRole('region', { name: 'Live rows' });
    await page.waitForFunction(() => document.querySelectorAll('.tail tbody tr').length > 12, null, { timeout: 40_000 });
    await live.evaluate((e) => e.scrollTo(0, 60));
    await page.getByText(/Paused at .* you scrolled/).waitFor(WAIT);
    const held = await live.locator('tbody').innerText();
    await page.getByRole('button', { name: /^Show \d+ new$/ }).waitFor({ timeout: 30_000 });
    assert.equal(await live.locator('tbody').innerText(), held, 'nothing moved while it was read');
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor(WAIT);
});

test('a view is saved with a schedule, runs, and goes', { skip, timeout: 60_000 }, async (t) => {
    const page = await open(t, '/analytics/logs?last=1h&q=action%3Adenied');
    await page.locator('.cost', { hasText: 'Complete' }).waitFor(WAIT);
    await page.getByRole('button', { name: 'Save view' }).click();
    const name = `Denied ${Date.now()}`;
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill(name);
    await dialog.getByLabel('Run it on a schedule').check();
    await dialog.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('A number, such as 100.').waitFor(WAIT);
    await dialog.getByLabel('Limit').fill('1000000');
    await dialog.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('it raises an alarm').waitFor(WAIT);
    await page.getByRole('link', { name: 'Saved searches' }).click();
    const row = page.locator('tr', { hasText: name });
    await row.getByRole('button', { name: 'Run' }).click();
    await row.getByText(/\d/).first().waitFor(WAIT);
    await row.getByRole('link', { name }).click();
    await page.waitForURL(/q=action/, WAIT);
    await page.goBack();
    await row.getByRole('button', { name: `Remove ${name}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
    await row.waitFor({ state: 'detached', ...WAIT });
});
